"""Tables of bots: the draft, the versions, what happened to them, and the visitors of their links."""

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hal9_ide.store.base import Base, new_id, now_ms


class Bot(Base):
    """A chatbot: mutable draft files, immutable versions, and a pointer to the version that serves."""

    __tablename__ = "bot"
    __table_args__ = (UniqueConstraint("owner_id", "slug"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)
    slug: Mapped[str] = mapped_column(String(64))  # in /<owner>/<slug>
    name_key: Mapped[str] = mapped_column(String(200), index=True)  # the name that the command line gave, casefolded
    title: Mapped[str] = mapped_column(String(200), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    access: Mapped[str] = mapped_column(String(8), default="unlisted")  # private | unlisted | public
    share_key: Mapped[str] = mapped_column(String(32), unique=True, default=new_id)
    main: Mapped[str] = mapped_column(String(255), default="app.py")
    live_number: Mapped[int | None] = mapped_column(Integer, default=None)  # None: never deployed
    gen: Mapped[int] = mapped_column(Integer, default=0)  # grows with every change of the live pointer
    notice: Mapped[str | None] = mapped_column(String(200), default=None)  # a sentence that the author should see
    taken_down: Mapped[bool] = mapped_column(Boolean, default=False)
    network: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)  # None: the default
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    deleted_at_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)


class DraftFile(Base):
    """A file of a draft. A deleted one keeps its row, so that deleting can be undone."""

    __tablename__ = "draft_file"

    bot_id: Mapped[str] = mapped_column(ForeignKey("bot.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(Integer)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    deleted_at_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)


class Version(Base):
    """An immutable state of a bot that passed its start check."""

    __tablename__ = "version"

    bot_id: Mapped[str] = mapped_column(ForeignKey("bot.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)  # from 1
    manifest: Mapped[str] = mapped_column(String(64))
    added_bytes: Mapped[int] = mapped_column(BigInteger)  # of files that the version before did not have
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    created_by: Mapped[str] = mapped_column(String(32))  # user id
    source: Mapped[str] = mapped_column(String(8))  # rocket | cli | api


class BotEvent(Base):
    """What somebody did to a bot, append-only."""

    __tablename__ = "bot_event"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    bot_id: Mapped[str] = mapped_column(ForeignKey("bot.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # deploy | rollback | access | rotate | take_down | move
    user_id: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)
    at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class Visitor(Base):
    """Somebody who came by a bot's link, known by a secret of their own and by nothing else. Belongs to one bot."""

    __tablename__ = "visitor"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    bot_id: Mapped[str] = mapped_column(ForeignKey("bot.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    seen_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
