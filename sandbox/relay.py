"""Pass bytes both ways between a script and an upstream, until both have said all, or one of the bounds is reached."""

import asyncio
from collections.abc import Awaitable, Callable

from sandbox.meter import Caps, Meter, OverCap
from sandbox.peer import Peer

Count = Callable[[int], Awaitable[None]]
Begin = Callable[[], Awaitable[None]]


async def relay(script: Peer, upstream: Peer, meter: Meter, caps: Caps, *, answer_head: Begin | None = None) -> None:
    """Return when both directions have ended.

    With `answer_head` the exchange is one request and one answer: it is awaited before the upstream's bytes are passed
    on, and the end of the answer is the end. Neither peer is closed. Raises: OverCap when the bytes are used up or
    nothing moved for too long, OSError when one side broke off, and what `answer_head` raises.
    """
    loop = asyncio.get_running_loop()
    idle = asyncio.timeout(caps.idle_seconds)

    def moved() -> None:
        idle.reschedule(loop.time() + caps.idle_seconds)

    up = asyncio.create_task(_copy(script, upstream, meter.up, moved))
    down = asyncio.create_task(_copy(upstream, script, meter.down, moved, answer_head))
    try:
        async with idle:
            await _until_ended(up, down, is_one_answer=answer_head is not None)
    except TimeoutError as error:
        if not idle.expired():
            raise
        raise OverCap(f"nothing was sent or received for {caps.idle_seconds:g} s") from error
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _until_ended(up: "asyncio.Task[None]", down: "asyncio.Task[None]", *, is_one_answer: bool) -> None:
    waiting = {up, down}
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if is_one_answer and down in done:
            down.result()
            return
        for task in done:
            if not (is_one_answer and isinstance(task.exception(), OSError)):
                task.result()  # an upstream may answer and close before it has read a whole body: not an error then


async def _copy(source: Peer, sink: Peer, count: Count, moved: Callable[[], None], first: Begin | None = None) -> None:
    if first is not None:
        await first()
    while piece := await source.read():
        moved()
        await count(len(piece))
        await sink.write(piece)
        moved()
    sink.end_writing()
