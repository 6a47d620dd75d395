"""Alembic's entry: run the steps in one transaction. SQLite cannot alter most things, so steps work on copies."""

from sqlite3 import Connection as SQLiteConnection

from alembic import context
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from hal9_ide.store.tables import Base


def _on_connect(connection: SQLiteConnection, _record: object) -> None:
    """Open transactions ourselves: the driver would leave CREATE TABLE outside, and a broken step half done.

    Foreign keys stay off: with them on, replacing a table by its copy would delete the rows that refer to it.
    """
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")


def run() -> None:
    """Run the steps."""
    engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        context.configure(
            connection=connection, target_metadata=Base.metadata, render_as_batch=True, transactional_ddl=True
        )
        context.run_migrations()


run()
