"""Control records: whole whatever the pipe cut, joined, bounded, and forged ones found out."""

import pytest

from sandbox import wire
from sandbox.wire import Parser, records


def test_records_survive_any_cut() -> None:
    stream = b"".join([*records(wire.READY), *records(wire.PROMPT, b"p" * 10_000), *records(wire.WAITING)])
    for size in (1, 3, 7, 4096, 100_000):
        parser, found = Parser(), []
        for start in range(0, len(stream), size):
            found += parser.feed(stream[start : start + size])
        assert found == [(wire.READY, b""), (wire.PROMPT, b"p" * 10_000), (wire.WAITING, b"")]


def test_each_record_is_written_at_once() -> None:
    assert max(map(len, records(wire.ERROR, b"x" * 50_000))) <= wire.PIPE_BUF


def test_of_a_long_text_the_beginning_is_kept() -> None:
    parser = Parser(joined_bytes=5_000)
    stream = b"".join(records(wire.PROMPT, b"a" * 4_000 + b"b" * 6_000))
    assert parser.feed(stream) == [(wire.PROMPT, b"a" * 4_000 + b"b" * 1_000)]


def test_what_came_before_a_forged_record_counts() -> None:
    parser = Parser()
    assert parser.feed(records(wire.READY)[0] + b"\xff" * 4096) == [(wire.READY, b"")]
    with pytest.raises(ValueError, match="not a control stream"):
        parser.feed(b"")
