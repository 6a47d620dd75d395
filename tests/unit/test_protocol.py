"""What a frame is, and what a message's text may be."""

import json

import pytest

from hal9_ide.errors import BadRequest, TooLarge
from hal9_ide.protocol import (
    CLIENT_FRAMES,
    SERVER_FRAMES,
    TEXT_BYTES,
    Message,
    Restart,
    Resume,
    Stop,
    checked_message,
    checked_text,
    decode_client_frame,
)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"kind":"message","id":"a","text":"hi","uploads":[]}', Message("a", "hi", [])),
        ('{"kind":"message","id":"a","text":"hi"}', Message("a", "hi")),
        ('{"kind":"message","id":"a","text":"\\ud83d\\ude00"}', Message("a", "😀")),
        ('{"kind":"stop","later":1}', Stop()),
        ('{"kind":"restart"}', Restart()),
        ('{"kind":"resume","after":7}', Resume(7)),
    ],
)
def test_a_frame_is_read(text: str, frame: object) -> None:
    assert decode_client_frame(text) == frame


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"stop"',
        "{}",
        '{"kind":"hello","chat":"x","seq":1,"state":"ended"}',
        '{"kind":"message","id":1,"text":"x"}',
        '{"kind":"message","id":"a","text":"x","uploads":"y"}',
        '{"kind":"resume"}',
        '{"kind":"resume","after":1.5}',
        "[" * 10_000,
    ],
)
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        decode_client_frame(text)


@pytest.mark.parametrize(
    ("text", "checked"),
    [("", ""), ("a\r\nb\rc\nd", "a\nb\nc\nd"), ("\r\r\n", "\n\n"), ("\x1b[0m\f", "\x1b[0m\f"), ("😀", "😀")],
)
def test_a_text_has_one_kind_of_line_end(text: str, checked: str) -> None:
    assert checked_text(text) == checked


@pytest.mark.parametrize("text", ["a\0", "\ud83d", "\ude00\ud83d"])
def test_what_no_script_could_read_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        checked_text(text)


def test_a_text_is_bounded_in_bytes_not_in_characters() -> None:
    assert checked_text("😀" * (TEXT_BYTES // 4))
    with pytest.raises(TooLarge, match="64 KiB"):
        checked_text("😀" * (TEXT_BYTES // 4) + "x")
    assert len(checked_text("\r\n" * TEXT_BYTES)) == TEXT_BYTES


@pytest.mark.parametrize("message_id", ["", "x" * 65, "a b", "é", "a\n"])
def test_a_message_id_is_short_and_visible(message_id: str) -> None:
    with pytest.raises(BadRequest):
        checked_message(Message(message_id, "hi"))


def test_a_message_carries_some_uploads() -> None:
    assert checked_message(Message("a", "hi", ["u"] * 32)).uploads == ["u"] * 32
    with pytest.raises(TooLarge):
        checked_message(Message("a", "hi", ["u"] * 33))


def test_every_frame_has_a_kind_and_a_sentence() -> None:
    import msgspec

    kinds = [frame.__struct_config__.tag for frame in (*CLIENT_FRAMES, *SERVER_FRAMES)]
    assert kinds == [frame.__name__.lower() for frame in (*CLIENT_FRAMES, *SERVER_FRAMES)]
    assert all(frame.__doc__ and frame.__doc__.endswith(".") for frame in (*CLIENT_FRAMES, *SERVER_FRAMES))
    assert json.loads(msgspec.json.encode(Stop())) == {"kind": "stop"}


def test_half_a_character_is_refused_and_not_a_broken_frame() -> None:
    frame = decode_client_frame('{"kind":"message","id":"m1","text":"a\\ud800b"}')
    assert isinstance(frame, Message) and frame.id == "m1"
    with pytest.raises(BadRequest, match="half a character"):
        checked_message(frame)
    with pytest.raises(BadRequest, match="not a frame"):
        decode_client_frame('{"kind":"stop","x":"\\ud800"}')


def test_a_text_just_over_the_limit_says_more_than_the_limit() -> None:
    with pytest.raises(TooLarge, match="64 KiB; this one has 65"):
        checked_text("x" * (TEXT_BYTES + 1))
