"""`token create` and `login-link`: how an operator lets people and programs in before there are passwords."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from hal9_ide import auth
from hal9_ide.settings import Settings
from hal9_ide.store import migrate
from hal9_ide.store.write import Database


def create_token(settings: Settings, name: str, scope: str) -> str:
    """Return a new token of the user `name`, who is made if absent. Raises: BadRequest, Conflict."""
    return _write(settings, lambda session: auth.make_token(session, auth.user_named(session, name).id, scope)[0])


def create_login_link(settings: Settings, name: str) -> str:
    """Return the address that signs in as `name` once; the user is made if absent. Raises: BadRequest, Conflict."""
    return _write(settings, lambda session: auth.make_login_link(session, settings, auth.user_named(session, name).id))


def _write(settings: Settings, work: Callable[[Session], str]) -> str:
    migrate.upgrade(settings.database)
    database = Database(settings.database)
    try:
        with database.write() as session:
            return work(session)
    finally:
        database.close()
