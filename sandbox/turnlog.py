"""The log of one open turn on disk: what was shown survives the death of the supervisor.

A line is `seq TAB milliseconds TAB frame` as the author sees it. A line is written before any socket gets the frame; a
plain write is enough, since only the process may die, not the machine. The first and last `kept_bytes` stay; what is
dropped between them is one `gap` frame. Files: `<chat>.<turn>.0` is the head, higher numbers are pieces of the tail.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from sandbox.frames import encode


def line(seq: int, milliseconds: int, frame: bytes) -> bytes:
    """Return a log line."""
    return b"%d\t%d\t%s\n" % (seq, milliseconds, frame)


def frames_in(lines: bytes, after: int) -> Iterator[tuple[int, bytes]]:
    """Yield (seq, frame) of the whole lines with a seq above `after`; a line torn by a crash is left out."""
    for row in lines.split(b"\n")[:-1]:
        head, _, rest = row.partition(b"\t")
        seq = int(head)
        if seq > after:
            yield seq, rest.partition(b"\t")[2]


def gap_line(first: int, last: int) -> bytes:
    """Return the line that stands for the dropped frames `first` to `last`; it takes the last one's number."""
    return line(last, 0, encode({"kind": "gap", "seq": last, "from": first, "to": last}))


class TurnLog:
    """Append-only log of one turn, bounded by twice (while open, thrice) `kept_bytes`."""

    def __init__(self, folder: Path, name: str, kept_bytes: int) -> None:
        self._folder, self._name, self._kept_bytes = folder, name, kept_bytes
        self._pieces: list[int] = [0]
        self._fd = self._create(0)
        self._sizes = {0: 0}
        self._first_seq: dict[int, int] = {}
        self._last_seq: dict[int, int] = {}

    def append(self, seq: int, milliseconds: int, frame: bytes) -> None:
        """Write one frame; it is readable, and safe from our own death, on return."""
        row = line(seq, milliseconds, frame)
        piece = self._pieces[-1]
        if self._sizes[piece] and self._sizes[piece] + len(row) > self._kept_bytes:
            piece = self._next_piece()
        os.write(self._fd, row)
        self._sizes[piece] += len(row)
        self._first_seq.setdefault(piece, seq)
        self._last_seq[piece] = seq

    def read_after(self, seq: int) -> bytes:
        """Return lines that go on after `seq`, at most one piece; empty when there is nothing newer."""
        for index, piece in enumerate(self._pieces):
            if self._last_seq.get(piece, 0) > seq:
                gap = self._gap_before(index) if seq < self._first_seq[piece] else b""
                return gap + self._path(piece).read_bytes()
        return b""

    def whole(self) -> bytes:
        """Return all that is kept: head, gap, and the last `kept_bytes`."""
        rows = self._path(0).read_bytes()
        tail = b"".join(self._path(piece).read_bytes() for piece in self._pieces[1:])
        if not tail:
            return rows
        if len(tail) > self._kept_bytes:
            tail = tail[len(tail) - self._kept_bytes :]
            tail = tail[tail.index(b"\n") + 1 :]
        first = int(tail.partition(b"\t")[0])
        last_of_head = self._last_seq[0]
        return rows + (gap_line(last_of_head + 1, first - 1) if first > last_of_head + 1 else b"") + tail

    def remove(self) -> None:
        """Close and delete the files."""
        os.close(self._fd)
        for piece in self._pieces:
            self._path(piece).unlink(missing_ok=True)

    def _next_piece(self) -> int:
        os.close(self._fd)
        piece = self._pieces[-1] + 1
        if len(self._pieces) > 2:
            self._path(self._pieces.pop(1)).unlink(missing_ok=True)
        self._pieces.append(piece)
        self._sizes[piece] = 0
        self._fd = self._create(piece)
        return piece

    def _gap_before(self, index: int) -> bytes:
        if index != 1 or self._pieces[1] == 1:
            return b""
        return gap_line(self._last_seq[0] + 1, self._first_seq[self._pieces[1]] - 1)

    def _path(self, piece: int) -> Path:
        return self._folder / f"{self._name}.{piece}"

    def _create(self, piece: int) -> int:
        return os.open(self._path(piece), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)


def recover(folder: Path, name: str) -> bytes:
    """Return what a dead supervisor's log of `name` still holds, with a `gap` where a piece was dropped."""
    pieces = sorted(folder.glob(f"{name}.*"), key=lambda path: int(path.suffix[1:]))
    rows = b""
    last = 0
    for path in pieces:
        found = path.read_bytes()
        found = found[: found.rfind(b"\n") + 1]
        if not found:
            continue
        first = int(found.partition(b"\t")[0])
        if last and int(path.suffix[1:]) > 1 and first > last + 1:
            rows += gap_line(last + 1, first - 1)
        rows += found
        last = int(found[: -1].rpartition(b"\n")[2].partition(b"\t")[0])
    return rows


def discard(folder: Path, name: str) -> None:
    """Delete the files of a log that has been put on record."""
    for path in folder.glob(f"{name}.*"):
        path.unlink(missing_ok=True)
