"""Snapshots of folders that scripts can write: which files there are, by hash of their contents.

A file is read again only when its inode, size, mtime or ctime changed. `utime` can put back an mtime but not a ctime;
all but the first write through a shared mapping of a tmpfs file change neither (seen on 6.18), so a small folder, and
any at `full`, is read whole.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Entry = tuple[Any, ...]
"""("file", sha256, bytes, mode), ("dir",) for an empty directory, ("link", target)."""

MAX_DEPTH = 100
"""Directories deeper than this are not kept: each level costs a descriptor while we are below it."""

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAX_FILE_BYTES = 256 << 20
"""A volume's own cap is lower; this one holds for whatever folder is scanned."""
_MAX_ENTRIES = 100_000
_RACY_NS = 50_000_000
"""A file changed this shortly before it was read may change again within the same tick of the kernel's clock."""
_SMALL_FOLDER_BYTES = 1 << 20


class Unsafe(OSError):
    """What is there is not a plain file or directory that may be opened: a link, a FIFO, a socket, too large."""


@dataclass(frozen=True, slots=True)
class _Known:
    identity: tuple[int, int, int, int]
    is_racy: bool
    entry: Entry


@dataclass(slots=True)
class ScanCache:
    """What the last scan of one folder found; hand the same one to the next scan of that folder."""

    files: dict[str, _Known] = field(default_factory=dict)
    bytes: int = 0


def scan(
    root_fd: int, *, skip: frozenset[str], known: ScanCache, put: Callable[[bytes], str], full: bool = False
) -> dict[str, Entry]:
    """Return all that is in the folder: path → Entry. `put` stores contents and returns their sha256.

    `skip` names what to leave out at the top. Tolerates changes while it looks: what vanishes is not there. Left out
    are files with several links, FIFOs, sockets, and what lies too deep. `full` reads every file again.
    """
    read_all = full or known.bytes <= _SMALL_FOLDER_BYTES
    found: dict[str, Entry] = {}
    files: dict[str, _Known] = {}
    for path, name, folder_fd in _walk(root_fd, skip, found):
        before = None if read_all else known.files.get(path)
        file = _read_entry(name, folder_fd, before, known.files.get(path), put)
        if file is not None:
            files[path] = file
            found[path] = file.entry
        if len(found) > _MAX_ENTRIES:
            break
    known.files = files
    known.bytes = sum(file.entry[2] for file in files.values())
    return found


def open_regular(name: str, folder_fd: int) -> int:
    """Return a descriptor of a plain file with one link. Raises: FileNotFoundError, Unsafe."""
    try:
        fd = os.open(name, _FILE_FLAGS, dir_fd=folder_fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
            raise Unsafe(f"{name!r} is a link or a socket") from error
        raise
    there = os.fstat(fd)
    if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1:
        os.close(fd)
        raise Unsafe(f"{name!r} is not a plain file with one link")
    return fd


def read_capped(fd: int, max_bytes: int) -> bytes:
    """Return what the file holds. Raises: Unsafe when that is more than `max_bytes`."""
    if os.fstat(fd).st_size > max_bytes:
        raise Unsafe(f"the file has more than {max_bytes} bytes")
    pieces: list[bytes] = []
    left = max_bytes + 1  # it may grow while it is read
    while left > 0 and (piece := os.read(fd, min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise Unsafe(f"the file has more than {max_bytes} bytes")
    return b"".join(pieces)


def _walk(root_fd: int, skip: frozenset[str], found: dict[str, Entry]) -> Iterator[tuple[str, str, int]]:
    """Yield (path, name, descriptor of its directory) of each regular file; put links and empty directories in `found`.

    Depth first with a stack of our own, so that the descriptors in use are at most as many as levels.
    """
    stack = [_Level(os.dup(root_fd), "", _names(root_fd, skip))]
    try:
        while stack:
            level = stack[-1]
            if not level.waiting:
                os.close(stack.pop().fd)
                continue
            name = level.waiting.pop()
            path = level.prefix + name
            mode = _mode(name, level.fd)
            if stat.S_ISREG(mode):
                yield path, name, level.fd
            elif stat.S_ISLNK(mode):
                _add_link(found, path, name, level.fd)
            elif stat.S_ISDIR(mode) and len(stack) < MAX_DEPTH:
                _enter(stack, found, path, name)
    finally:
        for level in stack:
            os.close(level.fd)


@dataclass(frozen=True, slots=True)
class _Level:
    fd: int
    prefix: str
    waiting: list[str]


def _names(folder_fd: int, skip: frozenset[str]) -> list[str]:
    """Return what is inside, sorted to be taken from the end."""
    return sorted((name for name in os.listdir(folder_fd) if name not in skip), reverse=True)


def _enter(stack: list[_Level], found: dict[str, Entry], path: str, name: str) -> None:
    """Go down into a directory, or past one that is gone, replaced or closed to us."""
    try:
        fd = os.open(name, DIRECTORY_FLAGS, dir_fd=stack[-1].fd)
    except OSError:
        return
    try:
        inside = _names(fd, frozenset())
    except OSError:
        inside = []
    stack.append(_Level(fd, f"{path}/", inside))
    if not inside:
        found[path] = ("dir",)


def _mode(name: str, folder_fd: int) -> int:
    try:
        return os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode
    except OSError:
        return 0


def _add_link(found: dict[str, Entry], path: str, name: str, folder_fd: int) -> None:
    try:
        found[path] = ("link", os.readlink(name, dir_fd=folder_fd))
    except OSError:
        return


def _read_entry(
    name: str, folder_fd: int, trusted: _Known | None, last: _Known | None, put: Callable[[bytes], str]
) -> _Known | None:
    """Return the file as it is now, read only if `trusted` cannot tell; None when it cannot be kept."""
    try:
        fd = open_regular(name, folder_fd)
    except OSError:
        return None
    try:
        there = os.fstat(fd)
        identity = (there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns)
        mode = stat.S_IMODE(there.st_mode) & 0o777
        if trusted is not None and trusted.identity == identity and not trusted.is_racy:
            return trusted
        is_racy = there.st_ctime_ns > time.time_ns() - _RACY_NS
        data = read_capped(fd, _MAX_FILE_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)
    sha = hashlib.sha256(data).hexdigest()
    if last is None or last.entry[1] != sha:
        sha = put(data)
    return _Known(identity, is_racy, ("file", sha, len(data), mode))
