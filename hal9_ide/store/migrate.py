"""Bring the database to the newest form. Costs nothing when it is there already."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"


def head() -> str:
    """Return the revision that this code needs: the name of the newest migration's file begins with it."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).split("_")[0]


def revision(url: str) -> str | None:
    """Return the revision of the database; None when it has no tables yet."""
    path = _path(url)
    if not path.exists():
        return None
    with suppress(sqlite3.OperationalError), sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
    return None


def upgrade(url: str) -> bool:
    """Apply the migrations that are missing, one process at a time. Return whether there were any.

    Alembic takes 0.4 s to import, so it is imported only when there is work.
    """
    if revision(url) == head():
        return False
    with _only_one(_path(url)):
        if revision(url) == head():
            return False
        _apply(url)
    return True


def _apply(url: str) -> None:
    from alembic import command  # noqa: PLC0415  see upgrade
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, "head")


@contextmanager
def _only_one(database: Path) -> Iterator[None]:
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(database.with_name(database.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
