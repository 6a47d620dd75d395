"""File contents under their own hash: written once, never changed."""

import hashlib
import os
import re
import secrets
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
        try:
            os.utime(path)
        except FileNotFoundError:
            _write(path, data)
        return sha

    def get(self, sha: str) -> bytes:
        """Return the bytes of a blob. Raises Absent."""
        try:
            return self.path(sha).read_bytes()
        except FileNotFoundError:
            raise Absent from None

    def has(self, sha: str) -> bool:
        """Tell whether a blob is there."""
        return self.path(sha).is_file()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut (fsync(2): the entry needs a sync of its own)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
