"""The scripts of tests/scripts in the sandbox with a terminal as their chat: `python -m sandbox run FILE.py`."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts import CRASHED, SCRIPTS, WAITING, Script, Step

ROOT = Path(__file__).parents[2]
STEP_SECONDS = 30.0


class Terminal:
    """A script that runs in the sandbox; what it says is compared as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self.times: list[float] = []

    def say(self, text: str) -> None:
        self._stdin.write(text.replace("\n", "\f").encode() + b"\n")

    def read(self, size: int) -> bytes:
        """Return `size` bytes of output, less when the script ends or takes too long."""
        text, deadline = b"", time.monotonic() + STEP_SECONDS
        self.times = []
        while len(text) < size and (left := deadline - time.monotonic()) > 0:
            if not select.select([self._stdout], [], [], left)[0]:
                break
            piece = os.read(self._stdout.fileno(), size - len(text))
            if not piece:
                break
            self.times.append(time.monotonic())
            text += piece
        return text

    def expect(self, text: str) -> None:
        assert self.read(len(text.encode())).decode() == text

    def says_nothing_more(self, seconds: float = 0.15) -> bool:
        return not select.select([self._stdout], [], [], seconds)[0]


@contextmanager
def terminal(script: Script) -> Iterator[Terminal]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "run", str(script.folder / "app.py")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    with process:
        try:
            yield Terminal(process)
        finally:
            process.kill()


def take(step: Step, shown: Terminal) -> None:
    if step.says is not None:
        shown.say(step.says)
    shown.expect(step.shows)
    if step.gradual:
        lines = step.shows.count("\n")
        assert len(shown.times) >= lines
        assert shown.times[-1] - shown.times[0] > 0.7 * (lines - 1)
    if step.later:
        begun = time.monotonic()
        shown.expect(step.later)
        assert time.monotonic() - begun > 0.3 * step.later_seconds
    if step.then == WAITING:
        assert shown.says_nothing_more()
        assert shown.process.poll() is None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.id)
def test_a_script_chats_in_the_terminal(script: Script) -> None:
    with terminal(script) as shown:
        for step in script.first_run:
            take(step, shown)
        last = script.first_run[-1]
        if last.then == WAITING:
            return
        rest, complaint = shown.process.communicate(timeout=STEP_SECONDS)
        assert rest == b""
        assert shown.process.returncode == (1 if last.then == CRASHED else 0)
        told = complaint.decode()
        if last.error is None:
            assert told == last.console
        else:
            assert f'File "{last.error.file}", line {last.error.line}' in told
            assert f"{last.error.type}: {last.error.message}" in told


def test_the_scripts_of_the_table_are_what_it_says() -> None:
    folders = {path.parent.name for path in (ROOT / "tests" / "scripts").glob("*/app.py")}
    assert folders == {script.id for script in SCRIPTS}
    assert sum(script.from_issue for script in SCRIPTS) == 6
    for script in SCRIPTS:
        assert script.steps[0].says is None
        assert all(step.says is not None for step in script.steps[1:])
        assert all(step.shows.endswith(step.asks) for step in script.steps)
