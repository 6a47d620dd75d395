"""What a bot's optional `hal9.yaml` tells its visitors: a description and examples of what to say. Hostile text."""

from dataclasses import dataclass

from sandbox.manifest import settings_in

DESCRIPTION_CHARACTERS = 2_000
EXAMPLES = 4
EXAMPLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class About:
    """Plain text for people; empty where nothing is said."""

    description: str = ""
    examples: tuple[str, ...] = ()


def about(data: bytes) -> About:
    """Return what a yaml file says of its bot; nothing when it is no such file."""
    said = settings_in(data)
    examples = said.get("examples")
    texts = [_text(each, EXAMPLE_CHARACTERS) for each in examples[:EXAMPLES]] if isinstance(examples, list) else []
    return About(_text(said.get("description"), DESCRIPTION_CHARACTERS), tuple(text for text in texts if text))


def _text(value: object, characters: int) -> str:
    """Return text on one line, as people write it without quotes: a number is meant as its digits."""
    if isinstance(value, str):
        return " ".join(value.split())[:characters]
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
    return str(value) if is_number else ""
