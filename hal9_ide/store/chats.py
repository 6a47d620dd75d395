"""Tables of the chat record: chats, accepted messages, turns, folders and the files they publish.

A turn is append-only once it is sealed; replay, crash reports and timing are built on it.
"""

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hal9_ide.store.base import Base, new_id, now_ms


class Chat(Base):
    """One visitor (or author) with one bot, pinned to the version it began with."""

    __tablename__ = "chat"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    bot_id: Mapped[str] = mapped_column(ForeignKey("bot.id"), index=True)
    stage: Mapped[str] = mapped_column(String(8))  # draft | live
    version_number: Mapped[int | None] = mapped_column(Integer, default=None)  # None: the draft
    manifest: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)  # the author of a draft chat
    visitor_id: Mapped[str | None] = mapped_column(String(32), default=None, index=True)  # of a live chat
    title: Mapped[str] = mapped_column(String(200), default="")
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms, index=True)

    seq_ceiling: Mapped[int] = mapped_column(Integer, default=0)  # no seq above this was ever given
    has_opened: Mapped[bool] = mapped_column(Boolean, default=False)
    opening: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)  # [text, prompt] it showed
    work_base: Mapped[str | None] = mapped_column(String(64), default=None)  # version under the work folder
    work_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    storage_hash: Mapped[str | None] = mapped_column(String(64), default=None)


class Message(Base):
    """A message that was accepted; its id never has a second effect."""

    __tablename__ = "message"

    chat_id: Mapped[str] = mapped_column(ForeignKey("chat.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)  # order of acceptance in the chat, from 1
    text: Mapped[str] = mapped_column(Text)
    uploads: Mapped[list[str]] = mapped_column(JSON, default=list)
    turn_number: Mapped[int | None] = mapped_column(Integer, default=None)  # None: accepted, not yet taken
    accepted_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class Turn(Base):
    """One opening, restart or message, and all that followed until the next one was taken or the run ended."""

    __tablename__ = "turn"
    __table_args__ = (Index("ix_turn_open", "ended"),)

    chat_id: Mapped[str] = mapped_column(ForeignKey("chat.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    manifest: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(8))  # open | message | restart
    message_id: Mapped[str | None] = mapped_column(String(64), default=None)
    input: Mapped[str | None] = mapped_column(Text, default=None)
    uploads: Mapped[list[str]] = mapped_column(JSON, default=list)
    reply: Mapped[str] = mapped_column(Text, default="")  # the first 2,000 characters, for lists and search
    folders: Mapped[dict[str, str | None]] = mapped_column(JSON, default=dict)  # folder name -> manifest
    first_seq: Mapped[int] = mapped_column(Integer, default=0)
    last_seq: Mapped[int] = mapped_column(Integer, default=0)
    events: Mapped[str | None] = mapped_column(String(64), default=None)  # blob of a long turn's compressed log
    events_inline: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)  # a short turn's, here instead
    ended: Mapped[str | None] = mapped_column(String(16), default=None)  # reason; None while the turn is open
    exit_status: Mapped[int | None] = mapped_column(Integer, default=None)
    milliseconds: Mapped[int | None] = mapped_column(Integer, default=None)
    peak_memory_bytes: Mapped[int | None] = mapped_column(Integer, default=None)  # None: unknown
    error: Mapped[dict[str, object] | None] = mapped_column(JSON, default=None)
    started_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class Folder(Base):
    """The latest snapshot of a `.user` or `.shared` folder."""

    __tablename__ = "folder"

    bot_id: Mapped[str] = mapped_column(ForeignKey("bot.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(8), primary_key=True)
    scope: Mapped[str] = mapped_column(String(8), primary_key=True)  # user | shared
    owner: Mapped[str] = mapped_column(String(32), primary_key=True)  # visitor or user id; "" for shared
    manifest: Mapped[str] = mapped_column(String(64))
    updated_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class Published(Base):
    """The `.storage` folder of a turn behind an unguessable key: `/f/<key>/<path>`."""

    __tablename__ = "published"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    chat_id: Mapped[str] = mapped_column(ForeignKey("chat.id", ondelete="CASCADE"), index=True)
    turn_number: Mapped[int] = mapped_column(Integer)
    manifest: Mapped[str] = mapped_column(String(64))
