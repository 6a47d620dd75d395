"""One end of a proxied connection: a non-blocking socket, used from the event loop without buffers of its own.

Raw sockets instead of asyncio's streams: those read up to 256 KiB ahead, which a few hundred hostile runs could turn
into gigabytes. Here at most one piece per direction is in flight, and a slow reader stops the writer at once.
"""

import asyncio
import socket
import struct
from contextlib import suppress

PIECE_BYTES = 64 * 1024
LINGER_SECONDS = 1.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST instead of FIN, see socket(7)


class TooLong(Exception):
    """A head is longer than it may be."""


class Peer:
    """Owns its socket. Every method may raise OSError when the other side has gone."""

    def __init__(self, sock: socket.socket, unread: bytes = b"") -> None:
        sock.setblocking(False)
        self._socket = sock
        self._unread = unread
        self._loop = asyncio.get_running_loop()

    async def read(self, most_bytes: int = PIECE_BYTES) -> bytes:
        """Return the next bytes, b"" at the end."""
        if self._unread:
            piece, self._unread = self._unread[:most_bytes], self._unread[most_bytes:]
            return piece
        return await self._loop.sock_recv(self._socket, min(most_bytes, PIECE_BYTES))

    async def read_until(self, mark: bytes, most_bytes: int) -> bytes:
        """Return all up to and with `mark`; b"" when the other side left before. Raises: TooLong."""
        head = self._unread
        while (end := head.find(mark)) < 0:
            if len(head) > most_bytes:
                raise TooLong
            piece = await self._loop.sock_recv(self._socket, most_bytes)
            if not piece:
                self._unread = b""
                return b""
            head += piece
        end += len(mark)
        if end > most_bytes:
            raise TooLong
        self._unread = head[end:]
        return head[:end]

    async def write(self, data: bytes) -> None:
        """Return when the kernel has taken all of `data`."""
        await self._loop.sock_sendall(self._socket, data)

    async def until_gone(self) -> None:
        """Return when the other side has closed the connection, or sends on and on though nobody listens."""
        dropped = 0
        with suppress(OSError):
            while dropped < PIECE_BYTES and (piece := await self.read()):
                dropped += len(piece)

    def end_writing(self) -> None:
        """Tell the other side that nothing more comes; it may go on."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def say_goodbye(self, data: bytes) -> None:
        """Write a last answer and close so that it arrives: a close with unread bytes would make the kernel reset."""
        with suppress(OSError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self.write(data)
        self.end_writing()
        await self.linger()
        self.close()

    async def linger(self) -> None:
        """Give the other side a moment to close first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self.until_gone()

    def close(self) -> None:
        """Close the socket. May be called twice."""
        self._socket.close()

    def reset(self) -> None:
        """Close so that the other side sees an error: what it got must not look complete."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()
