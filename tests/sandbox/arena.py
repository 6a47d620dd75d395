"""A process that starts sandboxes for tests: it has one thread and private mounts, which pytest's own may not.

`Arena` is the side of the tests, `main` that of the process. A request is a function of a module that both can import,
with picklable arguments; what it returns or raises comes back.
"""

import importlib
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from sandbox import hostfs, volumes, wire
from sandbox.command import Folders, RunSpec
from sandbox.host import Host, find_host
from sandbox.launch import Process, launch
from sandbox.limits import Limits

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0


@dataclass
class Outcome:
    """What became of one run."""

    status: int = -1
    """What the process said, 128 + n after signal n."""
    exit_record: int | None = None
    stdout: str = ""
    stderr: str = ""
    events: list[tuple[int, bytes]] = field(default_factory=list)
    """The control records."""
    entries: dict[str, hostfs.Entry] = field(default_factory=dict)
    """The work folder afterwards."""
    seconds: float = 0.0

    @property
    def kinds(self) -> list[int]:
        """The kinds of the control records."""
        return [kind for kind, _ in self.events]

    def payloads(self, kind: int) -> list[bytes]:
        """Return the payloads of one kind."""
        return [payload for found, payload in self.events if found == kind]

    def sources(self) -> list[tuple[str, str, int]]:
        """Return (beginning of the text, file, line) of everything announced."""
        found = []
        for payload in self.payloads(wire.SOURCE):
            _, line, excerpt = wire.SOURCE_HEAD.unpack_from(payload)
            rest = payload[wire.SOURCE_HEAD.size :]
            found.append((rest[:excerpt].decode("utf-8", "replace"), rest[excerpt:].decode(), line))
        return found


class Arena:
    """Runs functions in the arena process."""

    def __init__(self, python_argv: list[str] | None = None) -> None:
        argv = python_argv or [sys.executable]
        self._process = subprocess.Popen(
            [*argv, "-m", "tests.sandbox.arena"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def call(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Return what the function returns there; raise what it raises there."""
        assert self._process.stdin is not None and self._process.stdout is not None
        pickle.dump((function.__module__, function.__qualname__, args, options), self._process.stdin)
        self._process.stdin.flush()
        has_worked, value = pickle.load(self._process.stdout)
        if not has_worked:
            raise value
        return value

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


_host: Host | None = None
_count = 0


def host() -> Host:
    """Return this machine, in the arena."""
    global _host  # noqa: PLW0603 - one per process, like the mounts
    if _host is None:
        _host = find_host()
        volumes.enter_private_mounts(_host)
    return _host


def new_volumes() -> volumes.Volumes:
    """Return a place for volumes that no other run uses."""
    global _count  # noqa: PLW0603
    _count += 1
    here = host()
    return volumes.Volumes(here, volumes.base_folder(here) / f"arena-{_count}")


def new_folders(made: volumes.Volumes, limits: Limits, *, suffix: str = "", shared: Path | None = None) -> Folders:
    """Return the mounted folders of one run."""

    def create(name: str) -> Path:
        return made.create(name + suffix, size_bytes=limits.folder_bytes, files=limits.folder_files)

    scratch = made.create(f"scratch{suffix}", size_bytes=limits.scratch_bytes, files=limits.scratch_files)
    return Folders(create("work"), create("storage"), create("user"), shared or create("shared"), scratch)


def spec_for(
    made: volumes.Volumes,
    script: str,
    *,
    files: Mapping[str, str] | None = None,
    limits: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    suffix: str = "",
    shared: Path | None = None,
    args: tuple[str, ...] = (),
) -> RunSpec:
    """Return a run of `script` as app.py beside `files`."""
    wanted = replace(Limits(), **(limits or {}))
    folders = new_folders(made, wanted, suffix=suffix, shared=shared)
    fd = hostfs.open_root(folders.work)
    for path, text in {"app.py": script, **(files or {})}.items():
        hostfs.write_file(fd, path, text.encode(), 0o644, host().run_uid, host().run_gid)
    os.close(fd)
    return RunSpec("app.py", folders, wanted, env or {}, args=args)


def run(script: str, *, stdin: tuple[str, ...] | str = (), on: Host | None = None, **options: Any) -> Outcome:
    """Run a script to its end. `stdin`: lines, each handed over when the script waits; or a text, at once."""
    with ExitStack() as cleanup:
        made = new_volumes()
        cleanup.callback(made.drop_all)
        spec = spec_for(made, script, **options)
        process = launch(on or host(), spec)
        cleanup.callback(process.close)
        outcome = drive(process, stdin)
        fd = hostfs.open_root(spec.folders.work)
        skip = frozenset({".storage", ".user", ".shared"})
        outcome.entries = hostfs.scan(fd, skip=skip, known=hostfs.ScanCache(), put=lambda data: str(len(data)))
        os.close(fd)
        return outcome


def drive(process: Process, stdin: tuple[str, ...] | str = (), *, until: str | None = None) -> Outcome:
    """Talk to a run until it has ended, or, with `until`, until its output holds that."""
    return _Talk(process, stdin, until).hold()


class _Talk:
    def __init__(self, process: Process, stdin: tuple[str, ...] | str, until: str | None) -> None:
        self._process, self._until = process, until
        self._lines = list(stdin) if isinstance(stdin, tuple) else []
        self._parser, self._outcome = wire.Parser(), Outcome()
        self._output = {process.stdout_fd: b"", process.stderr_fd: b""}
        self._open = {process.stdout_fd, process.stderr_fd, process.control_fd}
        if isinstance(stdin, str):
            os.write(process.stdin_fd, stdin.encode("utf-8", "surrogateescape"))
            process.close_stdin()

    def hold(self) -> Outcome:
        started, outcome, process = time.monotonic(), self._outcome, self._process
        out, err = process.stdout_fd, process.stderr_fd
        while self._open:
            ready, _, _ = select.select(self._open, [], [], SECONDS)
            if not ready:
                process.kill()
            for fd in ready:
                self._read(fd)
            outcome.stdout = self._output[out].decode("utf-8", "replace")
            outcome.stderr = self._output[err].decode("utf-8", "replace")
            if self._until is not None and self._until in outcome.stdout:
                return outcome
        outcome.status = process.wait()
        exits = outcome.payloads(wire.EXIT)
        outcome.exit_record = int.from_bytes(exits[-1], "big", signed=True) if exits else None
        outcome.seconds = time.monotonic() - started
        return outcome

    def _read(self, fd: int) -> None:
        data = os.read(fd, 1 << 20)
        if not data:
            self._open.discard(fd)
        elif fd in self._output:
            self._output[fd] += data
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        with suppress(ValueError):  # a script may write there itself
            for kind, payload in self._parser.feed(data):
                self._outcome.events.append((kind, payload))
                if kind == wire.WAITING and self._process.stdin_fd >= 0:
                    self._answer()

    def _answer(self) -> None:
        if self._lines:
            os.write(self._process.stdin_fd, self._lines.pop(0).encode() + b"\n")
        elif self._until is None:
            self._process.close_stdin()


def main() -> None:
    """Serve requests until the tests have gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not become part of an answer
    while True:
        try:
            module, name, args, options = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = (True, getattr(importlib.import_module(module), name)(*args, **options))
        except BaseException as error:
            answer = (False, error)
        try:
            data = pickle.dumps(answer)
        except Exception as error:
            data = pickle.dumps((False, RuntimeError(f"{answer!r}: {error!r}")))
        answers.write(data)
        answers.flush()


if __name__ == "__main__":
    main()
