"""File contents under their own hash: written once, never changed."""

import ctypes
import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from hal9_ide.errors import Absent

SHA = re.compile(r"[0-9a-f]{64}")


def sha256(data: bytes) -> str:
    """Return the name of a blob: the hash of its bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Blobs:
    """A folder of blobs, `ab/abcdef…`. Another place with the same four methods can take over."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, sha: str) -> Path:
        """Return where a blob is or would be. Raises Absent for what is not a hash: it could name another file."""
        if not SHA.fullmatch(sha):
            raise Absent
        return self._root / sha[:2] / sha

    def put(self, data: bytes) -> str:
        """Store `data` durably and return its hash. One that is there only becomes young again for the sweep."""
        sha = sha256(data)
        path = self.path(sha)
        if not _touch(path):
            draft = _write(path, data)
            _sync(draft, os.O_RDONLY)
            draft.replace(path)
            _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)  # fsync(2): the entry needs a sync of its own
        return sha

    def put_many(self, contents: Iterable[bytes]) -> list[str]:
        """Store several at once and return their hashes, in order.

        Two syncs for all instead of two for each: measured, 1,000 files took 8 s one by one.
        """
        hashes: list[str] = []
        drafts: dict[Path, Path] = {}
        for data in contents:
            hashes.append(sha256(data))
            path = self.path(hashes[-1])
            if path not in drafts and not _touch(path):
                drafts[path] = _write(path, data)
        if drafts:
            _sync_file_system(self._root)
            for path, draft in drafts.items():
                draft.replace(path)
            _sync_file_system(self._root)
        return hashes

    def get(self, sha: str) -> bytes:
        """Return the bytes of a blob. Raises Absent."""
        try:
            return self.path(sha).read_bytes()
        except FileNotFoundError:
            raise Absent from None

    def has(self, sha: str) -> bool:
        """Tell whether a blob is there."""
        return self.path(sha).is_file()


def _touch(path: Path) -> bool:
    """Make a blob young again; tell whether it was there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _write(path: Path, data: bytes) -> Path:
    """Write `data` beside `path` under a name of its own, not yet synced; return that path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.write_bytes(data)
    return draft


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(folder: Path) -> None:
    """Write everything out that is on the file system of `folder`: syncfs(2), which Python does not offer."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(descriptor)
