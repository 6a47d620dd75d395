"""Questions and changes about versions and the live pointer."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hal9_ide.errors import Conflict
from hal9_ide.store.bots import Bot, Version
from hal9_ide.store.people import User
from hal9_ide.store.write import changed_rows


def live_version(session: Session, bot: Bot) -> Version | None:
    """Return the version that serves, or None."""
    return session.get(Version, (bot.id, bot.live_number)) if bot.live_number is not None else None


def versions_of(session: Session, bot_id: str) -> list[tuple[Version, str]]:
    """Return a bot's versions and who made them, newest first."""
    query = select(Version, func.coalesce(User.name, "")).outerjoin(User, User.id == Version.created_by)
    rows = session.execute(query.where(Version.bot_id == bot_id).order_by(Version.number.desc()))
    return [(row[0], row[1]) for row in rows]


def add_version(session: Session, bot: Bot, version: Version) -> None:
    """Put the next version on record; its number is given here."""
    latest = session.scalar(select(func.max(Version.number)).where(Version.bot_id == bot.id)) or 0
    version.bot_id, version.number = bot.id, latest + 1
    session.add(version)
    session.flush()


def point_live(session: Session, bot: Bot, number: int, expected_gen: int) -> None:
    """Let version `number` serve, in one statement. Raises Conflict when the pointer moved since it was `expected_gen`.

    A crash before it leaves the version before serving; of two at once, one finds no row.
    """
    here = (Bot.id == bot.id, Bot.gen == expected_gen)
    if not changed_rows(session, update(Bot).where(*here).values(live_number=number, gen=Bot.gen + 1)):
        raise Conflict("This bot was deployed from somewhere else in the same moment. Look at it and deploy again.")
    session.refresh(bot)
