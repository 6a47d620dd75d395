"""The script's standard streams and input(): what it prints carries its source line, what it reads says that it waits.

Runs inside the sandbox, at every start: few imports. All of it is in the hands of the script; nothing here protects.
"""

import builtins
import os
import select
import sys
from _io import BufferedReader, FileIO, TextIOWrapper
from _thread import RLock
from io import BufferedIOBase

from . import wire

TYPE_CHECKING = False  # mypy's; importing `typing` would cost at every start
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from typing_extensions import Buffer

BOT = "/bot/"


class Control:
    """The runner's end of the control pipe. Says nothing, silently, once the script has closed or replaced it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        about = os.fstat(fd)
        self._identity = (about.st_ino, about.st_dev)
        self.in_fork = False
        """True in a child that the script forked: it shares the pipe, but its end is not the script's end."""

    def send(self, *records: bytes) -> None:
        """Write the records. After `os.closerange(3, …)` the number may be a file of the script's: look before."""
        try:
            about = os.fstat(self._fd)
            if (about.st_ino, about.st_dev) == self._identity:
                for record in records:
                    os.write(self._fd, record)
        except OSError:
            pass


class Output(BufferedIOBase):
    """Unbuffered bytes to a descriptor, each write announced with the line of the bot that caused it."""

    mode = "wb"

    def __init__(self, fd: int, name: str, control: Control | None) -> None:
        self._fd = fd
        self._control = control
        self._lock = RLock()  # reentrant: a signal handler may print while its thread prints
        self.name = name
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = RLock()  # another thread of the parent may have held it

    def write(self, data: "Buffer", /) -> int:
        """Write all of `data` and return its length in bytes. Waits while the pipe is full."""
        if self.closed:
            raise ValueError("write to closed file")
        whole = data if isinstance(data, bytes) else bytes(memoryview(data))
        if whole:
            with self._lock:
                if self._control is not None:
                    _announce(whole, self._control)
                _write_all(self._fd, whole)
        return len(whole)

    def fileno(self) -> int:
        """Return the descriptor, for subprocesses and select."""
        return self._fd

    def writable(self) -> bool:
        """Return True, as for every output."""
        return True

    @property
    def raw(self) -> "Any":
        """There is no buffer in between, so this is also the raw stream."""
        return self


class Input(FileIO):
    """Standard input that says so before it blocks."""

    def __init__(self, control: Control) -> None:
        super().__init__(0, "r", closefd=False)
        self.name = "<stdin>"
        self._control = control

    def readinto(self, buffer: "Any", /) -> "Any":
        """Read once into `buffer`; return the number of bytes, None when a non-blocking read found nothing."""
        self._about_to_read()
        return super().readinto(buffer)

    def readall(self) -> "Any":
        """Read to the end, which says of each message that comes in between that it was not enough."""
        pieces: list[bytes] = []
        while piece := self.read(65536):
            pieces.append(piece)
        return b"".join(pieces) if pieces or piece is not None else None

    def read(self, size: int | None = -1, /) -> "Any":
        """Read once, or to the end."""
        if size is None or size < 0:
            return self.readall()
        self._about_to_read()
        return super().read(size)

    def _about_to_read(self) -> None:
        poll = select.poll()
        poll.register(0, select.POLLIN)
        if not poll.poll(0) and os.get_blocking(0):
            self._control.send(*wire.records(wire.WAITING))


def install(control: Control) -> None:
    """Replace sys.stdin, stdout, stderr, input() and print()."""
    # -I makes Python ignore PYTHONUNBUFFERED, so the text layers write through.
    # newline="\n": with the default, a "\r" inside a message would split it.
    stdin = TextIOWrapper(BufferedReader(Input(control)), "utf-8", "replace", "\n")
    stdout = TextIOWrapper(Output(1, "<stdout>", control), "utf-8", "backslashreplace", "\n", True, True)
    stderr = TextIOWrapper(Output(2, "<stderr>", None), "utf-8", "backslashreplace", "\n", True, True)
    for name, stream, mode in (("stdin", stdin, "r"), ("stdout", stdout, "w"), ("stderr", stderr, "w")):
        stream.mode = mode  # type: ignore[misc]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    _install_input(control, stdin, stdout)
    _install_print(stdout, stderr)


def _announce(data: bytes, control: Control) -> None:
    """Tell of `data` and the innermost frame in the bot's own files, also through libraries; nothing without one."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(BOT):
            file = filename[len(BOT) :].encode("utf-8", "backslashreplace")
            control.send(wire.source_record(len(data), frame.f_lineno or 0, data, file))
            return
        frame = frame.f_back


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # asyncio.connect_write_pipe(sys.stdout) makes it non-blocking
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()


def _install_input(control: Control, stdin: TextIOWrapper, stdout: TextIOWrapper) -> None:
    plain = builtins.input
    lock = RLock()  # two threads that ask: one question after the other

    def renew() -> None:
        nonlocal lock
        lock = RLock()

    def input(prompt: object = "", /) -> str:
        if sys.stdin is not stdin or sys.stdout is not stdout:
            return plain(prompt)
        sys.audit("builtins.input", prompt)
        stdout.flush()
        text = str(prompt)
        with lock:
            if text:
                control.send(*wire.records(wire.PROMPT, text.encode("utf-8", "backslashreplace")))
            line = stdin.readline()
        if not line:
            raise EOFError("EOF when reading a line")
        line = line.removesuffix("\n")
        sys.audit("builtins.input/result", line)
        return line

    builtins.input = _disguised(input, plain)
    os.register_at_fork(after_in_child=renew)


def _install_print(stdout: TextIOWrapper, stderr: TextIOWrapper) -> None:
    plain = builtins.print

    def print(
        *values: object, sep: str | None = " ", end: str | None = "\n", file: "Any" = None, flush: bool = False
    ) -> None:
        """Write a whole print() at once: the builtin writes each value and each separator by itself."""
        target = sys.stdout if file is None else file
        between = " " if sep is None else sep
        after = "\n" if end is None else end
        if (target is stdout or target is stderr) and type(between) is type(after) is str:
            target.write(_joined(values, between, target) + after)
        else:
            plain(*values, sep=sep, end=end, file=file, flush=flush)

    builtins.print = _disguised(print, plain)


def _joined(values: tuple[object, ...], between: str, target: TextIOWrapper) -> str:
    texts: list[str] = []
    try:
        for value in values:
            texts.append(str(value))
    except BaseException:
        target.write(between.join([*texts, ""]))  # the builtin has written these by then
        raise
    return between.join(texts)


def _disguised(function: "Any", builtin: "Any") -> "Any":
    function.__doc__, function.__module__ = builtin.__doc__, "builtins"
    function.__name__ = function.__qualname__ = builtin.__name__
    return function
