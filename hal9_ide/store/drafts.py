"""Questions and changes about bots and their draft files."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hal9_ide.errors import Conflict, LostRace, TooLarge
from hal9_ide.settings import Settings
from hal9_ide.store import accounts
from hal9_ide.store.base import new_id, now_ms
from hal9_ide.store.bots import Bot, BotEvent, DraftFile, Version
from hal9_ide.store.paths import check_no_clash, shown
from hal9_ide.store.people import User
from hal9_ide.store.write import changed_rows

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """A blob by name and size."""

    sha256: str
    bytes: int


def bot_of(session: Session, owner_id: str, bot_id: str) -> Bot | None:
    """Return a user's bot, or None when it is not there, deleted, or another person's."""
    query = select(Bot).where(Bot.id == bot_id, Bot.owner_id == owner_id, Bot.deleted_at_ms.is_(None))
    return session.scalar(query)


def bots_of(session: Session, owner_id: str) -> list[Bot]:
    """Return a user's bots, the latest changed first."""
    query = select(Bot).where(Bot.owner_id == owner_id, Bot.deleted_at_ms.is_(None))
    return list(session.scalars(query.order_by(Bot.updated_at_ms.desc(), Bot.id)))


def shared_bot(session: Session, key: str) -> tuple[Bot, str] | None:
    """Return the bot behind a share link and its owner's name; None when there never was a link or it was rotated."""
    query = select(Bot, User.name).join(User, User.id == Bot.owner_id).where(Bot.share_key == key)
    row = session.execute(query.where(Bot.deleted_at_ms.is_(None), Bot.live_number.is_not(None))).one_or_none()
    return (row.Bot, row.name) if row else None


def bot_at(session: Session, owner: str, slug: str) -> Bot | None:
    """Return the bot at /<owner>/<slug>, or None."""
    query = select(Bot).join(User, User.id == Bot.owner_id).where(User.name_key == owner.casefold())
    return session.scalar(query.where(Bot.slug == slug.lower(), Bot.deleted_at_ms.is_(None)))


def public_bots(session: Session, limit: int) -> list[tuple[Bot, str]]:
    """Return the bots that everybody may find and their owners' names, the latest changed first."""
    query = select(Bot, User.name).join(User, User.id == Bot.owner_id)
    seen = (
        Bot.access == "public",
        Bot.live_number.is_not(None),
        Bot.deleted_at_ms.is_(None),
        Bot.taken_down.is_(False),
    )
    rows = session.execute(query.where(*seen).order_by(Bot.updated_at_ms.desc()).limit(limit))
    return [(row.Bot, row.name) for row in rows]


def bot_by_name(session: Session, owner_id: str, name: str) -> Bot | None:
    """Return the user's bot of that name, compared without case: as a program named it, else as its address says."""
    mine = select(Bot).where(Bot.owner_id == owner_id, Bot.deleted_at_ms.is_(None)).order_by(Bot.created_at_ms)
    key = name_key(name)
    return session.scalar(mine.where(Bot.name_key == key).limit(1)) or session.scalar(
        mine.where(Bot.slug == key).limit(1)
    )


def name_key(name: str) -> str:
    """Return the form in which names of bots are compared."""
    return unicodedata.normalize("NFC", name).casefold().strip()[:200]


def slug_of(title: str) -> str:
    """Return the form of a title that can stand in an address: ASCII letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:48].strip("-") or "bot"


def free_slug(session: Session, owner_id: str, wish: str) -> str:
    """Return `wish`, or `wish-2`, …: the first that no bot of this user has, deleted ones included."""
    slug, number = wish, 2
    while session.scalar(select(Bot.id).where(Bot.owner_id == owner_id, Bot.slug == slug)):
        slug, number = f"{wish}-{number}", number + 1
    return slug


def add_bot(session: Session, settings: Settings, owner_id: str, title: str, name: str | None = None) -> Bot:
    """Put a new bot on record, without files. Raises TooLarge when the user has as many as may be."""
    check_bot_count(session, settings, owner_id)
    slug = free_slug(session, owner_id, slug_of(name or title))
    key = name_key(name) if name else slug
    bot = Bot(owner_id=owner_id, slug=slug, name_key=key, title=title, share_key=new_id())
    session.add(bot)
    session.flush()
    return bot


def check_bot_count(session: Session, settings: Settings, owner_id: str) -> None:
    """Refuse one more bot to who has as many as may be. Raises TooLarge."""
    most = settings.bots_per_user
    if accounts.bot_count(session, owner_id) >= most:
        raise TooLarge(f"You have {most} bots, which is the limit. Delete one first.", code="too_many_bots")


def add_event(session: Session, bot: Bot, kind: str, user_id: str, **details: object) -> None:
    """Note what somebody did to a bot."""
    session.add(BotEvent(bot_id=bot.id, kind=kind, user_id=user_id, details=details))
    bot.updated_at_ms = now_ms()


def draft(session: Session, bot_id: str) -> dict[str, Content]:
    """Return a draft's files by path."""
    query = select(DraftFile).where(DraftFile.bot_id == bot_id, DraftFile.deleted_at_ms.is_(None))
    return {f.path: Content(f.sha256, f.bytes) for f in session.scalars(query.order_by(DraftFile.path))}


def user_bytes(session: Session, owner_id: str) -> int:
    """Return what the files of a user's bots take: drafts, and what each version added."""
    mine = (Bot.owner_id == owner_id, Bot.deleted_at_ms.is_(None))
    drafts = select(func.sum(DraftFile.bytes)).join(Bot, Bot.id == DraftFile.bot_id).where(*mine)
    versions = select(func.sum(Version.added_bytes)).join(Bot, Bot.id == Version.bot_id).where(*mine)
    return (session.scalar(drafts.where(DraftFile.deleted_at_ms.is_(None))) or 0) + (session.scalar(versions) or 0)


def check_room(session: Session, settings: Settings, bot: Bot, files: Mapping[str, Content]) -> None:
    """Refuse a draft of `files` that would be over a limit. Raises TooLarge naming it."""
    size = sum(content.bytes for content in files.values())
    if len(files) > settings.upload_files:
        raise TooLarge(
            f"A bot can have {settings.upload_files} files; this would be {len(files)}.", code="too_many_files"
        )
    if size > settings.upload_bytes:
        largest = max(files, key=lambda path: files[path].bytes)
        raise TooLarge(
            f"A bot can have {settings.upload_bytes / MIB:.0f} MiB; this would be {size / MIB:.1f}. "
            f"The largest file is {shown(largest)} with {files[largest].bytes / MIB:.1f} MiB.",
            code="bot_too_large",
        )
    before = sum(content.bytes for content in draft(session, bot.id).values())
    if user_bytes(session, bot.owner_id) - before + size > settings.user_bytes:
        raise TooLarge(
            f"Your bots can have {settings.user_bytes / MIB:.0f} MiB together, which is full.", code="quota_full"
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a write: the hash that the writer saw, or that there was no file."""

    if_match: str | None = None  # None: whatever is there
    must_be_new: bool = False


def put_file(
    session: Session,
    settings: Settings,
    bot: Bot,
    path: str,
    content: Content,
    condition: Condition = Condition(),
) -> None:
    """Create or overwrite a draft file. Raises LostRace, Conflict or TooLarge."""
    files = draft(session, bot.id)
    check_condition(path, files.get(path), condition)
    if path not in files:
        check_no_clash(path, files)
    check_room(session, settings, bot, {**files, path: content})
    _store(session, bot, path, content)


def check_condition(path: str, present: Content | None, condition: Condition) -> None:
    """Refuse a write whose writer saw something else. Raises LostRace."""
    if condition.must_be_new and present:
        raise LostRace(f"There is a file {shown(path)} already.", code="exists")
    if condition.if_match is not None and (present is None or present.sha256 != condition.if_match):
        raise LostRace(f"{shown(path)} was changed elsewhere since you opened it.")


def _store(session: Session, bot: Bot, path: str, content: Content) -> None:
    file = session.get(DraftFile, (bot.id, path)) or DraftFile(bot_id=bot.id, path=path)
    file.sha256, file.bytes, file.updated_at_ms, file.deleted_at_ms = content.sha256, content.bytes, now_ms(), None
    session.add(file)
    bot.updated_at_ms = now_ms()


def delete_file(session: Session, bot: Bot, path: str, condition: Condition) -> bool:
    """Delete a draft file, so that it can be restored; tell whether it was there. Raises LostRace."""
    present = draft(session, bot.id).get(path)
    check_condition(path, present, condition)
    if present is None:
        return False
    session.get_one(DraftFile, (bot.id, path)).deleted_at_ms = now_ms()
    bot.updated_at_ms = now_ms()
    return True


def restore_file(session: Session, settings: Settings, bot: Bot, path: str) -> Content | None:
    """Bring a deleted draft file back; None when there is none. Raises Conflict when the path is in use again."""
    file = session.get(DraftFile, (bot.id, path))
    if file is None or file.deleted_at_ms is None:
        return None
    content = Content(file.sha256, file.bytes)
    put_file(session, settings, bot, path, content, Condition(must_be_new=True))
    return content


def rename_file(session: Session, bot: Bot, old: str, new: str) -> bool:
    """Rename a draft file; tell whether it was there. Raises Conflict when the new path is taken."""
    files = draft(session, bot.id)
    if old not in files:
        return False
    if new in files:
        raise Conflict(f"There is a file {shown(new)} already.", code="exists")
    content = files.pop(old)
    check_no_clash(new, files)
    session.get_one(DraftFile, (bot.id, old)).deleted_at_ms = now_ms()
    _store(session, bot, new, content)
    if bot.main == old:
        bot.main = new
    return True


def replace_draft(session: Session, settings: Settings, bot: Bot, files: Mapping[str, Content]) -> None:
    """Make `files` the whole draft. Raises TooLarge."""
    check_room(session, settings, bot, files)
    for path in draft(session, bot.id).keys() - files.keys():
        session.get_one(DraftFile, (bot.id, path)).deleted_at_ms = now_ms()
    for path, content in files.items():
        _store(session, bot, path, content)


def delete_bot(session: Session, bot: Bot) -> None:
    """Delete a bot, so that it can be restored until the sweep."""
    bot.deleted_at_ms = now_ms()


def restore_bot(session: Session, settings: Settings, owner_id: str, bot_id: str) -> bool:
    """Bring a user's deleted bot back; tell whether there was one. Raises TooLarge."""
    check_bot_count(session, settings, owner_id)
    mine = (Bot.id == bot_id, Bot.owner_id == owner_id, Bot.deleted_at_ms.is_not(None))
    return bool(changed_rows(session, update(Bot).where(*mine).values(deleted_at_ms=None)))
