"""The ends of a run's pipes that we hold: what waits in them, and a writer that never blocks."""

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import termios

WRITE_BYTES = 64 * 1024


def unread(fd: int) -> int:
    """Return the bytes waiting in a pipe; 0 when it is gone."""
    with contextlib.suppress(OSError):
        return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"))[0])
    return 0


class InputPipe:
    """A script's standard input: lines go in as fast as the pipe takes them."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()

    @property
    def is_read_empty(self) -> bool:
        """Say whether the script has read all it was given."""
        return not self._buffer and not unread(self._fd)

    def put(self, line: str) -> None:
        """Give the script one line."""
        self._buffer += line.encode() + b"\n"
        self._write()

    def detach(self) -> None:
        """Stop writing; the descriptor is its owner's to close."""
        self._buffer.clear()
        self._loop.remove_writer(self._fd)

    def _write(self) -> None:
        try:
            while self._buffer:
                del self._buffer[: os.write(self._fd, self._buffer[:WRITE_BYTES])]
        except BlockingIOError:
            self._loop.add_writer(self._fd, self._write)
            return
        except OSError as problem:
            if problem.errno != errno.EPIPE:  # EPIPE: the script closed its end, or is gone
                raise
            self._buffer.clear()
        self._loop.remove_writer(self._fd)
