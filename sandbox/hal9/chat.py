"""`input`: the person's next message."""

from __future__ import annotations

import builtins

from .urls import url_contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def input(prompt: object = "", extract: bool = True, messages: list[dict[str, Any]] | None = None) -> str:
    """Return the person's next message, with its line breaks; the builtin `input` shows them as form feeds.

    A message that is one URL becomes what `url_contents` says, unless `extract=False`. With `messages`, the text is
    also appended there as a user's message, in the form that language models take. Raises EOFError when input ends.
    """
    text = builtins.input(prompt).replace("\f", "\n")
    if extract:
        text = url_contents(text)
    if messages is not None:
        messages.append({"role": "user", "content": text})
    return text
