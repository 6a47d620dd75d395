"""The Runner: all that web knows of running bots, and the one implementation that talks to the local supervisor.

Messages are 4 bytes of length, big-endian, then UTF-8 JSON. A connection serves one call, or one attached reader.
"""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hal9_ide.errors import Absent, Busy, DiskFull, Hal9Error, Refused, Unavailable

LENGTH = struct.Struct(">I")
MESSAGE_BYTES = 1 << 20
CALL_SECONDS = 10.0
CHECK_SECONDS = 58.0
"""The supervisor waits 45 s for packages at most; an upload is answered within 60 s."""

Answer = dict[str, Any]


class Link(Protocol):
    """One attached reader of a chat."""

    def frames(self) -> Iterator[bytes]:
        """Yield frames as they come, encoded, each for the WebSocket as it is; ends when the other side closes."""

    def send(self, op: str, **fields: object) -> None:
        """Send resume, deliver, stop or restart. Raises Unavailable when the other side is gone."""

    def close(self) -> None:
        """Detach; the run goes on."""


class Runner(Protocol):
    """What runs chats, wherever that is."""

    def open(self, chat: str, address: str | None) -> None:
        """Start the opening of a chat, unless it was opened before. `address` counts new chats; None: not counted."""

    def deliver(self, chat: str, message: str, text: str, uploads: list[str]) -> None:
        """Put a message on record; return when it is accepted. Raises Hal9Error when it is refused."""

    def stop(self, chat: str) -> None:
        """End the run and the queue behind it."""

    def restart(self, chat: str) -> None:
        """Start the script afresh."""

    def status(self, chat: str) -> Answer:
        """Return state and seq of a chat."""

    def close(self, chat: str) -> None:
        """Stop and forget a chat that is being deleted."""

    def check(self, manifest: str) -> Answer:
        """Run the start check of a version: passed, seconds, reason, traceback, error."""

    def health(self) -> Answer:
        """Return what runs and at which level of protection. Raises Unavailable when no bot can run."""

    def metrics(self) -> Answer:
        """Return numbers for monitoring."""

    def attach(self, chat: str, *, is_author: bool) -> Link:
        """Read a chat from now on."""


class Supervisor:
    """The Runner of one machine: a process of its own behind a Unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def call(self, op: str, *, seconds: float = CALL_SECONDS, **fields: object) -> Answer:
        """Do one call and return its answer. Raises the Hal9Error that its code stands for."""
        try:
            with self._connect(seconds) as connection:
                connection.sendall(pack({"op": op, **fields}))
                answer: Answer = msgspec.json.decode(read_message(connection) or b"")
        except (OSError, msgspec.DecodeError):
            raise _silent() from None
        if not answer.get("ok"):
            raise refusal(answer)
        return answer

    def _connect(self, seconds: float | None) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection

    def open(self, chat: str, address: str | None) -> None:
        """See Runner."""
        self.call("open", chat=chat, address=address)

    def deliver(self, chat: str, message: str, text: str, uploads: list[str]) -> None:
        """See Runner."""
        self.call("deliver", chat=chat, id=message, text=text, uploads=uploads)

    def stop(self, chat: str) -> None:
        """See Runner."""
        self.call("stop", chat=chat)

    def restart(self, chat: str) -> None:
        """See Runner."""
        self.call("restart", chat=chat)

    def status(self, chat: str) -> Answer:
        """See Runner."""
        return self.call("status", chat=chat)

    def close(self, chat: str) -> None:
        """See Runner."""
        self.call("close", chat=chat)

    def check(self, manifest: str) -> Answer:
        """See Runner."""
        return self.call("check", manifest=manifest, seconds=CHECK_SECONDS)

    def health(self) -> Answer:
        """See Runner."""
        return self.call("health", seconds=3.0)

    def metrics(self) -> Answer:
        """See Runner."""
        return self.call("metrics", seconds=3.0)

    def attach(self, chat: str, *, is_author: bool) -> "SupervisorLink":
        """See Runner."""
        try:
            connection = self._connect(CALL_SECONDS)
            connection.sendall(pack({"op": "attach", "chat": chat, "role": "author" if is_author else "visitor"}))
            connection.settimeout(None)
        except OSError:
            raise _silent() from None
        return SupervisorLink(connection)


class SupervisorLink:
    """An attached reader: frames come, calls go."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def frames(self) -> Iterator[bytes]:
        """See Link."""
        try:
            while (data := read_message(self._connection)) is not None:
                yield data
        except OSError:
            return

    def send(self, op: str, **fields: object) -> None:
        """See Link. Blocks while the supervisor does not read, and so slows down only the client it speaks for."""
        try:
            self._connection.sendall(pack({"op": op, **fields}))
        except OSError:
            raise _silent() from None

    def close(self) -> None:
        """See Link."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)  # wakes whoever is blocked in it
        except OSError:
            pass
        self._connection.close()


def pack(fields: dict[str, object]) -> bytes:
    """Return one message as bytes."""
    data = msgspec.json.encode(fields)
    return LENGTH.pack(len(data)) + data


def read_message(connection: socket.socket) -> bytes | None:
    """Return the next message, or None at the end. Raises OSError for one that is too long."""
    head = _read_exactly(connection, LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    if length > MESSAGE_BYTES:
        raise OSError("message too long")
    return _read_exactly(connection, length)


def _read_exactly(connection: socket.socket, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)


def _silent() -> Unavailable:
    sentence = "The part of the server that runs bots does not answer. Try again in a moment."
    return Unavailable(sentence, code="supervisor_unavailable")


def refusal(answer: Answer) -> Hal9Error:
    """Return the error that a refusal of the supervisor stands for."""
    code, text = str(answer.get("code", "failed")), str(answer.get("text") or "The server refused.")
    if code in ("busy", "too_many_chats", "queue_full"):
        return Busy(text, code=code, seconds=int(answer.get("retry_after") or 5))
    if code == "absent":
        return Absent(text)
    if code == "disk_full":
        return DiskFull(text, code=code)
    if code == "sandbox_unavailable":
        return Unavailable(text, code=code)
    return Refused(text, code=code)
