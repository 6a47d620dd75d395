"""The numbered frames of one chat: given once, written down, then read by any number of sockets at their own pace.

A reader pulls: recent frames from memory, older ones from the log of the open turn, the oldest from the record. So a
slow reader costs nothing but its own position, and a reader that comes back loses nothing.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from sandbox.frames import encode
from sandbox.record import Recorder
from sandbox.turnlog import TurnLog, frames_in

RECENT_BYTES = 256 * 1024
RESERVE_STEP = 1_000
"""The record's ceiling grows in these steps; a new supervisor starts above it."""
RESERVE_AHEAD = 2 * RESERVE_STEP
ROOM = RESERVE_STEP
"""Numbers that must be left before another chunk of output is read: a chunk never makes as many frames."""


class Stream:
    """Frames of one chat. `seq` is the last number given."""

    def __init__(self, chat: str, ceiling: int, recorder: Recorder, spool: Path, kept_bytes: int) -> None:
        self.seq = ceiling
        self.on_room: Callable[[], object] = lambda: None
        self.is_closed = False
        self._chat, self._recorder, self._spool, self._kept_bytes = chat, recorder, spool, kept_bytes
        self._ceiling = ceiling
        self._reserving: Future[None] | None = None
        self._recent: list[tuple[int, bytes]] = []
        self._recent_bytes = 0
        self._recent_from = ceiling
        self._log: TurnLog | None = None
        self._log_started = 0.0
        self._generation = 0
        self._readers: set[asyncio.Event] = set()

    @property
    def readers(self) -> int:
        """How many sockets follow this chat."""
        return len(self._readers)

    async def ready(self) -> None:
        """Return once numbers are reserved; called before the first frame."""
        self._reserve()
        if self._reserving is not None:
            await asyncio.wrap_future(self._reserving)

    def has_room(self) -> bool:
        """Say whether numbers are left for a chunk of output; `on_room` is called when there are again."""
        return self._ceiling - self.seq > ROOM

    def emit(self, kind: str, **fields: object) -> int:
        """Number a frame, write it down, wake the readers; return its number."""
        self.seq += 1
        frame = encode({"kind": kind, "seq": self.seq, **fields})
        if self._log is not None:
            self._log.append(self.seq, self.milliseconds(), frame)
        self._recent.append((self.seq, frame))
        self._recent_bytes += len(frame)
        if self._recent_bytes > 2 * RECENT_BYTES:
            self._trim()
        if self._ceiling - self.seq < RESERVE_AHEAD:
            self._reserve()
        for event in self._readers:
            event.set()
        return self.seq

    def open_log(self, turn: int) -> None:
        """Begin the log of a turn; every frame until `close_log` is kept in it."""
        self._log = TurnLog(self._spool, log_name(self._chat, turn), self._kept_bytes)
        self._log_started = time.monotonic()

    def milliseconds(self) -> int:
        """Return the age of the open turn."""
        return int((time.monotonic() - self._log_started) * 1000)

    def close_log(self) -> tuple[bytes, TurnLog]:
        """End the log; return its lines and the log, to be removed when they are on record."""
        log, self._log = self._log, None
        if log is None:
            raise RuntimeError("no log is open")
        self._generation += 1
        return log.whole(), log

    def follow(self) -> asyncio.Event:
        """Return an event that is set at every new frame, until `unfollow`."""
        event = asyncio.Event()
        self._readers.add(event)
        return event

    def unfollow(self, event: asyncio.Event) -> None:
        """Stop setting `event`."""
        self._readers.discard(event)

    def close(self) -> None:
        """Let the readers go: the chat is being deleted."""
        self.is_closed = True
        for event in self._readers:
            event.set()

    async def read(self, after: int) -> list[tuple[int, bytes]]:
        """Return frames that follow number `after`, oldest first, bounded; empty when there is none yet."""
        while after < self._recent_from:
            generation = self._generation
            lines = await asyncio.wrap_future(self._recorder.events_after(self._chat, after))
            if lines is None and generation != self._generation:
                continue
            if lines is None:
                lines = self._log.read_after(after) if self._log is not None else b""
            if frames := list(frames_in(lines, after)):
                return frames
            break
        start = bisect_right(self._recent, after, key=lambda entry: entry[0])
        return self._recent[start:]

    def _trim(self) -> None:
        drop = 0
        while self._recent_bytes > RECENT_BYTES:
            seq, frame = self._recent[drop]
            self._recent_bytes -= len(frame)
            self._recent_from = seq
            drop += 1
        del self._recent[:drop]

    def _reserve(self) -> None:
        if self._reserving is not None:
            return
        steps = (self.seq + 2 * RESERVE_AHEAD) // RESERVE_STEP + 1
        ceiling = steps * RESERVE_STEP
        self._reserving = self._recorder.reserve(self._chat, ceiling)
        loop = asyncio.get_running_loop()

        def done(future: "Future[None]") -> None:
            loop.call_soon_threadsafe(self._reserved, future, ceiling)

        self._reserving.add_done_callback(done)

    def _reserved(self, done: "Future[None]", ceiling: int) -> None:
        self._reserving = None
        done.result()
        had_room = self.has_room()
        self._ceiling = max(self._ceiling, ceiling)
        if not had_room:
            self.on_room()


def log_name(chat: str, turn: int) -> str:
    """Return the name of a turn's log files."""
    return f"{chat}.{turn}"
