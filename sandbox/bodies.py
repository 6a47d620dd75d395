"""Bodies of HTTP/1.1 messages that end here: read one from a script, write one to it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from sandbox.heads import BadHead, Request, answer_head
from sandbox.internal import Body
from sandbox.meter import Meter
from sandbox.peer import PIECE_BYTES, Peer, TooLong

_CHUNK_LINE_BYTES = 1024
_TRAILER_BYTES = 16 * 1024


class CutShort(OSError):
    """The script left before the end of its body."""


async def read_body(peer: Peer, request: Request, meter: Meter) -> AsyncIterator[bytes]:
    """Yield the body of a request. Raises: CutShort, BadHead, OverCap."""
    size = request.body_bytes()
    if size == 0:
        return
    if request.is_http_1_1 and "100-continue" in request.fields.get("expect", "").lower():
        await peer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    async for piece in _chunks(peer, meter) if size is None else _exactly(peer, size, meter):
        yield piece


async def write_reply(peer: Peer, request: Request, reply: tuple[int, Mapping[str, str], Body], meter: Meter) -> None:
    """Write an answer as it comes: in chunks where its length is not known and the script reads HTTP/1.1."""
    status, headers, body = reply
    names = {name.lower() for name in headers}
    has_body = request.method != "HEAD" and status not in (204, 304)
    is_chunked = has_body and request.is_http_1_1 and "content-length" not in names
    extra = {"Transfer-Encoding": "chunked"} if is_chunked else {}
    await peer.write(answer_head(status, {**headers, **extra, "Connection": "close"}))
    try:
        async for piece in body:
            if has_body and piece:
                await meter.down(len(piece))
                await peer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
    finally:
        if isinstance(body, AsyncGenerator):  # else what it holds (an upstream's connection) stays open for a while
            await body.aclose()
    if is_chunked:
        await peer.write(b"0\r\n\r\n")


async def _chunks(peer: Peer, meter: Meter) -> AsyncIterator[bytes]:
    while (size := await _chunk_size(peer)) > 0:
        async for piece in _exactly(peer, size, meter):
            yield piece
        if await _line(peer, 2):
            raise BadHead("a chunk is longer than it says")
    trailer_bytes = 0
    while line := await _line(peer, _TRAILER_BYTES):
        trailer_bytes += len(line)
        if trailer_bytes > _TRAILER_BYTES:
            raise BadHead("the end of the body is too long")


async def _exactly(peer: Peer, size: int, meter: Meter) -> AsyncIterator[bytes]:
    while size > 0:
        piece = await peer.read(min(size, PIECE_BYTES))
        if not piece:
            raise CutShort("the body is not whole")
        size -= len(piece)
        await meter.up(len(piece))
        yield piece


async def _chunk_size(peer: Peer) -> int:
    text = (await _line(peer, _CHUNK_LINE_BYTES)).partition(b";")[0].strip()
    if not 0 < len(text) <= 8 or text.strip(b"0123456789abcdefABCDEF"):
        raise BadHead("a chunk cannot be read")
    return int(text, 16)


async def _line(peer: Peer, most_bytes: int) -> bytes:
    """Return the next line without its end."""
    try:
        line = await peer.read_until(b"\r\n", most_bytes)
    except TooLong as error:
        raise BadHead("a line of the body is too long") from error
    if not line:
        raise CutShort("the body is not whole")
    return line[:-2]
