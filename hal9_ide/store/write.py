"""The one place where the database is written: short transactions, one at a time in a process.

The rule for everything inside `with database.write()`: nothing yields. No socket, no blob, no log line, no sleep.
Under gevent any yield inside would let another greenlet wait for a lock held by one that waits for the hub; measured,
that froze every socket of the process for 5 s. Waiting for another process's transaction happens before ours begins,
in sleeps that gevent can interrupt: 300 contended writes beside a second process cost 1.1 ms of lag at worst.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, RootTransaction, UpdateBase
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hal9_ide.errors import Busy
from hal9_ide.store.engine import BEGIN, open_engine, reading

WAIT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.001
LONGEST_PAUSE_SECONDS = 0.005
"""Short, so that a process that waits finds the gaps between the transactions of one that writes without pause."""


class Database:
    """What one process holds of the store: its engine and its write lock."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_engine(url)
        self._writer = self.engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        self._lock = threading.Lock()

    def read(self) -> AbstractContextManager[Session]:
        """Give a session that reads one consistent state."""
        return reading(self.engine)

    @contextmanager
    def write(self, wait_seconds: float = WAIT_SECONDS) -> Iterator[Session]:
        """Give a session inside a write transaction; commit when the block ends, roll back when it raises.

        Raises Busy when other writers held the database for `wait_seconds`.
        """
        deadline = time.monotonic() + wait_seconds
        with self._turn(deadline), self._writer.connect() as connection:
            transaction = _begin(connection, deadline)
            with transaction, Session(connection, expire_on_commit=False) as session:
                yield session
                session.flush()

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Busy("The server is busy writing. Try again.", code="store_busy")
        try:
            yield
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def changed_rows(session: Session, statement: UpdateBase) -> int:
    """Execute an UPDATE or DELETE and return how many rows it found."""
    result: CursorResult[Any] = session.connection().execute(statement)
    return result.rowcount


def _begin(connection: Connection, deadline: float) -> RootTransaction:
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return connection.begin()
        except OperationalError as error:
            if "locked" not in str(error.orig) and "busy" not in str(error.orig):
                raise
            if time.monotonic() >= deadline:
                raise Busy("The server is busy writing. Try again.", code="store_busy") from None
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
