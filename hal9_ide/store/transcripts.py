"""What was said in a chat, read back from the events of its sealed turns."""

import zlib

import msgspec

from hal9_ide.store.blobs import Blobs
from hal9_ide.store.chats import Turn


class _Frame(msgspec.Struct):
    kind: str
    text: str = ""


_decoder = msgspec.json.Decoder(_Frame)


def spoken(turn: Turn, blobs: Blobs) -> str:
    """Return all that a sealed turn showed of the bot: what it printed and what it asked; of an open turn nothing yet.

    Of a very long reply only head and tail are on record (a `gap` frame stands between them).
    """
    packed = turn.events_inline
    if packed is None and turn.events is not None:
        packed = blobs.get(turn.events)
    if packed is None:
        return ""
    rows = zlib.decompress(packed).split(b"\n")
    frames = (_decoder.decode(row.split(b"\t", 2)[2]) for row in rows if row)
    return "".join(frame.text for frame in frames if frame.kind in ("output", "prompt"))
