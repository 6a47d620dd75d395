"""What has outlived its use: expired sign-ins, bots deleted a day ago, guests who never came back.

Each call is one short write transaction, so that a large clean-up never holds the database for long.
"""

from collections.abc import Sequence

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from hal9_ide.store.bots import Bot, DraftFile, Version
from hal9_ide.store.chats import Chat, Folder
from hal9_ide.store.people import LoginLink, SignIn, User

BATCH = 100


def drop_sign_ins(session: Session, now_ms: int) -> int:
    """Delete sessions and login links that open nothing any more; return how many."""
    sign_ins = delete(SignIn).where(or_(SignIn.expires_at_ms < now_ms, SignIn.revoked_at_ms < now_ms))
    links = delete(LoginLink).where(or_(LoginLink.expires_at_ms < now_ms, LoginLink.used_at_ms < now_ms))
    return _count(session, sign_ins) + _count(session, links)


def drop_draft_files(session: Session, before_ms: int) -> int:
    """Delete the rows of draft files that were deleted before `before_ms`; return how many."""
    return _count(session, delete(DraftFile).where(DraftFile.deleted_at_ms < before_ms))


def deleted_bots(session: Session, before_ms: int) -> Sequence[str]:
    """Return ids of bots that were deleted before `before_ms`, at most BATCH."""
    return session.scalars(select(Bot.id).where(Bot.deleted_at_ms < before_ms).limit(BATCH)).all()


def idle_guests(session: Session, before_ms: int) -> Sequence[str]:
    """Return ids of guests last seen before `before_ms` who never deployed, at most BATCH."""
    deployed = exists().where(Bot.owner_id == User.id, Version.bot_id == Bot.id)
    query = select(User.id).where(User.is_guest, User.seen_at_ms < before_ms, ~deployed)
    return session.scalars(query.limit(BATCH)).all()


def drop_bot(session: Session, bot_id: str) -> None:
    """Delete a bot with its versions, chats, turns and folders. Its blobs are left to the sweep."""
    session.execute(delete(Chat).where(Chat.bot_id == bot_id))
    session.execute(delete(Folder).where(Folder.bot_id == bot_id))
    session.execute(delete(Bot).where(Bot.id == bot_id))


def drop_user(session: Session, user_id: str) -> None:
    """Delete a user with all their bots, sessions and tokens."""
    for bot_id in session.scalars(select(Bot.id).where(Bot.owner_id == user_id)).all():
        drop_bot(session, bot_id)
    session.execute(delete(User).where(User.id == user_id))


def _count(session: Session, statement: object) -> int:
    return int(session.execute(statement).rowcount)  # type: ignore[call-overload]
