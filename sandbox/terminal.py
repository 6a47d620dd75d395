"""A script in the sandbox, with this terminal as its chat: `python -m sandbox run FILE.py`. Needs no server."""

import os
import select
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path

from . import terminal_packages, volumes, wire
from .host import find_host
from .launch import Folders, Process, RunSpec, launch
from .limits import Limits

_PIECE_BYTES = 65536
_SKIPPED = {"__pycache__", "node_modules"}
_SERVER_DATA = "hal9.sqlite3"
_UNSAID_SECONDS = 0.1
_INTERRUPTED_STATUS = 130
_NO_PACKAGES_STATUS = 4


def run(file: Path, arguments: tuple[str, ...]) -> int:
    """Run `file` on a copy of its folder; return the script's exit status. Ctrl-C stops it.

    Packages that a requirements.txt beside it asks for are installed first.

    Raises: SandboxUnavailable, OSError.
    """
    if not file.is_file():
        print(f"There is no file {file}.", file=sys.stderr)
        return 2
    host, limits = find_host(), Limits()
    volumes.enter_private_mounts(host)
    made = volumes.Volumes(host, volumes.base_folder(host) / "run")
    try:
        environment = terminal_packages.environment(host, made, file.resolve().parent)
    except terminal_packages.NoPackages as problem:
        print(problem, file=sys.stderr)
        return _NO_PACKAGES_STATUS
    folders = _folders(made, limits)
    _copy(file.resolve(), folders.work, host.run_uid, host.run_gid)
    process = launch(host, RunSpec(file.name, folders, limits, {}, arguments, environment=environment))
    try:
        return _Terminal(process).talk()
    except KeyboardInterrupt:
        return _INTERRUPTED_STATUS
    finally:
        process.close()


def _folders(made: volumes.Volumes, limits: Limits) -> Folders:
    def create(name: str) -> Path:
        return made.create(name, size_bytes=limits.folder_bytes, files=limits.folder_files)

    scratch = made.create("scratch", size_bytes=limits.scratch_bytes, files=limits.scratch_files)
    return Folders(create("work"), create("storage"), create("user"), create("shared"), scratch)


def _copy(file: Path, target: Path, uid: int, gid: int) -> None:
    """Copy the folder of `file`, the file itself first, as far as it fits. Symlinks and dot folders stay behind."""
    left_out = 0
    others = [p for p in _plain_files(file.parent) if p != file]
    for path in [file, *others]:
        copy = target / path.relative_to(file.parent)
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            os.chown(copy, uid, gid)
        except OSError:
            left_out += 1
            with suppress(OSError):
                copy.unlink()
    for folder in (p for p in target.rglob("*") if p.is_dir()):
        os.chown(folder, uid, gid)
    if left_out:
        print(f"[{left_out} files of {file.parent} do not fit and are not there]", file=sys.stderr)


def _plain_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        if _SERVER_DATA in files:  # a server's data folder below: a script must not read other people's things
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        found += [path for name in files if _is_plain(path := Path(parent, name))]
        if len(found) > Limits().folder_files:
            break
    return found


def _is_plain(path: Path) -> bool:
    """Say whether it is a regular file that could fit; a log of gigabytes beside the script is not even read."""
    about = path.lstat()
    if path.suffix == ".key":  # beside a data folder lies what seals it
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size <= Limits().folder_bytes


class _Terminal:
    """Carries bytes between this terminal and the run until the run has ended.

    A line is handed over when the script waits for one, so that questions and answers keep their order even when the
    answers come from a file; to a script that does not say when it waits (a shell's `read`), after a moment.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._control = wire.Parser()
        self._status: int | None = None
        self._is_ready = False
        self._is_waiting = False
        self._typed = b""
        self._has_input = True

    def talk(self) -> int:
        """Return the script's exit status."""
        process = self._process
        outputs = {process.stdout_fd: 1, process.stderr_fd: 2}
        open_fds = {process.stdout_fd, process.stderr_fd, process.control_fd}
        while open_fds:
            reads = [*open_fds, *([0] if self._has_input and not self._typed else [])]
            can_feed = bool(self._typed) and self._is_waiting
            readable, _, _ = select.select(reads, [], [], 0 if can_feed else _UNSAID_SECONDS if self._typed else None)
            if 0 in readable:
                self._read_terminal()
            for fd in open_fds & set(readable):
                has_more = self._read_control() if fd == process.control_fd else _drain(fd, outputs[fd])
                if not has_more:
                    open_fds.discard(fd)
            if self._typed and self._is_waiting:
                self._feed(self._typed.find(b"\n") + 1)
            elif self._typed and not readable:
                self._feed(0)
        return self._end()

    def _read_terminal(self) -> None:
        self._typed = os.read(0, _PIECE_BYTES)
        if not self._typed:
            self._has_input = False
            self._process.close_stdin()

    def _feed(self, size: int) -> None:
        """Hand over the first `size` bytes of what was typed, 0 meaning all."""
        self._is_waiting = False
        try:
            self._typed = self._typed[os.write(self._process.stdin_fd, self._typed[: size or None]) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._typed, self._has_input = b"", False

    def _read_control(self) -> bool:
        try:
            data = os.read(self._process.control_fd, _PIECE_BYTES)
        except BlockingIOError:
            return True
        try:
            records = self._control.feed(data)
        except ValueError:  # the script writes there itself, so it runs; from now on it only prints
            self._is_ready = True
            return False
        for kind, payload in records:
            if kind == wire.READY:
                self._is_ready = True
            elif kind == wire.WAITING:
                self._is_waiting = True
            elif kind == wire.PROMPT:
                _drain(self._process.stdout_fd, 1)  # what was printed before the question comes before it
                _write_all(1, payload)
            elif kind == wire.EXIT and len(payload) == 4:
                self._status = int.from_bytes(payload, "big", signed=True)
        return bool(data)

    def _end(self) -> int:
        status = self._process.wait()
        if not self._is_ready:
            print("The sandbox did not start. Run: python -m sandbox doctor", file=sys.stderr)
            return 3
        return status if self._status is None else self._status


def _drain(source: int, target: int) -> bool:
    """Copy what is there now; return False at the end of the stream."""
    while True:
        try:
            data = os.read(source, _PIECE_BYTES)
        except BlockingIOError:
            return True
        if not data:
            return False
        _write_all(target, data)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BrokenPipeError:  # as a script's own output would end, in `… | head`
            os.kill(os.getpid(), signal.SIGPIPE)
            raise
