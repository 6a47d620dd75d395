"""requirements.txt as a stranger may write it: what gets through, and the sentence for what does not."""

import pytest

from sandbox import requirements
from sandbox.requirements import BadRequirements, parse, text


def lines(data: str) -> list[str]:
    return [one.text for one in parse(data.encode())]


@pytest.mark.parametrize(
    ("line", "normal"),
    [
        ("requests", "requests"),
        ("Scikit_Learn>=1.5 # because", "scikit-learn>=1.5"),
        ("requests [socks] >= 2, < 3", "requests[socks]<3,>=2"),
        ("numpy==1.*", "numpy==1.*"),
        ("a~=1.0", "a~=1.0"),
        ("a; python_version >= '3.8'", 'a; python_version >= "3.8"'),
    ],
)
def test_plain_requirement_gets_one_spelling(line: str, normal: str) -> None:
    assert lines(line) == [normal]


def test_order_comments_and_repetition_do_not_matter() -> None:
    assert lines("# the web\nrequests\n\nflask\r\nFlask") == lines("flask\nrequests") == ["flask", "requests"]


def test_what_does_not_apply_here_is_left_out() -> None:
    assert lines("a; sys_platform == 'win32'\nb; extra == 'dev'\nc") == ["c"]


def test_windows_files_are_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert [one.name for one in parse("requests\r\nflask\r\n".encode(encoding))] == ["flask", "requests"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-r more.txt", "includes another file"),
        ("--requirement=/etc/shadow", "includes another file"),
        ("-c /etc/passwd", "includes another file"),
        ("-e .", "editable"),
        ("--editable git+https://x.example/y", "editable"),
        ("-i https://evil.example/simple", "index"),
        ("--index-url=https://evil.example/simple", "index"),
        ("--extra-index-url https://evil.example", "index"),
        ("-f /root", "index"),
        ("--find-links=/root", "index"),
        ("--trusted-host evil.example", "index"),
        ("--no-binary :all:", "is an option"),
        ("requests --hash=sha256:00", "options after the package"),
        ("requests --global-option=x", "options after the package"),
        ("git+ssh://git@host/x", "repository"),
        ("x @ https://evil.example/x.whl", "address"),
        ("x@file:///etc/passwd", "address"),
        ("https://evil.example/x-1-py3-none-any.whl", "address"),
        ("./x", "path"),
        ("/etc/passwd", "path"),
        ("C:\\x.whl", "path"),
        ("x-1-py3-none-any.whl", "path"),
        ("x.tar.gz", "path"),
        ("..", "path"),
        ("${HOME}", "variable"),
        ("requests \\", "next line"),
        ("two words", "no package name"),
        ("naïve", "no package name"),
        ("a;" + "(" * 400, "no package name"),
        ("a; python_version ~= 'x'", "cannot be evaluated"),
        ("a" * 501, "longer than 500"),
    ],
)
def test_everything_else_is_refused_with_its_line(line: str, says: str) -> None:
    with pytest.raises(BadRequirements, match=says) as caught:
        parse(f"requests\n{line}\n".encode())
    assert caught.value.line == 2
    assert "Line 2 of requirements.txt" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a\n" * 1001, "more than 1000 lines"),
        (b"#" * 65_537, "larger than 64 KiB"),
        (b"\xff\xfea", "not UTF-8"),
        (b"caf\xe9", "not UTF-8"),
        ("\n".join(f"p{n}" for n in range(201)).encode(), "more than 200 packages"),
    ],
)
def test_size_is_bounded(data: bytes, says: str) -> None:
    with pytest.raises(BadRequirements, match=says) as caught:
        parse(data)
    assert caught.value.line is None


def test_what_is_there_already_is_not_asked_for() -> None:
    installed = {"openai": "2.1.0", "requests": "2.32.0", "odd": "not-a-version"}
    wanted = parse(b"openai\nrequests>=3\nopenai[voice]\nodd>1\nflask")
    assert [one.text for one in requirements.missing(wanted, installed)] == [
        "flask",
        "odd>1",
        "openai[voice]",
        "requests>=3",
    ]


def test_file_of_our_own_spelling() -> None:
    assert text(parse(b"B\nA>1")) == "a>1\nb\n"
