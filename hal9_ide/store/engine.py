"""The database connection of one process: SQLite with write-ahead log, and sessions that read."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection as SQLiteConnection

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=0")
"""busy_timeout=0: SQLite's own wait is a sleep in C, which under gevent would stop every socket of the process."""

LOCAL = {"check_same_thread": False}
BEGIN = "begin"
"""Execution option: the statement that opens the transaction."""


def open_engine(url: str) -> Engine:
    """Return the engine of this process. Make it after the fork and, in web, after gevent has patched the library."""
    engine = create_engine(url, pool_size=8, max_overflow=24, hide_parameters=True, connect_args=LOCAL)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: SQLiteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver would open transactions at moments of its own choice
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Give a session that reads one consistent state. Keep it short: an open read holds back the log's checkpoint."""
    with Session(engine, expire_on_commit=False, autoflush=False) as session:
        yield session
