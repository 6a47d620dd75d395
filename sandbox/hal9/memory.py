"""`load` and `save`: what a bot remembers between its runs, and the files that it shows in the chat."""

from __future__ import annotations

import os

from .contents import decode, encode, extension, natural_extension
from .folders import beside, folder, parts, write_whole

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
    paths = [os.path.join(folder(access), found) for found in _places(name)]
    for _ in range(3):  # another run may replace a file between the look and the read
        path = _newest(paths)
        if path is None:
            break
        try:
            with open(path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            continue
        return decode(path, data, access)
    return default


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
    place = os.path.join(folder(access), *above, _hide(last) if hidden else last)
    if files is not None:
        members = {**files, last: contents} if contents is not None else files
        _write_folder(place, {key: (value, encoding, access) for key, value in members.items()})
        return
    path = _completed(place, contents)
    write_whole(path, encode(path, contents, encoding, access))
    for stale in _places(name):
        stale_path = os.path.join(folder(access), stale)
        if stale_path != path and os.path.isfile(stale_path):
            _remove(stale_path)


def _hide(last: str) -> str:
    return last if last.startswith(".") else "." + last


def _places(name: str) -> list[str]:
    """Return the relative paths where the value of a name can be, hidden ones first."""
    *above, last = parts(name)
    endings = ("",) if extension(last) else _VALUE_EXTENSIONS
    spellings = dict.fromkeys((_hide(last), last))
    return [os.path.join(*above, spelling + ending) for ending in endings for spelling in spellings]


def _newest(paths: list[str]) -> str | None:
    best, best_time = None, -1
    for path in paths:
        try:
            changed = os.stat(path).st_mtime_ns
        except OSError:
            continue
        if changed > best_time and os.path.isfile(path):
            best, best_time = path, changed
    return best


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass  # another run was faster


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
