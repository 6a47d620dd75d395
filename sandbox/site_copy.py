"""Copy what was unpacked in a sandbox to where every run can read it: plain files and folders, and nothing else.

Threat: what unpacked it worked on a stranger's archives. A link would show a file of this machine to every run, a
device or a set-uid bit would be worse, a sparse file would fill the disk. Nothing runs in there any more.
"""

import os
import stat
from pathlib import Path

MOST_DEPTH = 100
_PIECE_BYTES = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TooMuch(Exception):
    """It is more than an environment may be."""


def copy_site(source: Path, target: Path, most_bytes: int) -> int:
    """Copy the folder `source` to `target`, which is made; return the size. Raises: TooMuch, OSError."""
    target.mkdir(mode=0o755)
    target.chmod(0o755)
    copy = _Copy(most_bytes)
    source_fd, target_fd = os.open(source, _FOLDER), os.open(target, _FOLDER)
    try:
        copy.folder(source_fd, target_fd, 0)
    finally:
        os.close(source_fd)
        os.close(target_fd)
    return most_bytes - copy.left_bytes


class _Copy:
    def __init__(self, most_bytes: int) -> None:
        self.left_bytes = most_bytes

    def folder(self, source: int, target: int, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise TooMuch
        with os.scandir(source) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    self._subfolder(source, target, entry.name, depth)
                elif stat.S_ISREG(mode):
                    self._file(source, target, entry.name, 0o755 if mode & 0o100 else 0o644)

    def _subfolder(self, source: int, target: int, name: str, depth: int) -> None:
        os.mkdir(name, 0o755, dir_fd=target)
        inner_source = os.open(name, _FOLDER, dir_fd=source)
        inner_target = os.open(name, _FOLDER, dir_fd=target)
        try:
            os.fchmod(inner_target, 0o755)
            self.folder(inner_source, inner_target, depth + 1)
        finally:
            os.close(inner_source)
            os.close(inner_target)

    def _file(self, source: int, target: int, name: str, mode: int) -> None:
        read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
        write = os.open(name, _NEW_FILE, mode, dir_fd=target)
        try:
            while piece := os.read(read, _PIECE_BYTES):
                self.left_bytes -= len(piece)
                if self.left_bytes < 0:
                    raise TooMuch
                os.write(write, piece)
            os.fchmod(write, mode)
        finally:
            os.close(read)
            os.close(write)
