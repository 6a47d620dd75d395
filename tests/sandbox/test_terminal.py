"""`python -m sandbox run`: the exit status is the script's, Ctrl-C stops it, its folder comes along."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.arena import ROOT


def start(script: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sandbox", "run", str(script), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def run(script: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    with start(script, *arguments) as process:
        out, err = process.communicate(stdin, timeout=60)
        return process.returncode, out, err


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "bot.py"


def test_questions_and_answers_keep_their_order(script: Path) -> None:
    script.write_text("for n in range(3):\n    print(f'[{n}]', input(f'{n}? '))\n")
    assert run(script, stdin="a\nb\nc\n") == (0, "0? [0] a\n1? [1] b\n2? [2] c\n", "")


@pytest.mark.parametrize(
    ("ending", "status"), [("exit(7)", 7), ("1/0", 1), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_exit_status_is_the_scripts(script: Path, ending: str, status: int) -> None:
    script.write_text(f"print('on')\n{ending}\n")
    assert run(script)[:2] == (status, "on\n")


def test_folder_and_arguments_come_along_but_nothing_else(script: Path) -> None:
    folder = script.parent
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("x = 5\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "secret").touch()
    (folder / "link").symlink_to("/etc/passwd")
    script.write_text(
        "import os, sys, package\nprint(sys.argv, package.x, sorted(os.listdir('.')))\nopen('new', 'w')\n"
    )
    status, out, _ = run(script, "one", "--two")
    names = [".shared", ".storage", ".user", "bot.py", "package"]
    assert (status, out) == (0, f"['bot.py', 'one', '--two'] 5 {names}\n")
    assert not (folder / "new").exists()


def test_folder_that_does_not_fit_is_said(script: Path) -> None:
    for number in range(3):
        with open(script.parent / f"{number}.bin", "wb") as file:
            file.truncate(40 << 20)
    script.write_text("print('runs')\n")
    status, out, err = run(script)
    assert (status, out) == (0, "runs\n")
    assert "2 files" in err


def test_interrupt_stops_the_script(script: Path) -> None:
    script.write_text("print('on', flush=True)\nwhile True: pass\n")
    with start(script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(30) == 130
        assert time.monotonic() - started < 10


def test_forged_records_do_not_stop_the_terminal(script: Path) -> None:
    script.write_text("import os\nos.write(3, b'\\xff' * 5000)\nprint('still', 'here')\n")
    assert run(script) == (0, "still here\n", "")


def test_missing_file_is_said(tmp_path: Path) -> None:
    status, _, err = run(tmp_path / "nothing.py")
    assert status == 2
    assert "nothing.py" in err


def test_unknown_command_shows_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "python -m sandbox run FILE.py" in done.stderr


def test_a_servers_data_beside_the_script_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "data" / "blobs").mkdir(parents=True)
    for name in ("data/hal9.sqlite3", "data/blobs/x", "data.key", "notes.txt"):
        (tmp_path / name).write_text("secret")
    script = tmp_path / "app.py"
    script.write_text("import os\nprint(sorted(n for f in os.walk('.') for n in f[2]))\n")
    command = [sys.executable, "-m", "sandbox", "run", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "['app.py', 'notes.txt']\n", done.stderr
