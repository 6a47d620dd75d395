"""A client of the chat protocol for tests: connects, resumes after a cut, and keeps every frame it got."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

SUBPROTOCOL = "hal9.chat.v1"
WAIT_SECONDS = 15.0
Frame = dict[str, Any]


class ChatSocket:
    """One socket of one chat. `frames` are all numbered frames in order, over every connection it had."""

    def __init__(self, url: str, chat: str, *, headers: Mapping[str, str] | None = None, visitor: str = "") -> None:
        """Take the server's `url` (http), the chat's id, and either the author's cookie or the `visitor` secret."""
        self.chat = chat
        self.frames: list[Frame] = []
        self.answers: list[Frame] = []  # accepted and refused, which have no number
        self.hello: Frame = {}
        self._url = url
        self._headers = dict(headers or {})
        self._visitor = visitor
        self._socket: ClientConnection | None = None

    def __enter__(self) -> "ChatSocket":
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def seq(self) -> int:
        """The number of the last frame that came."""
        return self.frames[-1]["seq"] if self.frames else 0

    def connect(self, after: int | None = None) -> "ChatSocket":
        """Connect, read `hello`, and ask for every frame after the last one that came (or `after`)."""
        names = [SUBPROTOCOL] + ([f"visitor.{self._visitor}"] if self._visitor else [])
        self._socket = connect(
            self._url.replace("http", "ws", 1) + f"/api/v1/chats/{self.chat}/ws",
            origin=Origin(self._url),
            subprotocols=[Subprotocol(name) for name in names],
            additional_headers=self._headers,
            compression=None,
            max_size=64_000,
            ping_interval=None,
            open_timeout=WAIT_SECONDS,
            close_timeout=2,
            proxy=None,
            legacy=True,  # we connect again ourselves, where a test says so
        )
        self.hello = self._receive(WAIT_SECONDS)
        assert self.hello["kind"] == "hello", self.hello
        self.transmit(kind="resume", after=self.seq if after is None else after)
        return self

    def reconnect(self) -> "ChatSocket":
        """Drop the connection, whatever its state, and go on where it ended; try for as long as a test waits."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            self.close()
            try:
                return self.connect()
            except (OSError, EOFError, WebSocketException):  # also a worker that was killed in mid-handshake
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def cut(self) -> None:
        """Lose the connection as a phone does: without a close frame."""
        if self._socket:
            self._socket.socket.close()
        self.close()

    def close(self) -> None:
        """Close the connection if there is one."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def transmit(self, **fields: object) -> None:
        """Send one client frame."""
        assert self._socket, "not connected"
        self._socket.send(json.dumps(fields))

    def post(self, text: str, message_id: str | None = None) -> str:
        """Send a message and return its id, without waiting for the answer."""
        message_id = message_id or secrets.token_urlsafe(12)
        self.transmit(kind="message", id=message_id, text=text, uploads=[])
        return message_id

    def stop(self) -> None:
        """Press Stop."""
        self.transmit(kind="stop")

    def restart(self) -> None:
        """Press Run."""
        self.transmit(kind="restart")

    def _receive(self, seconds: float) -> Frame:
        assert self._socket, "not connected"
        frame: Frame = json.loads(self._socket.recv(timeout=seconds))
        return frame

    def next(self, seconds: float = WAIT_SECONDS) -> Frame:
        """Return the next frame and keep it. Raises TimeoutError, ConnectionClosed."""
        frame = self._receive(seconds)
        if "seq" in frame and frame["kind"] != "hello":
            assert frame["seq"] > self.seq, f"frame {frame['seq']} came after {self.seq}"
            self.frames.append(frame)
        else:
            self.answers.append(frame)
        return frame

    def until(self, claim: str | Callable[[Frame], bool], seconds: float = WAIT_SECONDS) -> Frame:
        """Return the next frame of that kind, or for which `claim` holds. Raises AssertionError after `seconds`."""
        holds = claim if callable(claim) else lambda frame: frame["kind"] == claim
        deadline = time.monotonic() + seconds
        while True:
            try:
                frame = self.next(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"no such frame in {seconds:g} s; the last were {self.frames[-8:]}") from None
            if holds(frame):
                return frame

    def settle(self, seconds: float = WAIT_SECONDS) -> Frame:
        """Return the next `waiting` or `end` frame: the script has nothing more to say for now."""
        return self.until(lambda frame: frame["kind"] in ("waiting", "end"), seconds)

    def say(self, text: str, seconds: float = WAIT_SECONDS) -> str:
        """Send a message, wait until it is answered, and return the reply's text."""
        message_id = self.post(text)
        answer = self.until(lambda frame: frame["kind"] in ("accepted", "refused"), seconds)
        assert answer == {"kind": "accepted", "id": message_id}, answer
        came = next((f for f in self.frames if f["kind"] == "input" and f["id"] == message_id), None)
        taken = came or self.until(lambda frame: frame["kind"] == "input" and frame["id"] == message_id, seconds)
        if not any(f["kind"] in ("waiting", "end") for f in self.frames if f["seq"] > taken["seq"]):
            self.settle(seconds)
        return self.text(after=taken["seq"])

    def text(self, after: int = 0) -> str:
        """Return what the script printed and asked in the frames after number `after`."""
        kinds = ("output", "prompt")
        return "".join(f["text"] for f in self.frames if f["seq"] > after and f["kind"] in kinds)

    def kinds(self) -> list[str]:
        """Return the kinds of all numbered frames, in order."""
        return [frame["kind"] for frame in self.frames]
