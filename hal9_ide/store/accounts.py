"""Questions and changes about people: users, sessions, tokens, one-time links."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hal9_ide.store.base import now_ms
from hal9_ide.store.bots import Bot
from hal9_ide.store.chats import Chat, Folder
from hal9_ide.store.people import LoginLink, SignIn, Token, User
from hal9_ide.store.write import changed_rows

SEEN_STEP_MS = 3_600_000
"""`seen_at_ms` is written at most once in this time: a read should rarely cost a write."""


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session that is good, and whose it is."""

    id: str
    user: User
    expires_at_ms: int


def session_by_hash(session: Session, secret_hash: str) -> KnownSession | None:
    """Return the session behind a cookie, or None when there is none, or it ended or was revoked."""
    query = select(SignIn, User).join(User, User.id == SignIn.user_id).where(SignIn.id == secret_hash)
    row = session.execute(query).one_or_none()
    if row is None or row.SignIn.revoked_at_ms is not None or row.SignIn.expires_at_ms < now_ms():
        return None
    return KnownSession(row.SignIn.id, row.User, row.SignIn.expires_at_ms)


def add_session(session: Session, user_id: str, secret_hash: str, seconds: int) -> None:
    """Put a new session on record."""
    session.add(SignIn(id=secret_hash, user_id=user_id, expires_at_ms=now_ms() + seconds * 1000))


def extend_session(session: Session, known: KnownSession, seconds: int) -> None:
    """Note that a session was used."""
    now = now_ms()
    session.execute(update(SignIn).where(SignIn.id == known.id).values(expires_at_ms=now + seconds * 1000))
    session.execute(update(User).where(User.id == known.user.id).values(seen_at_ms=now))


def revoke_session(session: Session, session_id: str) -> None:
    """End a session for good."""
    session.execute(update(SignIn).where(SignIn.id == session_id).values(revoked_at_ms=now_ms()))


def user_by_name(session: Session, name: str) -> User | None:
    """Return the user of that name, compared without case; None when there is none."""
    return session.scalar(select(User).where(User.name_key == name.casefold()))


def add_user(session: Session, name: str, *, is_guest: bool) -> User:
    """Put a new user on record."""
    user = User(name=name, name_key=name.casefold(), is_guest=is_guest)
    session.add(user)
    session.flush()
    return user


def is_guest(session: Session, user_id: str) -> bool:
    """Say whether a user has no name yet; True for one who is gone."""
    user = session.get(User, user_id)
    return user is None or user.is_guest


def token_by_hash(session: Session, secret_hash: str) -> tuple[Token, User] | None:
    """Return a token that is good and whose it is, or None."""
    query = select(Token, User).join(User, User.id == Token.user_id)
    row = session.execute(query.where(Token.secret_hash == secret_hash, Token.revoked_at_ms.is_(None))).one_or_none()
    return (row.Token, row.User) if row else None


def tokens_of(session: Session, user_id: str) -> list[Token]:
    """Return a user's tokens that are good, newest first."""
    query = select(Token).where(Token.user_id == user_id, Token.revoked_at_ms.is_(None))
    return list(session.scalars(query.order_by(Token.created_at_ms.desc())))


def touch_token(session: Session, token_id: str) -> None:
    """Note that a token was used."""
    session.execute(update(Token).where(Token.id == token_id).values(last_used_at_ms=now_ms()))


def revoke_token(session: Session, user_id: str, token_id: str) -> bool:
    """End a user's token for good; tell whether it was there."""
    query = update(Token).where(Token.id == token_id, Token.user_id == user_id, Token.revoked_at_ms.is_(None))
    return bool(changed_rows(session, query.values(revoked_at_ms=now_ms())))


def user_of_link(session: Session, secret_hash: str) -> User | None:
    """Return whom a one-time link would sign in; None when it is unknown, used or too old."""
    query = select(User).join(LoginLink, LoginLink.user_id == User.id)
    good = (LoginLink.secret_hash == secret_hash, LoginLink.used_at_ms.is_(None), LoginLink.expires_at_ms >= now_ms())
    return session.scalar(query.where(*good))


def use_link(session: Session, secret_hash: str) -> bool:
    """Use a one-time link up; tell whether it was still good, which for two at once is true for one."""
    now = now_ms()
    good = (LoginLink.secret_hash == secret_hash, LoginLink.used_at_ms.is_(None), LoginLink.expires_at_ms >= now)
    return bool(changed_rows(session, update(LoginLink).where(*good).values(used_at_ms=now)))


def bot_count(session: Session, user_id: str) -> int:
    """Return how many bots a user has."""
    query = select(func.count()).select_from(Bot).where(Bot.owner_id == user_id, Bot.deleted_at_ms.is_(None))
    return session.scalar(query) or 0


def move_bots(session: Session, from_id: str, to_id: str) -> int:
    """Give all of one user's bots to another, with their draft chats and folders; return how many."""
    bots = list(session.scalars(select(Bot).where(Bot.owner_id == from_id)))
    taken = set(session.scalars(select(Bot.slug).where(Bot.owner_id == to_id)))
    for bot in bots:
        slug, number = bot.slug, 2
        while slug in taken:
            slug, number = f"{bot.slug[:58]}-{number}", number + 1
        taken.add(slug)
        bot.slug, bot.owner_id = slug, to_id
    session.execute(update(Chat).where(Chat.user_id == from_id).values(user_id=to_id))
    ids = [bot.id for bot in bots]
    moved = (Folder.bot_id.in_(ids), Folder.scope == "user", Folder.owner == from_id)
    session.execute(update(Folder).where(*moved).values(owner=to_id))
    return len(bots)
