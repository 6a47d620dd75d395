"""The runtime folder: built once for the sources as they are, readable for the run's user, old ones dropped late."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import runtime


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder whose packages are installed, in a process that hides what it makes."""
    before = os.umask(0o077)
    runtime.site_folder(tmp_path / "state").mkdir(parents=True)
    yield tmp_path / "state"
    os.umask(before)


def test_packages_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(runtime.NotInstalled):
        runtime.ensure(tmp_path)
    assert not (tmp_path / "runtime").exists()


def test_it_is_built_once(state: Path) -> None:
    folder = runtime.ensure(state)
    inode = folder.stat().st_ino
    assert runtime.ensure(state) == folder
    assert folder.stat().st_ino == inode
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_it_holds_runner_library_and_packages(state: Path) -> None:
    folder = runtime.ensure(state)
    for path in ("lib/hal9_runtime/runner.py", "lib/hal9/__init__.py", "etc/passwd", "etc/ssl/certs"):
        assert (folder / path).exists(), path
    assert list((folder / "lib/hal9_runtime/__pycache__").glob("runner.*.pyc"))
    assert (folder / "site").resolve() == runtime.site_folder(state).resolve()


def test_everyone_may_read_it_whatever_the_umask(state: Path) -> None:
    folder = runtime.ensure(state)
    for path in (state, folder.parent, folder, *(path for path in folder.rglob("*") if not path.is_symlink())):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o755 if path.is_dir() else 0o644
        assert mode & wanted == wanted, path
        assert not mode & 0o022, path


def test_changed_sources_get_a_folder_of_their_own(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = runtime.ensure(state)
    changed = tmp_path / "changed.py"
    changed.write_text("x = 1\n")
    monkeypatch.setattr(runtime, "_sources", lambda: [("hal9/changed.py", changed)])
    second = runtime.ensure(state)
    assert second != first
    assert (second / "lib/hal9/changed.py").exists()
    assert first.exists()


def test_another_interpreter_needs_other_packages(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = runtime.site_folder(state)
    monkeypatch.setattr(runtime, "PYTHON", "/usr/bin/true")
    assert runtime.site_folder(state) != here


def test_only_folders_unused_for_long_are_dropped(state: Path) -> None:
    folder = runtime.ensure(state)
    for number in range(5):
        (folder.parent / f"old{number}").mkdir()
    recent = folder.parent / "old4"
    long_ago = time.time() - 30 * 86_400
    for number in range(5):
        os.utime(folder.parent / f"old{number}", (long_ago + number, long_ago + number))
    os.utime(recent)
    runtime._drop_old(folder.parent)
    assert sorted(path.name for path in folder.parent.iterdir()) == sorted([folder.name, "old3", "old4"])


def test_a_builder_that_fails_leaves_nothing(state: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        runtime._build_renamed(state / "runtime" / "x", fail)
    assert list((state / "runtime").iterdir()) == []
