"""What a path inside a bot may be. Every path from outside passes here before it is stored or joined to anything."""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from hal9_ide.errors import BadRequest, Conflict

PATH_BYTES = 255
NAME_BYTES = 120
DEPTH = 12
RESERVED = frozenset({".storage", ".user", ".shared"})
"""Folders of the chat, the visitor and the bot: a version's file there would be another person's file."""
DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make a name read as another: photo<202E>gpj.py looks like photoyp.jpg."""


def checked_path(text: str) -> str:
    r"""Return `text` as a relative path with `/`, in Unicode's composed form; Windows sends `\`.

    Raises BadRequest for anything that could leave the bot's folder or that a file system would read differently.
    """
    path = unicodedata.normalize("NFC", text).replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    problem = _problem(path)
    if problem:
        raise BadRequest(f"{shown(text)} cannot be the path of a file: {problem}.", code="bad_path")
    return path


def _problem(path: str) -> str | None:
    names = path.split("/")
    if any(unicodedata.category(character) in ("Cc", "Cs") or character in DIRECTION_MARKS for character in path):
        return "it has a control character"
    if len(path.encode()) > PATH_BYTES or len(names) > DEPTH:
        return "it is too long"
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "it must be relative"
    for name in names:
        if name in ("", ".", ".."):
            return "it has an empty part, or one that is . or .."
        if len(name.encode()) > NAME_BYTES or name != name.strip():
            return "a part is too long, or begins or ends with a space"
    return f"{names[0]} belongs to the running bot" if names[0] in RESERVED else None


def shown(text: str) -> str:
    """Return a path for a sentence: short, printable, ASCII where it must pass through a status line."""
    return ascii(text[:60])


def check_no_clash(path: str, others: Iterable[str]) -> None:
    """Refuse a file that would need another file to be a folder. Raises Conflict."""
    for other in others:
        if other.startswith(f"{path}/") or path.startswith(f"{other}/"):
            raise Conflict(f"{shown(path)} cannot be beside {shown(other)}: one would be both a file and a folder.")


def check_tree(paths: Iterable[str]) -> None:
    """Refuse a set of paths in which one would be both a file and a folder. Raises Conflict."""
    ordered = sorted(path + "/" for path in paths)
    for folder, path in pairwise(ordered):  # whatever is inside a folder comes right after it
        if path.startswith(folder):
            check_no_clash(folder.rstrip("/"), [path.rstrip("/")])
