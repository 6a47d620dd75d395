"""A WebSocket on gunicorn's gevent worker, bounded in every direction.

simple-websocket 1.1, as flask-sock ships it, lets several threads write one socket, sends pings from a thread of its
own into the middle of frames, waits for ever for a client that does not read, queues without bound what clients send,
and accepts compression that turns 199 KiB into 214 MiB. Here wsproto cuts frames, and this module moves the bytes:

- One greenlet writes, all that is written passes through it: frames, pings, pongs, the close.
- A client that takes nothing for `Patience.send_seconds` is cut off. Until then who sends to it waits, nobody else.
- One message at a time is read, and not the next before it was dealt with: TCP holds the sender back. A message over
  the limit closes the socket as soon as its bytes exceed it.
- No extension is offered, so there is no compression.
"""

import base64
import binascii
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, SHUT_WR
from typing import Protocol

import gevent
from gevent.event import Event
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from hal9_ide.errors import BadRequest

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
READ_BYTES = 16 << 10
WRITE_BYTES = 32 << 10
QUEUE_BYTES = 256 << 10

NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED, BAD_DATA = 1000, 1001, 1002, 1003, 1007
POLICY, TOO_BIG, OUR_FAULT, RESTARTING, TRY_LATER = 1008, 1009, 1011, 1012, 1013


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client is waited for."""

    send_seconds: float = 15.0  # without taking a byte of what is sent
    ping_seconds: float = 20.0  # between two pings
    silent_seconds: float = 50.0  # without a sign of life
    close_seconds: float = 2.0  # to take and answer a close


PATIENT = Patience()


class Closed(Exception):
    """The socket is closed, by whomever."""


class Socket(Protocol):
    """What is needed of gevent's socket."""

    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...
    def shutdown(self, how: int, /) -> None: ...


def accept_headers(environ: dict[str, object], protocol: str) -> bytes:
    """Return the answer that opens a WebSocket. Raises BadRequest when the request does not ask for one properly."""
    key = str(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""))
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13" or not _is_key(key):
        raise BadRequest("That is not a WebSocket handshake of version 13.", code="bad_handshake")
    proof = base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\nSec-WebSocket-Protocol: " + protocol.encode() + b"\r\n\r\n"
    )


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


class WebSocket:
    """One open socket. `receive` and `finish` belong to one greenlet; `send` and `close` may be called from any."""

    def __init__(self, sock: Socket, opening: bytes, *, message_bytes: int, patience: Patience = PATIENT) -> None:
        """Take over `sock`, on which `opening` (the handshake's answer) goes out first."""
        self._sock = sock
        self._wire = Connection(ConnectionType.SERVER)
        self._message_bytes = message_bytes
        self._patience = patience
        self._out: deque[bytes] = deque([opening])
        self._out_bytes = len(opening)
        self._parts: list[str] = []
        self._parts_bytes = 0
        self._pong: bytes | None = None
        self._closing: CloseConnection | None = None
        self._is_over = False
        self._work = Event()
        self._work.set()
        self._room = Event()
        self._room.set()
        self._heard = time.monotonic()
        self._events = self._incoming()
        self._writer = gevent.spawn(self._write)

    def receive(self) -> str:
        """Return the next message. Raises Closed."""
        try:
            return next(self._events)
        except StopIteration:
            raise Closed from None

    def send(self, data: bytes) -> None:
        """Queue a text message; wait while the queue is full. Raises Closed."""
        while self._out_bytes > QUEUE_BYTES and not (self._is_over or self._closing):
            self._room.clear()
            self._room.wait()
        if self._is_over or self._closing:
            raise Closed
        self._queue(TextMessage(data=data.decode()))
        self._work.set()

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Say goodbye after what is queued, and end. Does not wait."""
        if not self._closing:
            self._begin_close(
                CloseConnection(code, reason[:40])
            )  # 123 bytes at most (RFC 6455, 5.5), 3 or 4 a character

    def _begin_close(self, close: CloseConnection) -> None:
        """Let the writer close, and whoever waits for room in the queue give up."""
        self._closing = close
        self._work.set()
        self._room.set()

    def finish(self) -> None:
        """Close and wait until the line is down; for the greenlet that reads.

        What the client still sends is read and dropped for a moment: closing a socket that has unread bytes resets the
        connection, and the client would not see why it was closed.
        """
        self.close()
        with suppress(gevent.Timeout), gevent.Timeout(self._patience.close_seconds):
            self._writer.join()
            while self._read():
                pass
        self._cut()
        self._writer.join()

    # reading

    def _incoming(self) -> Iterator[str]:
        """Yield whole messages; end when the socket must not be read any more."""
        while data := self._read():
            try:
                self._wire.receive_data(data)
                for event in self._wire.events():
                    message = self._take(event)
                    if message is not None:
                        yield message
            except RemoteProtocolError as error:
                hint = error.event_hint
                self.close(hint.code if isinstance(hint, CloseConnection) else PROTOCOL_ERROR)
            if self._closing:
                return
        self._cut()

    def _read(self) -> bytes:
        """Return what came next; b"" at the end."""
        if self._is_over:
            return b""
        try:
            data = self._sock.recv(READ_BYTES)
        except OSError:
            return b""
        self._heard = time.monotonic()
        return data

    def _take(self, event: object) -> str | None:
        """Deal with one event; return the message that it completes, if any."""
        if self._closing:
            return None
        match event:
            case TextMessage():
                return self._join(event)
            case BytesMessage():
                self.close(UNSUPPORTED, "Text frames only.")
            case Ping():
                self._pong = bytes(event.payload)  # only the latest: a flood of pings costs one answer at a time
                self._work.set()
            case CloseConnection():
                self._begin_close(event.response())
        return None

    def _join(self, part: TextMessage) -> str | None:
        """Add a part to the message under way; return it when it is whole, and close when it is too large."""
        if part.data:  # empty parts cost nothing, so nothing would bound their number
            self._parts.append(part.data)
            self._parts_bytes += len(part.data.encode())
        if self._parts_bytes > self._message_bytes:
            self._parts.clear()
            self.close(TOO_BIG, f"A frame can have {self._message_bytes} bytes.")
            return None
        if not part.message_finished:
            return None
        whole = "".join(self._parts)
        self._parts, self._parts_bytes = [], 0
        return whole

    # writing

    def _write(self) -> None:
        """Send whatever there is to send, in order, until the socket closes: the one greenlet that writes."""
        with suppress(Closed):
            next_ping = time.monotonic() + self._patience.ping_seconds
            while not self._is_over:
                self._work.wait(max(0.0, next_ping - time.monotonic()))
                self._work.clear()
                if time.monotonic() >= next_ping:
                    next_ping = time.monotonic() + self._patience.ping_seconds
                    self._ping()
                if self._pong is not None:
                    pong, self._pong = self._pong, None
                    self._queue(Pong(pong))
                self._flush()
                if self._closing:
                    self._say_goodbye(self._closing)
                    return
        self._cut()

    def _ping(self) -> None:
        """Ask for a sign of life. Raises Closed when there was none for long: the peer did not even answer a ping."""
        if time.monotonic() - self._heard > self._patience.silent_seconds:
            raise Closed
        self._queue(Ping())

    def _queue(self, event: TextMessage | Ping | Pong) -> None:
        try:
            frame = self._wire.send(event)
        except LocalProtocolError:
            raise Closed from None
        self._out.append(frame)
        self._out_bytes += len(frame)

    def _flush(self) -> None:
        """Send all that is queued. Raises Closed when the client does not take it."""
        while self._out:
            batch, size = [], 0
            while self._out and size < WRITE_BYTES:
                batch.append(self._out.popleft())
                size += len(batch[-1])
            self._send_now(b"".join(batch))
            self._out_bytes -= size
            self._room.set()

    def _send_now(self, data: bytes) -> None:
        """Send with a deadline: a client that does not read must not hold memory for ever. Raises Closed."""
        try:
            with gevent.Timeout(self._patience.send_seconds):
                self._sock.sendall(data)
        except (OSError, gevent.Timeout):
            raise Closed from None

    def _say_goodbye(self, close: CloseConnection) -> None:
        """Send the close, and cut the line of a client that does not answer it."""
        gevent.spawn_later(self._patience.close_seconds, self._cut)
        with suppress(LocalProtocolError, Closed, OSError):
            self._send_now(self._wire.send(close))
            self._sock.shutdown(SHUT_WR)
        self._room.set()

    def _cut(self) -> None:
        """End the line now; wakes whoever waits for it."""
        if not self._is_over:
            self._is_over = True
            with suppress(OSError):
                self._sock.shutdown(SHUT_RDWR)
        self._room.set()
        self._work.set()


class OpenSockets:
    """All sockets of a process, so that a worker that ends can say so to its clients."""

    def __init__(self) -> None:
        self._open: set[WebSocket] = set()
        self.is_ending = False

    def add(self, socket: WebSocket) -> Callable[[], None]:
        """Note an open socket; return what to call when it is closed."""
        self._open.add(socket)
        if self.is_ending:
            socket.close(RESTARTING)
        return lambda: self._open.discard(socket)

    def __len__(self) -> int:
        return len(self._open)

    def end(self) -> None:
        """Close all: clients come back at once, to another worker."""
        self.is_ending = True
        for socket in list(self._open):
            socket.close(RESTARTING, "The server restarts.")


open_sockets = OpenSockets()
