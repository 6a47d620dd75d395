"""`load` and `save`: what a bot remembers between its runs, and the files that it shows in the chat."""

from __future__ import annotations

import os

from .contents import decode, encode, extension, natural_extension
from .folders import Locked, beside, folder, parts, write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_VALUE_EXTENSIONS = (".json", ".bin", ".pkl")
"""What a name without extension may be kept as. One name has one value: saving it removes the others."""


def load(name: str, default: Any = None, access: str = "storage") -> Any:
    """Return what was last saved under a name, visible or hidden, or `default` when nothing was.

    A name with an extension is that file: `.json` comes back as its value, text formats as str, anything else as bytes.
    `access` is storage (this chat), user (all chats of this visitor) or shared (everyone who uses this bot).
    Raises ValueError when the name leaves the folder or the file is not what its extension says.
    """
    kept_in = folder(access)
    paths = [os.path.join(kept_in, found) for found in _places(name)]
    found = _read_newest(paths)
    if found is None and os.path.isdir(kept_in):
        with Locked(kept_in):  # another run may be just replacing one kind of file by another
            found = _read_newest(paths)
    return default if found is None else decode(*found, access)


def save(
    name: str,
    contents: Any = None,
    hidden: bool = False,
    files: Mapping[str, Any] | None = None,
    encoding: str | None = None,
    access: str = "storage",
) -> None:
    """Keep contents under a name.

    Without an extension in the name the value itself is kept: as JSON, bytes, or (not for everyone) any Python object.
    With one it is a file of that kind, from text, bytes or a PIL image. In `.storage`, files appear in the chat unless
    `hidden`. With `files`, a folder of that name is written: {relative name: contents}, and `contents`, where given,
    under the folder's own name. Text is UTF-8 unless `encoding` says otherwise.
    Raises TypeError for contents that the kind of file can't hold, ValueError for a name that leaves the folder.
    """
    *above, last = parts(name)
    kept_in = folder(access)
    place = os.path.join(kept_in, *above, _hide(last) if hidden else last)
    if files is not None:
        members = {**files, last: contents} if contents is not None else files
        os.makedirs(kept_in, exist_ok=True)
        with Locked(kept_in):
            _write_folder(place, {key: (value, encoding, access) for key, value in members.items()})
        return
    path = _completed(place, contents)
    data = encode(path, contents, encoding, access)
    os.makedirs(kept_in, exist_ok=True)
    with Locked(kept_in):  # else two that save different kinds could each remove the other's
        write_whole(path, data)
        for stale in (os.path.join(kept_in, other) for other in _places(name)):
            if stale != path and os.path.isfile(stale):
                os.unlink(stale)


def _hide(last: str) -> str:
    return last if last.startswith(".") else "." + last


def _places(name: str) -> list[str]:
    """Return the relative paths where the value of a name can be, hidden ones first."""
    *above, last = parts(name)
    endings = ("",) if extension(last) else _VALUE_EXTENSIONS
    spellings = dict.fromkeys((_hide(last), last))
    return [os.path.join(*above, spelling + ending) for ending in endings for spelling in spellings]


def _read_newest(paths: list[str]) -> tuple[str, bytes] | None:
    """Return path and bytes of the youngest of these files, None where there is none."""
    for path in sorted((path for path in paths if os.path.isfile(path)), key=_changed, reverse=True):
        try:
            with open(path, "rb") as file:
                return path, file.read()
        except FileNotFoundError:
            continue
    return None


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1


def _completed(path: str, contents: Any) -> str:
    return path if extension(os.path.basename(path)) else f"{path}.{natural_extension(contents)}"


def _write_folder(path: str, members: dict[str, tuple[Any, str | None, str]]) -> None:
    """Write a whole folder beside its place, then swap it in."""
    import shutil

    unfinished, old = beside(path), beside(path)
    ready = {}
    for name, (contents, encoding, access) in members.items():
        member = _completed(os.path.join(unfinished, *parts(name)), contents)
        ready[member] = encode(member, contents, encoding, access)
    try:
        os.makedirs(unfinished)
        for member, data in ready.items():
            os.makedirs(os.path.dirname(member), exist_ok=True)
            with open(member, "xb") as file:
                file.write(data)
        if os.path.lexists(path):
            os.rename(path, old)
        os.rename(unfinished, path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if os.path.isdir(old):
            shutil.rmtree(old, ignore_errors=True)
        elif os.path.lexists(old):
            os.unlink(old)
