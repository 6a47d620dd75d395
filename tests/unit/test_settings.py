"""Settings come from the environment, and a wrong one is named."""

import stat
from dataclasses import fields
from pathlib import Path

import pytest

from hal9_ide.errors import SettingsError
from hal9_ide.parsing import normal_origin
from hal9_ide.settings import LIMITS, Settings, catalogue, read_settings
from sandbox.limits import Limits


def settings(folder: Path, **variables: str) -> Settings:
    return read_settings({"HAL9_IDE_DATA_DIR": str(folder / "data"), **variables})


def test_defaults_hold_where_nothing_is_said(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.host, found.port, found.guests, found.web_workers) == ("127.0.0.1", 8000, "on", 1)
    assert found.limits == Limits()
    assert found.database == f"sqlite:///{tmp_path}/data/hal9.sqlite3"


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, HAL9_IDE_PORT=" ", HAL9_IDE_PUBLIC_URL="").port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "x"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("WEB_WORKERS", "0"),
        ("WEB_WORKERS", "1.5"),
        ("GUESTS", "yes"),
        ("SIGNUP", "maybe"),
        ("PUBLIC_URL", "bots.example.org"),
        ("PUBLIC_URL", "ftp://bots.example.org"),
        ("PUBLIC_URL", "https://bots.example.org/path"),
        ("PUBLIC_URL", "https://user@bots.example.org"),
        ("PUBLIC_URL", "https://bots.example.org:x"),
        ("CONTENT_URL", "https://"),
        ("DATABASE_URL", "postgresql://x"),
        ("MEMORY_BYTES", "-1"),
        ("MEMORY_BYTES", "512M"),
        ("TURN_SECONDS", "inf"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^HAL9_IDE_{name}: "):
        settings(tmp_path, **{f"HAL9_IDE_{name}": value})


def test_limits_have_settings_of_their_own(tmp_path: Path) -> None:
    found = settings(tmp_path, HAL9_IDE_MEMORY_BYTES="1000", HAL9_IDE_TURN_SECONDS="1.5")
    assert (found.limits.memory_bytes, found.limits.turn_seconds) == (1000, 1.5)


def test_every_setting_has_a_unit_and_a_sentence() -> None:
    assert set(LIMITS) == {field.name for field in fields(Limits)}
    for entry in catalogue():
        assert entry.unit, entry.name
        assert entry.sentence.endswith("."), entry.name
    assert len({entry.name for entry in catalogue()}) == len(catalogue())


def test_without_a_public_url_every_spelling_of_this_machine_is_an_origin(tmp_path: Path) -> None:
    found = settings(tmp_path, HAL9_IDE_PORT="8123")
    assert found.origins == ("http://127.0.0.1:8123", "http://localhost:8123", "http://[::1]:8123")
    assert found.link_base == "http://127.0.0.1:8123"


def test_with_a_public_url_it_is_the_only_origin(tmp_path: Path) -> None:
    found = settings(tmp_path, HAL9_IDE_PUBLIC_URL="HTTPS://Bots.example.org:443/")
    assert found.origins == ("https://bots.example.org",)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://Example.org", "http://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("https://example.org:80", "https://example.org:80"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("null", None),
        ("", None),
        ("http://", None),
        ("http://x:99999999", None),
        ("file:///x", None),
    ],
)
def test_an_origin_has_one_spelling(text: str, origin: str | None) -> None:
    assert normal_origin(text) == origin


def test_the_key_is_made_once_beside_the_data_folder(tmp_path: Path) -> None:
    first = settings(tmp_path).secret_key
    path = tmp_path / "data.key"
    assert len(first) >= 32
    assert settings(tmp_path).secret_key == first == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_key_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    assert settings(tmp_path, HAL9_IDE_SECRET_KEY_FILE=str(tmp_path / "key")).secret_key == b"from a file"
    assert settings(tmp_path, HAL9_IDE_SECRET_KEY="given").secret_key == b"given"
    assert not (tmp_path / "data.key").exists()


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    assert "given" not in repr(settings(tmp_path, HAL9_IDE_SECRET_KEY="given"))


def test_an_empty_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "data.key").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        settings(tmp_path)


def test_the_supervisors_socket_fits_a_socket_address(tmp_path: Path) -> None:
    near = read_settings({"HAL9_IDE_DATA_DIR": "/d", "HAL9_IDE_SECRET_KEY": "x"})
    assert near.supervisor_socket == Path("/d/run/supervisor.sock")
    far = settings(tmp_path / ("x" * 120), HAL9_IDE_SECRET_KEY="x").supervisor_socket
    assert len(str(far)) < 100
    assert far != settings(tmp_path / ("y" * 120), HAL9_IDE_SECRET_KEY="x").supervisor_socket
