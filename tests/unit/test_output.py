"""Output bytes find their source line, however the pipe cut them."""

import random

from sandbox.frames import Segment
from sandbox.output import Decoder, Source, parse_source, text_of
from sandbox.wire import HEADER, source_record


def announced(data: bytes, line: int) -> Source:
    found = parse_source(source_record(len(data), line, data, b"app.py")[HEADER.size :])
    assert found is not None
    return found


def test_announced_bytes_have_their_line() -> None:
    decoder = Decoder()
    decoder.announce(announced(b"one\n", 1))
    decoder.announce(announced(b"two\n", 2))
    assert decoder.feed(b"one\ntwo\n") == [Segment("one\n", "app.py", 1), Segment("two\n", "app.py", 2)]


def test_bytes_of_a_subprocess_between_prints_have_none() -> None:
    decoder = Decoder()
    decoder.announce(announced(b"before\n", 1))
    decoder.announce(announced(b"after\n", 3))
    assert decoder.feed(b"before\nfrom a child\nafter\n") == [
        Segment("before\n", "app.py", 1),
        Segment("from a child\n", None, None),
        Segment("after\n", "app.py", 3),
    ]


def test_text_survives_any_cut() -> None:
    rng = random.Random(5)
    for _ in range(50):
        lines = ["😀é" * rng.randint(1, 40) + f"{n}\n" for n in range(20)]
        decoder = Decoder()
        for number, line in enumerate(lines):
            decoder.announce(announced(line.encode(), number))
        stream = "".join(lines).encode()
        found: list[Segment] = []
        while stream:
            size = rng.randint(1, 60)
            found += decoder.feed(stream[:size])
            stream = stream[size:]
        assert text_of(found) == "".join(lines)
        for number, line in enumerate(lines):
            assert text_of([segment for segment in found if segment.line == number]) == line


def test_an_announcement_whose_bytes_never_come_does_not_stop_the_rest() -> None:
    decoder = Decoder()
    decoder.announce(announced(b"lost with its process\n", 1))
    decoder.announce(announced(b"here\n", 2))
    assert decoder.feed(b"here\n") == [Segment("here\n", "app.py", 2)]


def test_invalid_bytes_become_replacement_characters() -> None:
    decoder = Decoder()
    assert text_of(decoder.feed(b"a\xff\xf0\x9f")) == "a\ufffd"
    assert text_of(decoder.flush()) == "\ufffd"


def test_malformed_announcements_are_ignored() -> None:
    assert parse_source(b"") is None
    assert parse_source(b"\0" * 9) is None
