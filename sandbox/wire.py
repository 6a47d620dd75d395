"""The control pipe: what the runner inside a sandbox tells the supervisor beside the script's own output.

A record is one byte kind, one byte flags, two bytes length (big-endian), then the payload. A record never exceeds
PIPE_BUF (4096 bytes, pipe(7)), so that records of several threads and of forked children never interleave. A longer
payload is split; all pieces but the last carry MORE. The runner and everything it says are under the control of
hostile code: whoever reads bounds it, and trusts it for nothing beyond the one chat.

Standard library only, and few imports: this module also runs inside the sandbox, at every start.
"""

import struct

CONTROL_FD = 3
"""The runner's end of the control pipe. Close-on-exec once the runner runs: programs of the script do not get it."""

PIPE_BUF = 4096
HEADER = struct.Struct(">BBH")
PAYLOAD_BYTES = PIPE_BUF - HEADER.size

READY = 1
"""Empty. Limits are set, the script is next. An exit before READY is our failure, not the script's."""
SOURCE = 2
"""SOURCE_HEAD, the first bytes of a text, the file (UTF-8, relative to the bot); then that text comes on stdout."""
WAITING = 3
"""Empty. A thread is about to block in a read of an empty standard input."""
PROMPT = 4
"""UTF-8 text of `input(prompt)`; may be split; its WAITING follows."""
ERROR = 5
"""JSON {type, message, file|null, line|null, traceback} of the uncaught exception; may be split."""
EXIT = 6
"""Four bytes, signed: the script's own exit status. Without it, a status above 128 was a signal."""

MORE = 1
"""Flag: the payload goes on in the next record of this kind from the same thread."""

SOURCE_HEAD = struct.Struct(">IIB")
"""Bytes that will be written, line number, length of the excerpt that follows (at most EXCERPT_BYTES)."""
EXCERPT_BYTES = 32


def records(kind: int, payload: bytes = b"") -> list[bytes]:
    """Return the records that carry `payload`, each safe to write with one `os.write`."""
    pieces = [payload[i : i + PAYLOAD_BYTES] for i in range(0, len(payload), PAYLOAD_BYTES)] or [b""]
    last = len(pieces) - 1
    return [HEADER.pack(kind, MORE if i < last else 0, len(piece)) + piece for i, piece in enumerate(pieces)]


def source_record(byte_count: int, line: int, text: bytes, file: bytes) -> bytes:
    """Return the SOURCE record for `byte_count` bytes about to be written, of which `text` is the beginning."""
    excerpt = text[:EXCERPT_BYTES]
    payload = SOURCE_HEAD.pack(byte_count, line & 0xFFFFFFFF, len(excerpt)) + excerpt + file[:1024]
    return HEADER.pack(SOURCE, 0, len(payload)) + payload


class Parser:
    """Cut a byte stream into (kind, payload) records, joining split ones.

    Of a joined text the first `joined_bytes` are kept. Raises ValueError when the stream cannot be ours.
    """

    def __init__(self, joined_bytes: int = 64 * 1024) -> None:
        self._buffer = b""
        self._joined: dict[int, bytes] = {}
        self._joined_bytes = joined_bytes
        self._is_broken = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the records completed by `data`, in order."""
        if self._is_broken:
            raise ValueError("not a control stream")
        self._buffer += data
        found: list[tuple[int, bytes]] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            kind, flags, length = HEADER.unpack_from(self._buffer, start)
            if length > PAYLOAD_BYTES:
                self._is_broken = True  # told at the next call: what came before was ours
                break
            end = start + HEADER.size + length
            if end > len(self._buffer):
                break
            self._add(found, kind, flags, self._buffer[start + HEADER.size : end])
            start = end
        self._buffer = self._buffer[start:]
        return found

    def _add(self, found: list[tuple[int, bytes]], kind: int, flags: int, payload: bytes) -> None:
        whole = (self._joined.pop(kind, b"") + payload)[: self._joined_bytes]
        if flags & MORE:
            self._joined[kind] = whole
        else:
            found.append((kind, whole))
