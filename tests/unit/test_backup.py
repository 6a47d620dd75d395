"""Backup and restore of a small data folder; a running server's is restored in tests/http."""

import sqlite3
import stat
import tarfile
from pathlib import Path

import pytest

from hal9_ide.ops.backup import backup, restore
from hal9_ide.ops.trouble import Trouble
from hal9_ide.settings import Settings, read_settings
from hal9_ide.store import migrate
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.people import User
from hal9_ide.store.write import Database


def settings_in(folder: Path) -> Settings:
    return read_settings({"HAL9_IDE_DATA_DIR": str(folder)})


def empty(folder: Path) -> Settings:
    """Settings of a data folder that is not there yet, read as `app.py restore` reads them: without making a key."""
    return read_settings({"HAL9_IDE_DATA_DIR": str(folder / "new"), "HAL9_IDE_SECRET_KEY": "x"})


@pytest.fixture
def filled(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path / "data")
    migrate.upgrade(settings.database)
    (settings.data_dir / "run").mkdir()
    database = Database(settings.database)
    with database.write() as session:
        session.add(User(name="Ada", name_key="ada", is_guest=False))
    database.close()
    Blobs(settings.blobs_dir).put(b"print(1)")
    return settings


def names(settings: Settings) -> list[str]:
    connection = sqlite3.connect(settings.data_dir / "hal9.sqlite3")
    try:
        return [name for (name,) in connection.execute("SELECT name FROM user")]
    finally:
        connection.close()


def test_a_restored_copy_has_the_rows_the_blobs_and_the_key(filled: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy.tar"
    said = backup(filled, copy)
    assert "secret key is in it" in said and "1 blobs" in said
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restore(empty(tmp_path), copy)
    restored = settings_in(tmp_path / "new")
    assert names(restored) == ["Ada"]
    assert restored.secret_key == filled.secret_key
    assert stat.S_IMODE(restored.data_dir.stat().st_mode) == 0o700
    blobs = Blobs(restored.blobs_dir)
    assert blobs.get(Blobs(filled.blobs_dir).put(b"print(1)")) == b"print(1)"
    assert not migrate.upgrade(restored.database)


def test_restore_refuses_a_folder_that_is_not_empty(filled: Settings, tmp_path: Path) -> None:
    backup(filled, tmp_path / "copy.tar")
    with pytest.raises(Trouble, match="not empty"):
        restore(filled, tmp_path / "copy.tar")


def test_restore_refuses_to_replace_another_key(filled: Settings, tmp_path: Path) -> None:
    backup(filled, tmp_path / "copy.tar")
    with pytest.raises(Trouble, match="another secret key"):
        restore(settings_in(tmp_path / "new"), tmp_path / "copy.tar")
    assert not (tmp_path / "new").exists()


def test_backup_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="nothing to back up"):
        backup(settings_in(tmp_path / "data"), tmp_path / "copy.tar")


def test_a_damaged_backup_leaves_nothing_behind(filled: Settings, tmp_path: Path) -> None:
    backup(filled, tmp_path / "copy.tar")
    damaged = (tmp_path / "copy.tar").read_bytes().replace(b"print(1)", b"print(2)")
    (tmp_path / "copy.tar").write_bytes(damaged)
    before = {path.name for path in tmp_path.iterdir()}
    new = empty(tmp_path)
    with pytest.raises(Trouble, match="damaged"):
        restore(new, tmp_path / "copy.tar")
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "blobs/../../outside", "blobs/zz"])
def test_a_backup_cannot_write_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(b"x")
    with tarfile.open(tmp_path / "copy.tar", "w") as tar:
        tar.add(tmp_path / "x", name)
    with pytest.raises(Trouble, match="it holds"):
        restore(empty(tmp_path), tmp_path / "copy.tar")
    assert not (tmp_path.parent / "outside").exists()
    assert not (tmp_path / "outside").exists()


def test_what_is_not_a_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copy.tar").write_bytes(b"hello")
    with pytest.raises(Trouble, match="cannot be restored"):
        restore(empty(tmp_path), tmp_path / "copy.tar")
