"""Two clients with one face: a chat of ours and a chat of the floor, for measurements that alternate between them."""

import json
import secrets
import time
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.people import Author, Visitor


class Chat(Protocol):
    """What a measurement needs of a chat."""

    async def open(self) -> None:
        """Connect, and wait until the script waits for its first message."""

    async def message(self, text: str) -> tuple[float, float]:
        """Send a message; return the seconds until the first byte of the reply, and until the whole of it."""

    async def run(self) -> float:
        """Start the script afresh; return the seconds until its first byte."""

    async def close(self) -> None:
        """Disconnect."""


class OurChat:
    """A chat on our server: `chat` and its proof come from `tests.people`."""

    def __init__(self, server_url: str, chat: str, *, cookie: str = "", visitor: str = "") -> None:
        self._url = server_url
        self._chat = chat
        self._cookie = cookie
        self._visitor = visitor
        self._socket: ClientConnection | None = None

    @classmethod
    def draft(cls, author: Author, bot: str) -> "OurChat":
        """Return a new draft chat of an author."""
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in author.http.cookies)
        return cls(author.url, author.open_chat(bot), cookie=cookie)

    @classmethod
    def live(cls, server_url: str, key: str) -> "OurChat":
        """Return a new chat of a new visitor."""
        visitor = Visitor(server_url, key)
        return cls(server_url, visitor.open_chat(), visitor=visitor.secret)

    async def open(self) -> None:
        protocols = ["hal9.chat.v1"] + ([f"visitor.{self._visitor}"] if self._visitor else [])
        self._socket = await connect(
            self._url.replace("http", "ws", 1) + f"/api/v1/chats/{self._chat}/ws",
            origin=Origin(self._url),
            subprotocols=[Subprotocol(name) for name in protocols],
            additional_headers={"Cookie": self._cookie} if self._cookie else {},
            compression=None,
            ping_interval=None,
            proxy=None,
        )
        await self._until("hello")
        await self._send(kind="resume", after=0)
        await self._until("waiting", "end")

    async def _send(self, **fields: object) -> None:
        assert self._socket
        await self._socket.send(json.dumps(fields))

    async def _until(self, *kinds: str) -> str:
        assert self._socket
        while True:
            kind: str = json.loads(await self._socket.recv())["kind"]
            if kind == "refused":
                raise RuntimeError("the server refused a message")
            if kind in kinds:
                return kind

    async def message(self, text: str) -> tuple[float, float]:
        start = time.perf_counter()
        await self._send(kind="message", id=secrets.token_urlsafe(9), text=text, uploads=[])
        await self._until("input")
        await self._until("output")
        first = time.perf_counter() - start
        await self._until("waiting", "end")
        return first, time.perf_counter() - start

    async def run(self) -> float:
        start = time.perf_counter()
        await self._send(kind="restart")
        await self._until("start")
        await self._until("output", "prompt")
        first = time.perf_counter() - start
        await self._until("waiting", "end")
        return first

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()


class FloorClient:
    """A chat of the floor: a reply is the next text that comes."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: ClientConnection | None = None

    async def open(self) -> None:
        self._socket = await connect(self._address, compression=None, ping_interval=None, proxy=None)

    async def message(self, text: str) -> tuple[float, float]:
        assert self._socket
        start = time.perf_counter()
        await self._socket.send(text)
        return await self._line(start)

    async def skip_opening(self) -> None:
        """Read the line that the script printed as the connection opened."""
        await self._line(0.0)

    async def _line(self, start: float) -> tuple[float, float]:
        """Read a line, which may come in pieces; return the seconds to its first byte and to its end."""
        assert self._socket
        piece = await self._socket.recv()
        first = time.perf_counter() - start
        while not str(piece).endswith("\n"):
            piece = await self._socket.recv()
        return first, time.perf_counter() - start

    async def run(self) -> float:
        assert self._socket
        start = time.perf_counter()
        await self._socket.send("\x00restart")
        return (await self._line(start))[0]

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()
