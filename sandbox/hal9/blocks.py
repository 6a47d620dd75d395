"""`extract`: the code blocks of a Markdown text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def extract(markdown: str, language: str | None = None, default: Any = None) -> Any:
    """Return the code in fenced blocks.

    With a language: the code of its blocks, joined by a line break, or `default` where there is none; "*" takes blocks
    of any language and, where there is none, the whole text. Without: a dict from `filename=` in the fence, else the
    language, else "unknown", to code; entries of a `default` dict stay where no block has their key.
    """
    if language:
        code = "\n".join(code for words, code in _blocks(markdown) if language in ("*", words[0]))
        return code or (markdown if language == "*" else default)
    found: dict[str, list[str]] = {}
    for words, code in _blocks(markdown):
        found.setdefault(_key(words), []).append(code)
    joined = {key: "\n".join(codes) for key, codes in found.items()}
    if isinstance(default, dict):
        return {**default, **joined}
    return joined or ({} if default is None else default)


def _blocks(markdown: str) -> list[tuple[list[str], str]]:
    """Return (words after the opening fence, at least one; code) of each block."""
    import re

    fenced = re.findall(r"```([^`\n]*)\n(.*?)```", markdown, re.DOTALL)
    return [(info.split() or [""], code) for info, code in fenced]


def _key(words: list[str]) -> str:
    for word in words:
        if word.startswith("filename="):
            return word[len("filename=") :].strip("\"'") or "unknown"
    return words[0] or "unknown"
