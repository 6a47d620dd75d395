"""What visitors are told of a bot by its `hal9.yaml`."""

import time

import pytest

from hal9_ide.about import DESCRIPTION_CHARACTERS, EXAMPLE_CHARACTERS, About, about


@pytest.mark.parametrize(
    ("text", "description", "examples"),
    [
        ("description: A bot.\nexamples:\n  - one\n  - two three\n", "A bot.", ("one", "two three")),
        ("description: |\n  Two\n  lines\n", "Two lines", ()),
        ("examples: [5, 1.5, yes, null, [x], {a: 1}]", "", ("5", "1.5")),
        ("examples: [a, b, c, d, e]", "", ("a", "b", "c", "d")),
        ("examples: ['', ' ', x]", "", ("x",)),
        ("examples: one", "", ()),
        ("description: [no]", "", ()),
        ("welcome: Hello\n", "", ()),
        ("just words", "", ()),
        ("", "", ()),
        ("a: b: c", "", ()),
        ("description: !!python/object/apply:os.system [false]", "", ()),
        ("description: &a [*a]\nexamples: [*a, b]", "", ("b",)),
        ("\x00", "", ()),
    ],
)
def test_settings_tell_description_and_examples(text: str, description: str, examples: tuple[str, ...]) -> None:
    assert about(text.encode()) == About(description, examples)


def test_long_texts_are_cut() -> None:
    said = about(f"description: {'d' * 5000}\nexamples: [{'e' * 5000}]".encode())
    assert len(said.description) == DESCRIPTION_CHARACTERS
    assert len(said.examples[0]) == EXAMPLE_CHARACTERS


HOSTILE = [
    b"[" * 16384,
    b"- " * 8192,
    b"[a," * 5461,
    b"{a: " * 4096,
    b"\xff\xfe" * 8192,
    b"9" * 16384,
    b"description: 0x" + b"f" * 16000,
    b"description: 1.0e+999",
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile_files_say_nothing_and_take_no_time(data: bytes) -> None:
    begun = time.monotonic()
    assert about(data) == About()
    assert time.monotonic() - begun < 3
