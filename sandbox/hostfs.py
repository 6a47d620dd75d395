"""Files in folders that scripts can write: the one module that opens paths there. Everything in them is hostile.

A symlink could lead out of the folder, a FIFO block us for ever, a hard link or a huge file cost us; names are any
bytes, trees are deep, and a script may change all of it while we look. So: one path component at a time by directory
descriptor, never following a link; only regular files with one link; sizes capped; loops instead of recursion.
Paths are relative, as `os.fsdecode` gives them (surrogateescape). Snapshots of whole folders: see hostscan.py.
"""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from .hostscan import DIRECTORY_FLAGS, MAX_DEPTH, Entry, ScanCache, Unsafe, open_regular, read_capped, scan

__all__ = [
    "Entry",
    "ScanCache",
    "Unsafe",
    "open_root",
    "read_file",
    "remove",
    "restore",
    "scan",
    "write_file",
]

_MAX_REMOVED = 100_000
"""Steps of one removal: a script that makes directories as fast as we remove them must not keep us."""


def open_root(path: str | os.PathLike[str]) -> int:
    """Return a descriptor of the folder itself, whose own path is ours. The caller closes it."""
    return os.open(path, DIRECTORY_FLAGS)


def read_file(root_fd: int, relpath: str, max_bytes: int) -> bytes:
    """Return the contents of a regular file.

    Raises: FileNotFoundError, Unsafe for anything that is not a plain file of at most `max_bytes`, ValueError for a
    path that is not a plain relative one.
    """
    folders, name = _split(relpath)
    with _folder(root_fd, folders) as folder_fd:
        file_fd = open_regular(name, folder_fd)
        try:
            return read_capped(file_fd, max_bytes)
        finally:
            os.close(file_fd)


def write_file(root_fd: int, relpath: str, data: bytes, mode: int, uid: int, gid: int) -> None:
    """Put a file there, whatever was there before; make its folders, in place of files or links that are in the way.

    Raises: OSError (ENOSPC when the folder is full), ValueError.
    """
    folders, name = _split(relpath)
    with _made_folder(root_fd, folders, uid, gid) as folder_fd:
        temporary = f".hal9-{secrets.token_hex(8)}"
        try:
            _write_new(folder_fd, temporary, data, mode, uid, gid)
            try:
                os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
            except IsADirectoryError:
                _remove_tree(root_fd, folder_fd, name)
                os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder_fd)
            raise


def remove(root_fd: int, relpath: str) -> None:
    """Remove a file, link or whole directory; nothing if it is not there. Raises: OSError, ValueError."""
    folders, name = _split(relpath)
    with suppress(FileNotFoundError, Unsafe), _folder(root_fd, folders) as folder_fd:
        try:
            os.unlink(name, dir_fd=folder_fd)
        except IsADirectoryError:
            _remove_tree(root_fd, folder_fd, name)


def restore(root_fd: int, entries: Mapping[str, Entry], get: Callable[[str], bytes], uid: int, gid: int) -> None:
    """Fill an empty folder from a snapshot; `get` returns the contents for a sha256. Raises: OSError, ValueError."""
    for relpath in sorted(entries):
        entry = entries[relpath]
        folders, name = _split(relpath)
        with _made_folder(root_fd, folders, uid, gid) as folder_fd:
            if entry[0] == "dir":
                _make_directory(folder_fd, name, uid, gid)
            elif entry[0] == "link":
                os.symlink(str(entry[1]), name, dir_fd=folder_fd)
                os.chown(name, uid, gid, dir_fd=folder_fd, follow_symlinks=False)
            else:
                _write_new(folder_fd, name, get(str(entry[1])), int(entry[3]), uid, gid)


def _split(relpath: str) -> tuple[list[str], str]:
    parts = relpath.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in relpath or len(parts) > MAX_DEPTH:
        raise ValueError(f"not a path inside the folder: {relpath!r}")
    return parts[:-1], parts[-1]


@contextmanager
def _folder(root_fd: int, names: list[str]) -> Iterator[int]:
    """Give a descriptor of the directory below `root_fd`, opened without following anything."""
    fd = os.dup(root_fd)
    try:
        for name in names:
            fd = _stepped(fd, name)
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _made_folder(root_fd: int, names: list[str], uid: int, gid: int) -> Iterator[int]:
    """Give the same, making what is missing and replacing what is not a directory."""
    fd = os.dup(root_fd)
    try:
        for name in names:
            _make_directory(fd, name, uid, gid)
            fd = _stepped(fd, name)
        yield fd
    finally:
        os.close(fd)


def _stepped(fd: int, name: str) -> int:
    """Return the directory `name` inside `fd`, which is closed then; on failure it stays open for its owner."""
    try:
        inner = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Unsafe(f"{name!r} is not a directory") from error
        raise
    os.close(fd)
    return inner


def _make_directory(folder_fd: int, name: str, uid: int, gid: int) -> None:
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode):
            return
        os.unlink(name, dir_fd=folder_fd)
    os.mkdir(name, 0o755, dir_fd=folder_fd)
    os.chown(name, uid, gid, dir_fd=folder_fd, follow_symlinks=False)


def _write_new(folder_fd: int, name: str, data: bytes, mode: int, uid: int, gid: int) -> None:
    """Write a file that did not exist. Never with setuid, setgid or sticky bits: those would be ours to give."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(name, flags, 0o600, dir_fd=folder_fd)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fchown(fd, uid, gid)
        os.fchmod(fd, mode & 0o777)
    finally:
        os.close(fd)


def _remove_tree(root_fd: int, folder_fd: int, name: str) -> None:
    """Remove a directory of any depth with two descriptors: what is inside it is first moved up beside it.

    Raises: OSError (EBUSY when the script keeps putting things there).
    """
    first = _moved_up(root_fd, folder_fd, name)
    waiting = [first]
    for _ in range(_MAX_REMOVED):
        if not waiting:
            return
        try:
            os.rmdir(waiting[-1], dir_fd=root_fd)
            waiting.pop()
        except OSError as error:
            if error.errno == errno.ENOENT:
                waiting.pop()
            elif error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                waiting += _emptied(root_fd, waiting[-1])
            else:
                raise
    raise OSError(errno.EBUSY, "the directory grows as fast as it is removed")


def _emptied(root_fd: int, name: str) -> list[str]:
    """Unlink the files of a directory and move its directories up; return where those are now."""
    moved: list[str] = []
    fd = os.open(name, DIRECTORY_FLAGS, dir_fd=root_fd)
    try:
        for inner in os.listdir(fd):
            try:
                os.unlink(inner, dir_fd=fd)
            except IsADirectoryError:
                moved.append(_moved_up(root_fd, fd, inner))
    finally:
        os.close(fd)
    return moved


def _moved_up(root_fd: int, folder_fd: int, name: str) -> str:
    aside = f".hal9-{secrets.token_hex(8)}"
    os.rename(name, aside, src_dir_fd=folder_fd, dst_dir_fd=root_fd)
    return aside
