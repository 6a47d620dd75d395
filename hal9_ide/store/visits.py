"""Questions and changes about chats and visitors, as web needs them; the record itself is the recorder's."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hal9_ide.store.base import now_ms
from hal9_ide.store.bots import Bot, Visitor
from hal9_ide.store.chats import Chat, Message, Published, Turn


def visitor_by_hash(session: Session, secret_hash: str) -> Visitor | None:
    """Return the visitor who has that secret, or None."""
    return session.scalar(select(Visitor).where(Visitor.secret_hash == secret_hash))


def add_visitor(session: Session, bot_id: str, secret_hash: str) -> Visitor:
    """Put a new visitor of a bot on record."""
    visitor = Visitor(bot_id=bot_id, secret_hash=secret_hash)
    session.add(visitor)
    session.flush()
    return visitor


def add_chat(session: Session, chat: Chat) -> Chat:
    """Put a new chat on record."""
    session.add(chat)
    session.flush()
    return chat


def draft_chats(session: Session, bot_id: str, user_id: str) -> list[Chat]:
    """Return an author's chats with a draft, the latest first."""
    query = select(Chat).where(Chat.bot_id == bot_id, Chat.user_id == user_id, Chat.stage == "draft")
    return list(session.scalars(query.order_by(Chat.updated_at_ms.desc(), Chat.id)))


def visitor_chats(session: Session, visitor_id: str) -> list[Chat]:
    """Return a visitor's chats, the latest first."""
    query = select(Chat).where(Chat.visitor_id == visitor_id, Chat.stage == "live")
    return list(session.scalars(query.order_by(Chat.updated_at_ms.desc(), Chat.id)))


def visitor_chat_count(session: Session, visitor_id: str) -> int:
    """Return how many chats a visitor has."""
    return session.scalar(select(func.count()).select_from(Chat).where(Chat.visitor_id == visitor_id)) or 0


def draft_chat(session: Session, chat_id: str, user_id: str) -> tuple[Chat, Bot] | None:
    """Return an author's chat with a draft of theirs, and the bot; None for any other chat."""
    query = select(Chat, Bot).join(Bot, Bot.id == Chat.bot_id)
    mine = (Chat.id == chat_id, Chat.stage == "draft", Chat.user_id == user_id, Bot.owner_id == user_id)
    row = session.execute(query.where(*mine, Bot.deleted_at_ms.is_(None))).one_or_none()
    return (row.Chat, row.Bot) if row else None


def live_chat(session: Session, chat_id: str, secret_hash: str) -> tuple[Chat, Bot] | None:
    """Return the chat of the visitor who has that secret, and the bot; None for any other chat."""
    query = select(Chat, Bot).join(Bot, Bot.id == Chat.bot_id).join(Visitor, Visitor.id == Chat.visitor_id)
    mine = (Chat.id == chat_id, Chat.stage == "live", Visitor.secret_hash == secret_hash)
    row = session.execute(query.where(*mine, Bot.deleted_at_ms.is_(None))).one_or_none()
    return (row.Chat, row.Bot) if row else None


def turns_of(session: Session, chat_id: str) -> list[Turn]:
    """Return a chat's turns in order."""
    return list(session.scalars(select(Turn).where(Turn.chat_id == chat_id).order_by(Turn.number)))


def published(session: Session, key: str) -> str | None:
    """Return the manifest of the folder behind a key of /f/, or None."""
    return session.scalar(select(Published.manifest).where(Published.key == key))


def delete_chat(session: Session, chat_id: str) -> None:
    """Remove a chat with all that belongs to it; its files' addresses die with it."""
    session.execute(delete(Chat).where(Chat.id == chat_id))


def retitle_chat(session: Session, chat_id: str, title: str) -> None:
    """Give a chat another title."""
    session.execute(update(Chat).where(Chat.id == chat_id).values(title=title))


def is_taken_down(session: Session, bot_id: str) -> bool:
    """Tell whether visitors may not use a bot any more."""
    query = select(Bot.id).where(Bot.id == bot_id, Bot.taken_down.is_(False), Bot.deleted_at_ms.is_(None))
    return session.scalar(query) is None


def pin_draft(session: Session, chat_id: str, manifest: str) -> None:
    """Let a draft chat run these files from its next start on."""
    session.execute(update(Chat).where(Chat.id == chat_id).values(manifest=manifest))


def first_messages(session: Session, chat_ids: list[str]) -> dict[str, str]:
    """Return what was said first in each of these chats, where something was."""
    query = select(Message.chat_id, Message.text).where(Message.chat_id.in_(chat_ids), Message.position == 1)
    return {row.chat_id: row.text for row in session.execute(query)}


def delete_visitor(session: Session, visitor_id: str) -> None:
    """Remove a visitor who never got a chat."""
    session.execute(delete(Visitor).where(Visitor.id == visitor_id))


def touch_visitor(session: Session, visitor: Visitor) -> None:
    """Note a visit."""
    visitor.seen_at_ms = now_ms()
