"""The key that proves what this server made. It lies beside the data folder: a copy of the data alone opens nothing."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def beside(data_dir: Path) -> Path:
    """Return where the key of a data folder is."""
    return data_dir.with_name(data_dir.name + ".key")


def read_key(path: Path) -> bytes | None:
    """Return the key in a file; None when there is no file. Raises OSError, or ValueError when it is empty."""
    try:
        key = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if not key:
        raise ValueError(f"{path} is empty")
    return key


def make_key(path: Path) -> bytes:
    """Write a new key with mode 0600 and return it, or the one that another process wrote at the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(KEY_BYTES).encode()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(key)
        os.link(draft, path)  # unlike rename, fails when the file is there
    except FileExistsError:
        return path.read_bytes().strip()
    finally:
        draft.unlink()
    return key
