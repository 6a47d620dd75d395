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

TYPE_CHECKING = False  # `typing` is not imported at every start
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]
    from types import FrameType

BOT = "/bot/"

_audit = sys.audit
_poll_in = select.POLLIN


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

    def __init__(self, fd: int, name: str, control: Control | None) -> None:
        self._fd = fd
        self._control = control
        self._lock = RLock()
        self.name = name
        self.mode = "wb"
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = RLock()  # another thread of the parent may have held it

    def write(self, data: "Buffer", /) -> int:
        """Write all of `data` (bytes-like) and return its length. Waits when the pipe is full."""
        if self.closed:
            raise ValueError("write to closed file")
        whole = data if isinstance(data, bytes) else bytes(memoryview(data))
        if whole:
            with self._lock:
                if self._control is not None:
                    self._announce(whole, self._control)
                _write_all(self._fd, whole)
        return len(whole)

    def _announce(self, data: bytes, control: Control) -> None:
        frame: "FrameType | None" = sys._getframe(2)
        while frame is not None:
            filename = frame.f_code.co_filename
            if filename.startswith(BOT):
                file = filename[len(BOT) :].encode("utf-8", "backslashreplace")
                control.send(wire.source_record(len(data), frame.f_lineno or 0, data, file))
                return
            frame = frame.f_back

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    @property
    def raw(self) -> "Output":  # type: ignore[override]
        return self


class Input(FileIO):
    """Standard input that says so before it blocks."""

    control: Control

    def readinto(self, buffer: object, /) -> int:  # type: ignore[override]
        self._about_to_read()
        return super().readinto(buffer)  # type: ignore[arg-type, return-value]

    def readall(self) -> bytes:
        self._about_to_read()
        return super().readall()  # type: ignore[return-value]

    def read(self, size: int | None = -1, /) -> bytes:
        self._about_to_read()
        return super().read(-1 if size is None else size)  # type: ignore[return-value]

    def _about_to_read(self) -> None:
        poll = select.poll()
        poll.register(0, _poll_in)
        if not poll.poll(0) and os.get_blocking(0):
            self.control.send(*wire.records(wire.WAITING))


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # asyncio.connect_write_pipe(sys.stdout) makes it non-blocking
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()


def install(control: Control) -> None:
    """Replace sys.stdin, stdout, stderr, input() and print()."""
    output, errors = Output(1, "<stdout>", control), Output(2, "<stderr>", None)
    source = Input(0, "r", closefd=False)
    source.name = "<stdin>"
    source.control = control
    # -I makes Python ignore PYTHONUNBUFFERED, so the text layers write through.
    # newline="\n": with the default, a "\r" inside a message would split it.
    stdin = TextIOWrapper(BufferedReader(source), "utf-8", "replace", "\n")
    stdout = TextIOWrapper(output, "utf-8", "backslashreplace", "\n", True, True)  # type: ignore[type-var]
    stderr = TextIOWrapper(errors, "utf-8", "backslashreplace", "\n", True, True)  # type: ignore[type-var]
    stdin.mode, stdout.mode, stderr.mode = "r", "w", "w"  # type: ignore[attr-defined]
    sys.stdin = sys.__stdin__ = stdin  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = stdout  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stderr  # type: ignore[misc]
    _install_input(control, stdin, stdout)
    _install_print(stdout, stderr)


def _install_input(control: Control, stdin: object, stdout: object) -> None:
    plain = builtins.input
    lock = RLock()  # two threads that ask: one question after the other

    def renew() -> None:
        nonlocal lock
        lock = RLock()

    def input(prompt: object = "", /) -> str:
        if sys.stdin is not stdin or sys.stdout is not stdout:
            return plain(prompt)
        _audit("builtins.input", prompt)
        sys.stderr.flush()
        sys.stdout.flush()
        text = str(prompt)
        with lock:
            if text:
                control.send(*wire.records(wire.PROMPT, text.encode("utf-8", "backslashreplace")))
            line = sys.stdin.readline()
        if not line:
            raise EOFError("EOF when reading a line")
        line = line.removesuffix("\n")
        _audit("builtins.input/result", line)
        return line

    input.__doc__ = plain.__doc__
    input.__module__, input.__qualname__ = "builtins", "input"
    builtins.input = input
    os.register_at_fork(after_in_child=renew)


def _install_print(stdout: object, stderr: object) -> None:
    plain = builtins.print

    def print(
        *values: object, sep: str | None = " ", end: str | None = "\n", file: object = None, flush: bool = False
    ) -> None:
        """Write a whole print() at once: the builtin writes each value and each separator by itself."""
        target = sys.stdout if file is None else file
        if target is not stdout and target is not stderr:
            return plain(*values, sep=sep, end=end, file=file, flush=flush)  # type: ignore[call-overload,no-any-return]
        between = " " if sep is None else sep
        after = "\n" if end is None else end
        if not isinstance(between, str) or not isinstance(after, str):
            return plain(*values, sep=sep, end=end, file=file)  # raises the TypeError
        texts: list[str] = []
        try:
            for value in values:
                texts.append(str(value))
        except BaseException:
            target.write(between.join([*texts, ""]))  # type: ignore[attr-defined]
            raise
        target.write(between.join(texts) + after)  # type: ignore[attr-defined]
        return None

    print.__doc__ = plain.__doc__
    print.__module__, print.__qualname__ = "builtins", "print"
    builtins.print = print
