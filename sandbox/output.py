"""From bytes on a run's pipes to segments of text that know which line of the bot printed them.

Pure: no file descriptors, no clock. The runner announces what Python code prints with SOURCE records before the bytes
arrive; bytes that nobody announced (a subprocess, `os.write`) have no source.
"""

import codecs
from collections import deque
from dataclasses import dataclass

from sandbox import wire
from sandbox.frames import Segment

PENDING_SOURCES = 4096
"""Announcements kept without their bytes; more than a full pipe of short lines can hold is only a script lying."""


LOOK_AHEAD = 8


@dataclass(slots=True)
class Source:
    """An announcement: `left` bytes that begin with `excerpt` come from this line."""

    left: int
    excerpt: bytes
    file: str
    line: int


def parse_source(payload: bytes) -> Source | None:
    """Return the announcement in a SOURCE record, or None when it is malformed."""
    if len(payload) < wire.SOURCE_HEAD.size:
        return None
    count, line, length = wire.SOURCE_HEAD.unpack_from(payload)
    start = wire.SOURCE_HEAD.size
    excerpt = payload[start : start + length]
    file = payload[start + length :].decode("utf-8", "replace")
    return Source(count, excerpt, file, line) if count and excerpt else None


class Decoder:
    """Turn bytes of standard output into segments; a character split between reads comes out whole."""

    def __init__(self) -> None:
        self._sources: deque[Source] = deque(maxlen=PENDING_SOURCES)
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._current: Source | None = None

    def announce(self, source: Source) -> None:
        """Expect the bytes of `source`."""
        self._sources.append(source)

    def feed(self, data: bytes) -> list[Segment]:
        """Return the segments that `data` completes."""
        found: list[Segment] = []
        while data:
            size, source = self._next(data)
            self._add(found, data[:size], source)
            data = data[size:]
        return found

    def flush(self) -> list[Segment]:
        """Return what an unfinished character at the end of the stream becomes."""
        rest = self._utf8.decode(b"", True)
        self._utf8.reset()
        return [Segment(rest, None, None)] if rest else []

    def _next(self, data: bytes) -> tuple[int, Source | None]:
        current = self._current
        if current is not None:
            size = min(current.left, len(data))
            current.left -= size
            if not current.left:
                self._current = None
            return size, current
        self._skip_lost(data)
        if not self._sources:
            return len(data), None
        position = _begins_at(data, self._sources[0].excerpt)
        if position:
            return position, None
        self._current = self._sources.popleft()
        return self._next(data)

    def _skip_lost(self, data: bytes) -> None:
        """Forget announcements whose bytes never came (their process died), once a later one's bytes are here."""
        if not self._sources or _begins_at(data, self._sources[0].excerpt) == 0:
            return
        for index in range(1, min(len(self._sources), LOOK_AHEAD)):
            if data.startswith(self._sources[index].excerpt):
                for _ in range(index):
                    self._sources.popleft()
                return

    def _add(self, found: list[Segment], data: bytes, source: Source | None) -> None:
        text = self._utf8.decode(data)
        if not text:
            return
        file, line = (source.file, source.line) if source else (None, None)
        if found and (found[-1].file, found[-1].line) == (file, line):
            text = found.pop().text + text
        found.append(Segment(text, file, line))


def _begins_at(data: bytes, excerpt: bytes) -> int:
    """Return where `excerpt` begins in `data`, also when it is cut by the end of `data`; len(data) when nowhere."""
    position = data.find(excerpt)
    if position >= 0:
        return position
    for size in range(min(len(excerpt) - 1, len(data)), 0, -1):
        if data.endswith(excerpt[:size]):
            return len(data) - size
    return len(data)


def text_of(segments: list[Segment]) -> str:
    """Return the plain text of segments."""
    return "".join(segment.text for segment in segments)
