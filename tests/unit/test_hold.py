"""A restarted script does not greet again; anything else it says is shown whole."""

from sandbox.frames import Segment
from sandbox.hold import Hold


def seg(text: str) -> Segment:
    return Segment(text, "app.py", 1)


def test_the_same_opening_is_dropped() -> None:
    hold = Hold(("Welcome.\n", "Your name? "))
    assert hold.add([seg("Wel"), seg("come.\n")]) == []
    assert hold.asks("Your name? ") is None
    assert hold.release() == []


def test_the_first_differing_byte_releases_all_from_its_start() -> None:
    hold = Hold(("Welcome.\n", ""))
    assert hold.add([seg("Wel")]) == []
    assert hold.add([seg("l met.\n")]) == [seg("Wel"), seg("l met.\n")]


def test_a_different_prompt_releases_the_text() -> None:
    hold = Hold(("Hi.\n", "a? "))
    hold.add([seg("Hi.\n")])
    assert hold.asks("b? ") == [seg("Hi.\n")]


def test_a_shorter_opening_is_not_the_same() -> None:
    hold = Hold(("Hi.\nThere.\n", ""))
    hold.add([seg("Hi.\n")])
    assert hold.asks("") == [seg("Hi.\n")]


def test_more_than_the_opening_is_released() -> None:
    hold = Hold(("Hi.\n", ""))
    assert hold.add([seg("Hi.\n"), seg("News.\n")]) == [seg("Hi.\n"), seg("News.\n")]


def test_after_a_welcome_whatever_comes_before_the_question_is_dropped() -> None:
    hold = Hold(None)
    assert hold.add([seg("anything")]) == []
    assert hold.asks("Name? ") is None
