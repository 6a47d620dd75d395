"""Locks between processes of one data folder: one server at a time, no clean-up during a backup."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Taken(Exception):
    """Another process holds the lock."""


@contextmanager
def holding(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold the lock file at `path`, alone or with other sharers.

    Raises: Taken, when `wait` is false and another process holds it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(str(path)) from None
        yield
    finally:
        os.close(descriptor)


def sweep_lock(data_dir: Path) -> Path:
    """Return the lock that `gc` holds alone and backups share."""
    return data_dir / "run" / "gc.lock"


def server_lock(data_dir: Path) -> Path:
    """Return the lock that the launcher of this data folder holds."""
    return data_dir / "run" / "server.lock"
