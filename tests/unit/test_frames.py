"""Frames: cut to size on code points, with their source lines."""

import json
import random

import pytest

from sandbox import frames
from sandbox.frames import FRAME_BYTES, Segment
from sandbox.record import Error

ALPHABETS = ["a", "é", "😀", "\x00", '"', "\n", "\u2028", 'a😀"\x07é']


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_cut_loses_nothing_and_keeps_the_limit(alphabet: str) -> None:
    text = "".join(random.Random(7).choices(alphabet, k=30_000))
    pieces = list(frames.cut(text))
    assert "".join(pieces) == text
    assert all(frames.encoded_bytes(piece) <= frames.TEXT_BYTES for piece in pieces)


def test_cut_of_nothing_is_one_empty_piece() -> None:
    assert list(frames.cut("")) == [""]


def test_output_frames_fit_and_join_to_the_text() -> None:
    rng = random.Random(3)
    segments = [
        Segment("".join(rng.choices('😀é"\x01a\n', k=rng.randint(1, 900))), rng.choice(["app.py", "ü" * 300, None]), n)
        for n in range(200)
    ]
    found = list(frames.output_fields(segments))
    assert "".join(str(fields["text"]) for fields in found) == "".join(segment.text for segment in segments)
    encoded = [frames.encode({"kind": "output", "seq": 2**40, **fields}) for fields in found]
    assert max(map(len, encoded)) <= FRAME_BYTES
    assert all(len(json.loads(frame)["src"]) <= frames.SOURCE_ENTRIES for frame in encoded)


def test_output_source_offsets_are_code_points_of_the_frame() -> None:
    segments = [Segment("😀😀", "app.py", 1), Segment("x", None, None), Segment("yz", "lib.py", 9)]
    (fields,) = frames.output_fields(segments)
    assert fields == {"text": "😀😀xyz", "src": [(0, "app.py", 1), (2, None, None), (3, "lib.py", 9)]}


def test_split_marks_all_but_the_last() -> None:
    found = list(frames.split_fields("x" * 20_000, id="m1"))
    assert len(found) == 3
    assert [fields.get("more", False) for fields in found] == [True, True, False]
    assert all(fields["id"] == "m1" for fields in found)
    assert "".join(str(fields["text"]) for fields in found) == "x" * 20_000


def test_visitor_sees_neither_console_nor_source_nor_error() -> None:
    output = frames.encode({"kind": "output", "seq": 1, "text": "hi", "src": [[0, "app.py", 1]]})
    end = frames.encode({"kind": "end", "seq": 2, "reason": "crashed", "error": {"message": "secret"}})
    assert json.loads(frames.for_visitor(output) or b"") == {"kind": "output", "seq": 1, "text": "hi"}
    assert json.loads(frames.for_visitor(end) or b"") == {"kind": "end", "seq": 2, "reason": "crashed"}
    assert frames.for_visitor(frames.encode({"kind": "console", "seq": 3, "text": "x"})) is None
    waiting = frames.encode({"kind": "waiting", "seq": 4})
    assert frames.for_visitor(waiting) == waiting


def test_error_keeps_head_and_tail_in_one_frame() -> None:
    error = Error("ValueError", "m" * 5_000, "f" * 500, 3, "first line\n" + '"\n' * 9_000 + "the last line")
    fields = frames.error_fields(error)
    text = str(fields["traceback"])
    assert text.startswith("first line") and text.endswith("the last line")
    frame = {"kind": "end", "seq": 2**40, "reason": "crashed", "exit_status": 1, "seconds": 600.123, "error": fields}
    assert len(frames.encode(frame)) <= FRAME_BYTES
