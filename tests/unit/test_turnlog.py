"""The log of an open turn: bounded, with an honest gap, and readable after a crash."""

import json
from pathlib import Path

from sandbox.frames import encode
from sandbox.turnlog import TurnLog, discard, frames_in, recover

KEPT_BYTES = 4_000


def fill(log: TurnLog, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        log.append(seq, seq, encode({"kind": "output", "seq": seq, "text": "x" * 60}))


def seqs(lines: bytes) -> list[int]:
    return [seq for seq, _ in frames_in(lines, 0)]


def gap_of(lines: bytes) -> dict[str, object]:
    (gap,) = [frame for _, frame in frames_in(lines, 0) if b'"gap"' in frame]
    return dict(json.loads(gap))


def test_a_short_turn_is_kept_whole(tmp_path: Path) -> None:
    log = TurnLog(tmp_path, "c.1", KEPT_BYTES)
    fill(log, 1, 20)
    assert seqs(log.whole()) == list(range(1, 21))
    assert seqs(log.read_after(0)) == list(range(1, 21))
    assert log.read_after(20) == b""
    log.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_long_turn_keeps_head_and_tail_and_says_what_is_missing(tmp_path: Path) -> None:
    log = TurnLog(tmp_path, "c.1", KEPT_BYTES)
    fill(log, 1, 1_000)
    whole = log.whole()
    found = seqs(whole)
    gap = gap_of(whole)
    assert found[0] == 1 and found[-1] == 1_000
    assert set(range(1, 1_001)) - set(found) == set(range(int(str(gap["from"])), int(str(gap["to"]))))
    assert gap["seq"] == gap["to"]
    assert len(whole) <= 2 * KEPT_BYTES + 200


def test_reading_on_crosses_the_gap_once(tmp_path: Path) -> None:
    log = TurnLog(tmp_path, "c.1", KEPT_BYTES)
    fill(log, 1, 1_000)
    position, found = 0, []
    while frames := list(frames_in(log.read_after(position), position)):
        found += frames
        position = frames[-1][0]
    assert position == 1_000
    numbers = [seq for seq, _ in found]
    assert numbers == sorted(set(numbers))
    assert sum(b'"gap"' in frame for _, frame in found) == 1


def test_a_crash_loses_only_a_torn_line(tmp_path: Path) -> None:
    log = TurnLog(tmp_path, "c.1", KEPT_BYTES)
    fill(log, 1, 10)
    with (tmp_path / "c.1.0").open("ab") as file:
        file.write(b'11\t5\t{"kind":"output","se')
    assert seqs(recover(tmp_path, "c.1")) == list(range(1, 11))


def test_a_crash_in_a_long_turn_keeps_its_gap(tmp_path: Path) -> None:
    log = TurnLog(tmp_path, "c.1", KEPT_BYTES)
    fill(log, 1, 1_000)
    lines = recover(tmp_path, "c.1")
    found = seqs(lines)
    assert found == sorted(set(found)) and found[-1] == 1_000
    assert gap_of(lines)["to"] in found
    discard(tmp_path, "c.1")
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_recover_is_empty(tmp_path: Path) -> None:
    assert recover(tmp_path, "none.1") == b""
