"""The launcher's loop, with small programs in place of the web server and the supervisor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = """
import os, sys
from pathlib import Path
from hal9_ide.ops.children import Child, Program
from hal9_ide.ops.launcher import Launcher
def program(name, code):
    return Program(name, (sys.executable, "-c", code), dict(os.environ), Path("."), fatal_status=78)
children = [Child(program(*pair)) for pair in zip(sys.argv[1::2], sys.argv[2::2])]
print("launched", flush=True)
sys.exit(Launcher(children, hup=children[0]).run())
"""
NOTE = "import os, time, signal; open('pids', 'a').write(f'{os.getpid()}\\n'); "
SLEEPER = NOTE + "time.sleep(60)"
STUBBORN = NOTE + "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"

Launch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    started: list[subprocess.Popen[str]] = []

    def start(*named_codes: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *named_codes],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def pids(folder: Path, count: int) -> list[int]:
    """Wait until `count` children have noted their pids."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
        if len(found) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.01)
    raise AssertionError(f"fewer than {count} children started")


def is_gone(pid: int) -> bool:
    """Wait up to 5 s for a process to end."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_both_children(launch: Launch, tmp_path: Path, number: signal.Signals) -> None:
    launcher = launch("web", SLEEPER, "supervisor", SLEEPER)
    children = pids(tmp_path, 2)
    launcher.send_signal(number)
    assert launcher.wait(5) == 0
    assert all(is_gone(pid) for pid in children)


def test_a_killed_child_is_started_again_and_the_other_stays(launch: Launch, tmp_path: Path) -> None:
    launch("web", SLEEPER, "supervisor", SLEEPER)
    first, second = pids(tmp_path, 2)
    os.kill(first, signal.SIGKILL)
    assert len(set(pids(tmp_path, 3))) == 3
    assert Path(f"/proc/{second}").exists()


def test_children_die_with_a_killed_launcher(launch: Launch, tmp_path: Path) -> None:
    launcher = launch("web", SLEEPER, "supervisor", SLEEPER)
    children = pids(tmp_path, 2)
    launcher.kill()
    assert all(is_gone(pid) for pid in children)


def test_a_child_that_ignores_sigterm_is_killed_by_a_second_one(launch: Launch, tmp_path: Path) -> None:
    launcher = launch("web", STUBBORN)
    (child,) = pids(tmp_path, 1)
    time.sleep(0.1)  # until it ignores SIGTERM
    launcher.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert launcher.poll() is None
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(5) == 0
    assert is_gone(child)


def test_what_a_killed_child_had_started_ends_too(launch: Launch, tmp_path: Path) -> None:
    grandchild = f"import os; os.fork(); {SLEEPER}"
    launch("web", grandchild)
    first, second = pids(tmp_path, 2)
    parent = min(first, second)
    os.kill(parent, signal.SIGKILL)
    assert is_gone(max(first, second))


def test_a_child_that_can_never_run_ends_the_server(launch: Launch, tmp_path: Path) -> None:
    launcher = launch("web", SLEEPER, "supervisor", NOTE + "time.sleep(1); raise SystemExit(78)")
    children = pids(tmp_path, 2)
    assert launcher.wait(10) == 78
    assert all(is_gone(pid) for pid in children)


def test_hup_goes_to_the_web_server(launch: Launch, tmp_path: Path) -> None:
    on_hup = "import signal; signal.signal(signal.SIGHUP, lambda *a: open('hup', 'w').close()); "
    launcher = launch("web", on_hup + SLEEPER)
    pids(tmp_path, 1)
    launcher.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 5
    while not (tmp_path / "hup").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "hup").exists()


def test_restarts_pause_longer_each_time(launch: Launch, tmp_path: Path) -> None:
    launcher = launch("web", NOTE + "raise SystemExit(1)")
    pids(tmp_path, 3)
    launcher.terminate()
    _, errors = launcher.communicate(timeout=5)
    pauses = [float(line.rpartition("=")[2]) for line in errors.splitlines()]
    assert pauses[:2] == [0, 0.5]
