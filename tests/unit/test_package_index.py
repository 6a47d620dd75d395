"""Where packages come from: setting, pip's configuration, PyPI; and whom an installation may therefore reach."""

from pathlib import Path

import pytest

from sandbox import install_command, package_index
from sandbox.install_failures import Ending, failure
from sandbox.package_index import BadIndex, PackageIndex, from_pip, parse_pip
from sandbox.requirements import parse


def hosts(index: PackageIndex) -> set[str]:
    return {str(target) for target in index.targets}


def test_standard_index_and_its_files_are_reached() -> None:
    index = from_pip({}, None)
    assert index.url == "https://pypi.org/simple"
    assert hosts(index) == {"pypi.org:443", "files.pythonhosted.org:443"}
    assert index.policy.record == ["files.pythonhosted.org:443", "pypi.org:443"]


def test_pip_configuration_counts_in_its_order() -> None:
    listing = (
        "global.index-url='https://global.example/simple'\n"
        ":env:.index-url='https://env.example/simple'\n"
        "install.index-url='https://install.example/simple'\n"
        "global.cert='/etc/ssl/own.pem'\nuser.odd\n"
    )
    settings = parse_pip(listing)
    assert settings == {"index-url": "https://env.example/simple", "cert": "/etc/ssl/own.pem"}
    index = from_pip(settings, None)
    assert hosts(index) == {"env.example:443"}
    assert index.certificates == Path("/etc/ssl/own.pem")


def test_setting_goes_before_pip() -> None:
    index = from_pip(
        {"index-url": "https://pip.example", "extra-index-url": "https://more.example"}, "http://own.example"
    )
    assert hosts(index) == {"own.example:80"}


def test_files_of_another_host_are_a_setting() -> None:
    index = from_pip({}, "https://own.example/simple", ("files.example", "cdn.example:8443"))
    assert hosts(index) == {"own.example:443", "files.example:443", "cdn.example:8443"}


def test_no_index_leaves_the_links() -> None:
    index = from_pip({"no-index": "true", "find-links": "/srv/wheels https://links.example/x"}, None)
    assert index.url is None
    assert index.links == ("file:///srv/wheels", "https://links.example/x")
    assert hosts(index) == {"links.example:443"}


def test_folders_are_those_that_everyone_can_read(tmp_path: Path) -> None:
    open_folder = Path("/usr/share")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    index = PackageIndex(None, (), tuple(path.as_uri() for path in (open_folder, closed, tmp_path / "absent")))
    assert index.folders == (open_folder,)
    environment = install_command.environment(index, has_certificates=False)
    assert environment["UV_FIND_LINKS"] == "file:///usr/share"
    assert environment["UV_NO_INDEX"] == "1"


def test_password_is_in_no_name_and_no_command_line() -> None:
    index = from_pip({}, "https://name:secret@own.example/simple")
    assert "secret" not in index.name
    assert hosts(index) == {"own.example:443"}
    argv = [*install_command.resolve_argv(has_constraints=True), *install_command.install_argv()]
    assert "secret" not in " ".join(argv)
    assert "secret" in install_command.environment(index, has_certificates=True)["UV_DEFAULT_INDEX"]


@pytest.mark.parametrize("url", ["https://a b/simple", "https://", "https://x:99999/simple"])
def test_address_that_is_none(url: str) -> None:
    with pytest.raises(BadIndex):
        _ = PackageIndex(url).targets


def test_constraints_are_a_file_of_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text("a<2\n")
    assert package_index.read_constraints(from_pip({"constraint": str(path)}, None)) == b"a<2\n"
    assert from_pip({"constraint": "https://x.example/c.txt"}, None).constraints is None


NO_SOLUTION = "error: No solution found when resolving dependencies\n  cause: Because "


@pytest.mark.parametrize(
    ("log", "says", "line"),
    [
        (
            NO_SOLUTION + "fastapy was not found in the package registry and you require fastapy",
            "no package fastapy",
            2,
        ),
        (NO_SOLUTION + "there is no version of six==99 and you require six==99", "no such version of six", 3),
        (
            NO_SOLUTION + "all versions of docopt have no usable wheels and you require docopt",
            "docopt (requirements.txt, line 4) cannot be",
            4,
        ),
        (NO_SOLUTION + "numpy==1.9.0 has no usable wheels and you require numpy==1.9.0", "numpy cannot be", None),
        (NO_SOLUTION + "a==1 depends on b<2 and you require a==1", "exclude each other", None),
        ("error: Failed to fetch: `https://own.example/simple/x/`", "index did not answer", None),
        ("error: failed to write: No space left on device (os error 28)", "more than the 7 MB", None),
        ("thread panicked", "could not be installed", None),
    ],
)
def test_failure_becomes_a_sentence_about_a_line(log: str, says: str, line: int | None) -> None:
    wanted = parse(b"# mine\nfastapy\nsix==99\ndocopt\n")
    found = failure(Ending(2, log), wanted, seconds=5, megabytes=7)
    assert says in str(found)
    assert found.line == line
    assert found.log == log


def test_what_we_ended_is_said_first() -> None:
    assert "longer than 5 s" in str(failure(Ending(137, "x", "time"), (), seconds=5, megabytes=7))
    assert "7 MB" in str(failure(Ending(137, "x", "memory"), (), seconds=5, megabytes=7))


def test_log_shows_no_password() -> None:
    found = failure(Ending(2, "Failed to fetch https://me:secret@own.example/x"), (), seconds=5, megabytes=7)
    assert "secret" not in found.log
    assert "own.example" in found.log
