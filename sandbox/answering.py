"""A request for `hal9.internal`: hand it to what answers there, and the answer to the script while that listens."""

import asyncio
from collections.abc import AsyncIterator

import structlog

from sandbox.bodies import CutShort, read_body, write_reply
from sandbox.heads import BadHead, Request
from sandbox.internal import HOST, Caller, Handler
from sandbox.meter import Meter, OverCap
from sandbox.peer import LINGER_SECONDS, Peer

log = structlog.get_logger()


class Ended(Exception):
    """An exchange ends with this answer: a status and a sentence for the author of the script."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Answering:
    """One request."""

    def __init__(self, caller: Caller, handler: Handler, meter: Meter, script: Peer) -> None:
        self._caller, self._handler, self._meter, self._script = caller, handler, meter, script

    async def run(self, request: Request, path: str) -> None:
        """Answer, unless the script leaves before: whoever works for it (a model) should stop then."""
        body = _Body(self._script, request, self._meter)
        work = asyncio.create_task(self._handle(request, path, body))
        gone = asyncio.create_task(body.until_gone())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                body.leave()
                await asyncio.wait({gone}, timeout=LINGER_SECONDS)
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _handle(self, request: Request, path: str, body: "_Body") -> None:
        try:
            reply = await self._handler(self._caller, request.method, path, request.fields, body.pieces())
        except BadHead as error:
            raise Ended(400, f"The proxy cannot read this request: {error}") from error
        except OverCap as error:
            raise Ended(429, str(error)) from error
        except CutShort:
            raise
        except Exception as error:
            log.exception("internal host failed", chat=self._caller.chat)
            raise Ended(500, f"{HOST} failed; the server's log says why") from error
        await write_reply(self._script, request, reply, self._meter)
        self._script.end_writing()


class _Body:
    """The body of a request for us, and what comes after it: nothing, until the script has gone."""

    def __init__(self, script: Peer, request: Request, meter: Meter) -> None:
        self._script, self._request, self._meter = script, request, meter
        self._is_read = asyncio.Event()
        if request.body_bytes() == 0:
            self._is_read.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in read_body(self._script, self._request, self._meter):
            yield piece
        self._is_read.set()

    def leave(self) -> None:
        """Stop reading it, so that `until_gone` may look at what is left."""
        self._is_read.set()

    async def until_gone(self) -> None:
        await self._is_read.wait()
        await self._script.until_gone()
