"""Folders of runs: capped, ours, gone when dropped."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import hostfs, volumes
from tests.sandbox.arena import Arena, host, new_volumes

MIB = 1 << 20


def error_of(act: Callable[[], object]) -> str:
    """Return the name of the error that an act raises, "none" without one."""
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    except ValueError:
        return "ValueError"
    return "none"


def filled() -> dict[str, object]:
    """Return what a small volume takes."""
    made = new_volumes()
    path = made.create("small", size_bytes=MIB, files=20)
    about = os.stat(path)
    found: dict[str, object] = {
        "owner": (about.st_uid, about.st_gid) == (host().run_uid, host().run_gid),
        "mode": oct(about.st_mode & 0o7777),
        "flags": os.statvfs(path).f_flag & (os.ST_NOSUID | os.ST_NODEV),
        "fits": error_of(lambda: (path / "a").write_bytes(b"x" * (MIB // 2))),
        "too_large": error_of(lambda: (path / "b").write_bytes(b"x" * MIB)),
    }
    (path / "b").unlink()
    count = 0
    while error_of((path / f"f{count}").touch) == "none":
        count += 1
    found["files"] = count
    made.drop(path)
    found["gone"] = not path.exists()
    return found


def refused(name: str, size_bytes: int, files: int) -> tuple[str, list[str]]:
    """Return the error for a volume that cannot be, and what is left of it."""
    made = new_volumes()
    root = volumes.base_folder(host()) / "refused"
    made = volumes.Volumes(host(), root)
    error = error_of(lambda: made.create(name, size_bytes=size_bytes, files=files))
    return error, os.listdir(root)


def taken_twice() -> str:
    """Return the error for a name in use."""
    made = new_volumes()
    made.create("name", size_bytes=MIB, files=20)
    error = error_of(lambda: made.create("name", size_bytes=MIB, files=20))
    made.drop_all()
    return error


def seen_outside() -> list[str]:
    """Return a path inside a volume, and what it is called from the mount namespace of others."""
    made = new_volumes()
    path = made.create("private", size_bytes=MIB, files=20)
    (path / "inside").touch()
    return [str(path / "inside")]


def in_use() -> bytes:
    """Return what can still be read through a directory that was open when its volume was dropped."""
    made = new_volumes()
    path = made.create("used", size_bytes=MIB, files=20)
    (path / "file").write_bytes(b"kept")
    fd = hostfs.open_root(path)
    made.drop(path)
    try:
        return hostfs.read_file(fd, "file", 10)
    finally:
        os.close(fd)


def test_volume_is_capped_owned_and_dropped(ring: Arena) -> None:
    found = ring.call(filled)
    count = found.pop("files")
    assert isinstance(count, int) and 19 <= count <= 27
    assert found == {
        "owner": True,
        "mode": "0o755",
        "flags": os.ST_NOSUID | os.ST_NODEV,
        "fits": "none",
        "too_large": "ENOSPC",
        "gone": True,
    }


@pytest.mark.parametrize(
    ("name", "size_bytes", "files"),
    [("", MIB, 1), ("a/b", MIB, 1), ("..", MIB, 1), ("x", 0, 1), ("x", -1, 1), ("x", MIB, 0)],
)
def test_senseless_volume_is_refused(ring: Arena, name: str, size_bytes: int, files: int) -> None:
    assert ring.call(refused, name, size_bytes, files) == ("ValueError", [])


def test_name_in_use_is_refused(ring: Arena) -> None:
    assert ring.call(taken_twice) == "EEXIST"


def test_volumes_are_not_seen_by_other_processes(ring: Arena) -> None:
    (path,) = ring.call(seen_outside)
    assert not Path(path).exists()


def test_dropped_volume_is_read_on_by_who_has_it_open(ring: Arena) -> None:
    assert ring.call(in_use) == b"kept"
