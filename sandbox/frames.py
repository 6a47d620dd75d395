"""Server frames of the chat protocol: cutting text to size and encoding, once, for author and visitor.

A frame is at most FRAME_BYTES as encoded (UTF-8 JSON), cut on code points. Pure functions; numbering is the chat's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from sandbox.record import Error

FRAME_BYTES = 8_000
"""The promise to clients is 8 kB; the head room below is for the fields around the text."""
TEXT_BYTES = FRAME_BYTES - 400
SOURCE_ENTRIES = 64
ERROR_HALF_BYTES = 1_400
"""Of a traceback, this much head and tail. JSON may need two bytes for one, and both must fit a frame."""

AUTHOR_ONLY = frozenset({"console"})
AUTHOR_FIELDS = ("src", "error")

encode = msgspec.json.encode
decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of output and who printed it; file and line are None for a subprocess."""

    text: str
    file: str | None
    line: int | None


def encoded_bytes(text: str) -> int:
    """Return the length of `text` inside a JSON string."""
    return len(encode(text)) - 2


def cut(text: str, limit: int = TEXT_BYTES) -> Iterator[str]:
    """Yield `text` in pieces, each at most `limit` bytes as encoded; one empty piece for an empty text."""
    start = 0
    while True:
        size = min(len(text) - start, limit)
        while size > 1 and (actual := encoded_bytes(text[start : start + size])) > limit:
            size = max(1, min(size - 1, size * limit // actual))
        yield text[start : start + size]
        start += size
        if start >= len(text):
            return


def output_fields(segments: list[Segment]) -> Iterator[dict[str, object]]:
    """Yield the fields of `output` frames that carry `segments` in order."""
    text: list[str] = []
    src: list[tuple[int, str | None, int | None]] = []
    used = offset = 0
    for segment in segments:
        for piece in cut(segment.text):
            cost = encoded_bytes(piece)
            entry_cost = 24 + encoded_bytes(segment.file or "")
            if text and (used + cost + entry_cost > TEXT_BYTES or len(src) >= SOURCE_ENTRIES):
                yield {"text": "".join(text), "src": src}
                text, src, used, offset = [], [], 0, 0
            if not src or src[-1][1:] != (segment.file, segment.line):
                src.append((offset, segment.file, segment.line))
                used += entry_cost
            text.append(piece)
            used += cost
            offset += len(piece)
    if text:
        yield {"text": "".join(text), "src": src}


def split_fields(text: str, **fields: object) -> Iterator[dict[str, object]]:
    """Yield the fields of consecutive frames of one type, `more` on all but the last."""
    pieces = list(cut(text))
    for index, piece in enumerate(pieces):
        more = {"more": True} if index < len(pieces) - 1 else {}
        yield {**fields, "text": piece, **more}


def error_fields(error: Error) -> dict[str, object]:
    """Return an error small enough for one frame: head and tail of its traceback."""
    return {
        "type": _clip(error.type, 100),
        "message": _clip(error.message, 300),
        "file": error.file and _clip(error.file, 200),
        "line": error.line,
        "traceback": _clip(error.traceback, 2 * ERROR_HALF_BYTES),
    }


def _clip(text: str, limit: int) -> str:
    if encoded_bytes(text) <= limit:
        return text
    half = limit // 2
    head = next(cut(text, half))
    tail = next(cut(text[::-1], half))[::-1]
    return f"{head}\n…\n{tail}"


def for_visitor(frame: bytes) -> bytes | None:
    """Return a frame without what only the author may see, or None when nothing is left."""
    fields: dict[str, object] = decode(frame)
    if fields["kind"] in AUTHOR_ONLY:
        return None
    if not any(name in fields for name in AUTHOR_FIELDS):
        return frame
    return encode({name: value for name, value in fields.items() if name not in AUTHOR_FIELDS})
