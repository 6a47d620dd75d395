"""How many of everything there is, for monitoring."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hal9_ide.store.tables import Bot, Chat, Turn, User, Version, Visitor

TABLES = {"users": User, "bots": Bot, "versions": Version, "chats": Chat, "turns": Turn, "visitors": Visitor}


def rows(session: Session) -> dict[str, int]:
    """Return the number of rows of the tables that grow."""
    return {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in TABLES.items()}
