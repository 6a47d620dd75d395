"""The reserved host `hal9.internal`: the one way in which a script reaches us, under every network policy.

The proxy of the run answers it itself; the name is never looked up. What it offers is a `Handler`, handed to the proxy
by whoever composes the supervisor; `answer` here only says that it is there.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sandbox.policy import Policy

HOST = "hal9.internal"
PORT = 80


@dataclass(frozen=True, slots=True)
class Caller:
    """Which run asks. Set by the supervisor when it gives the run its way out: nothing in a request can change it."""

    chat: str
    bot: str
    stage: str
    owner: str
    """The author of a draft chat, the visitor of a live one, as in ChatRecord."""
    policy: Policy


Body = AsyncIterator[bytes]
Reply = tuple[int, Mapping[str, str], Body]
"""Status, headers, body. Without a Content-Length the body goes out in chunks as it comes, so that it can stream."""


class Handler(Protocol):
    """What answers. Cancelled when the script has closed the connection; an exception becomes a plain 500."""

    async def __call__(self, run: Caller, method: str, path: str, headers: Mapping[str, str], body: Body, /) -> Reply:
        """Answer one request. `path` holds the query; header names are in lower case; `body` counts as bytes sent."""


async def answer(run: Caller, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
    """Answer `GET /health`; say of anything else that it is not there."""
    if path.partition("?")[0] == "/health" and method in ("GET", "HEAD"):
        return 200, {"Content-Type": "text/plain; charset=utf-8"}, once(b"ok\n")
    return not_found(path)


def not_found(path: str) -> Reply:
    """Return the answer for a path that offers nothing."""
    sentence = f"{HOST} has nothing at {path.partition('?')[0][:200]}\n"
    return 404, {"Content-Type": "text/plain; charset=utf-8"}, once(sentence.encode())


async def once(data: bytes) -> Body:
    """Yield `data` as a whole body."""
    yield data
