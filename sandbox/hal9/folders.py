"""The bot's three folders: where they are, which names stay inside them, and writes that nobody sees half done."""

from __future__ import annotations

import os
import time

ACCESS = ("storage", "user", "shared")
"""Who sees what is kept: this chat, all chats of this visitor, everyone who uses this bot."""


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return os.curdir


LOCK_SECONDS = 2.0
"""How long to wait for another run; then go on without: one chat must not stop the others by holding the lock."""

# As of the import: a bot that changes its working folder later keeps its memory.
_ROOT = _working_folder()


def folder(access: str) -> str:
    """Return the path of a bot's folder. Raises ValueError when `access` is none of ACCESS."""
    if access not in ACCESS:
        raise ValueError(f"Invalid storage access: {access!r}; it is one of {', '.join(ACCESS)}")
    return os.path.join(_ROOT, "." + access)


def parts(name: str) -> list[str]:
    """Return the pieces of a name like "a/b.txt". Raises TypeError, or ValueError when it would leave the folder."""
    if not isinstance(name, str):
        raise TypeError(f"A name is text, not {type(name).__name__}")
    pieces = [piece for piece in name.split("/") if piece not in ("", ".")]
    if not pieces or name.startswith("/") or ".." in pieces or "\0" in name:
        raise ValueError(f"The name {name!r} is not the name of a file inside the bot's folder")
    return pieces


def beside(path: str) -> str:
    """Return an unused hidden name in the same folder, so that a rename to `path` is one step."""
    # Not the process id: runs that share a folder are in different process namespaces and have equal ids.
    return os.path.join(os.path.dirname(path), ".~" + os.urandom(6).hex())


def write_whole(path: str, data: bytes) -> None:
    """Write a file so that a reader at any time finds the old contents or the new ones."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    unfinished = beside(path)
    try:
        with open(unfinished, "xb") as file:
            file.write(data)
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.unlink(unfinished)
        raise


class Locked:
    """Hold a folder's lock, against other threads and against other runs that share the folder.

    The folder itself is locked (flock(2)): a lock file would be one more file in it. Takes an existing folder.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> None:
        import fcntl

        self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        deadline = time.monotonic() + LOCK_SECONDS
        while time.monotonic() < deadline:
            try:
                return fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.002)

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
