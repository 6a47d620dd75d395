"""Environments on disk: shared by name, whole or not there, removed when unused; and what is copied into them."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from sandbox.environments import Environments, NoRoom, name_of
from sandbox.site_copy import TooMuch, copy_site

DAY = 86_400.0


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    return Environments(tmp_path / "state", most_bytes=1000)


def add(environments: Environments, tmp_path: Path, name: str, size: int = 10) -> Path:
    unpacked = tmp_path / f"unpacked-{name}"
    unpacked.mkdir()
    (unpacked / "module.py").write_text("x" * size)
    return environments.add(name, (f"{name}==1",), unpacked, 10_000)


def age(site: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(site.parent, (then, then))


def test_name_depends_on_list_and_circumstances_only() -> None:
    assert name_of(("a==1", "b==2"), "python3.11") == name_of(("b==2", "a==1"), "python3.11")
    assert len({name_of(("a==1",), "x"), name_of(("a==2",), "x"), name_of(("a==1",), "y")}) == 3


def test_requirements_keep_the_environment_they_got(environments: Environments, tmp_path: Path) -> None:
    assert environments.answer("q") is None
    site = add(environments, tmp_path, "aa")
    environments.remember("q", "aa")
    assert environments.answer("q") == environments.site("aa") == site
    assert (site / "module.py").read_text() == "x" * 10
    assert json.loads((site.parent / "about.json").read_text())["packages"] == ["aa==1"]


def test_everyone_may_read_and_nobody_else_write(environments: Environments, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        site = add(environments, tmp_path, "aa")
    finally:
        os.umask(before)
    for path in (site.parents[1], site.parent, site, site / "module.py"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644), path


def test_second_builder_gets_what_the_first_made(environments: Environments, tmp_path: Path) -> None:
    first = add(environments, tmp_path, "aa")
    inode = first.stat().st_ino
    (tmp_path / "unpacked-aa").rename(tmp_path / "moved")
    assert add(environments, tmp_path, "aa", size=20) == first
    assert first.stat().st_ino == inode
    assert not list(first.parents[1].glob(".making-*"))


def test_lock_keeps_the_same_requirements_apart(environments: Environments) -> None:
    held = environments.try_lock("aabb")
    assert held is not None
    assert environments.try_lock("aabb") is None
    other = environments.try_lock("bbaa")
    os.close(held)
    again = environments.try_lock("aabb")
    assert other is not None
    assert again is not None
    os.close(other)
    os.close(again)


def test_unused_ones_go_after_thirty_days(environments: Environments, tmp_path: Path) -> None:
    old, used = add(environments, tmp_path, "aa"), add(environments, tmp_path, "bb")
    environments.remember("q", "aa")
    age(old, 31)
    age(used, 29)
    assert environments.collect() == 1
    assert not old.exists()
    assert used.exists()
    assert environments.answer("q") is None
    assert not (old.parents[1] / "asked" / "q").exists()


def test_use_counts(environments: Environments, tmp_path: Path) -> None:
    site = add(environments, tmp_path, "aa")
    environments.remember("q", "aa")
    age(site, 31)
    environments.answer("q")
    assert environments.collect() == 0


def test_left_over_of_a_crash_goes(environments: Environments, tmp_path: Path) -> None:
    site = add(environments, tmp_path, "aa")
    left = site.parents[1] / ".making-x"
    left.mkdir()
    assert environments.collect() == 0
    assert left.exists()
    then = time.time() - 2 * DAY
    os.utime(left, (then, then))
    environments.collect()
    assert not left.exists()


def test_room_is_made_of_what_was_unused_longest(environments: Environments, tmp_path: Path) -> None:
    oldest, older = add(environments, tmp_path, "aa", 400), add(environments, tmp_path, "bb", 400)
    age(oldest, 3)
    age(older, 2)
    newest = add(environments, tmp_path, "cc", 400)
    assert [site.exists() for site in (oldest, older, newest)] == [False, True, True]


def test_what_may_be_in_use_stays(environments: Environments, tmp_path: Path) -> None:
    site = add(environments, tmp_path, "aa", 900)
    with pytest.raises(NoRoom):
        add(environments, tmp_path, "bb", 200)
    assert site.exists()
    assert environments.site("bb") is None
    assert not list(site.parents[1].glob(".making-*"))


def test_only_files_and_folders_are_copied(tmp_path: Path) -> None:
    source, secret = tmp_path / "source", tmp_path / "secret"
    (source / "package").mkdir(parents=True)
    secret.write_text("secret")
    (source / "package" / "link.py").symlink_to(secret)
    (source / "folder").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    program = source / "package" / "tool"
    program.write_text("#!")
    program.chmod(0o6755)
    os.link(program, source / "second name")
    assert copy_site(source, tmp_path / "target", 100) == 4
    found = {str(path.relative_to(tmp_path / "target")) for path in (tmp_path / "target").rglob("*")}
    assert found == {"package", "package/tool", "second name"}
    assert stat.S_IMODE((tmp_path / "target/package/tool").stat().st_mode) == 0o755


def test_file_of_nothing_cannot_fill_the_disk(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with (tmp_path / "source" / "hole").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooMuch):
        copy_site(tmp_path / "source", tmp_path / "target", 1 << 20)


def test_depth_is_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    for _ in range(120):
        folder /= "a"
    folder.mkdir(parents=True)
    with pytest.raises(TooMuch):
        copy_site(tmp_path / "source", tmp_path / "target", 1 << 20)
