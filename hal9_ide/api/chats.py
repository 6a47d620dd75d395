"""Chats: with a draft, by session; with what is deployed, by the visitor's secret."""

import secrets

import msgspec
from flask import Blueprint, g, request
from sqlalchemy.orm import Session

from hal9_ide import auth
from hal9_ide.access import bot_for, chat_for, check_forgery, cookie_person, services, signed_in
from hal9_ide.api.shapes import Made
from hal9_ide.api.speaking import Done, speaks
from hal9_ide.deploy import draft_manifest
from hal9_ide.disk import check_free_disk
from hal9_ide.errors import Absent, BadRequest, Hal9Error, NotSignedIn, TooLarge
from hal9_ide.rules import AUTHOR, CHATTER, VISITOR
from hal9_ide.store import drafts, versions, visits
from hal9_ide.store.bots import Bot, Version, Visitor
from hal9_ide.store.chats import Chat, Turn
from hal9_ide.store.transcripts import spoken

bp = Blueprint("chats", __name__, url_prefix="/api/v1")
TITLE_LENGTH = 200
FIRST_WORDS = 60


class ChatRow(msgspec.Struct):
    """A chat in a list."""

    id: str
    title: str
    updated_at_ms: int


class ChatList(msgspec.Struct):
    """Chats, the latest first."""

    chats: list[ChatRow]


class Visit(msgspec.Struct):
    """A new chat and the visitor's secret: send it as X-Visitor from now on."""

    id: str
    visitor: str


class TurnRow(msgspec.Struct):
    """A turn as the transcript shows it. `reply` is all it said once it is sealed; `ended` null: it goes on."""

    number: int
    by: str
    message_id: str | None
    input: str | None
    reply: str
    ended: str | None
    seconds: float | None


class Transcript(msgspec.Struct):
    """A chat up to frame `seq`."""

    id: str
    title: str
    seq: int
    version: int | None
    turns: list[TurnRow]


class TitleChange(msgspec.Struct):
    """A chat's new title."""

    title: str


@bp.post("/bots/<bot_id>/chats")
@AUTHOR
@speaks(status=201)
def open_draft_chat(bot_id: str) -> Made:
    """Begin a chat with the draft as it is now; the script starts."""
    person = signed_in()
    bot = bot_for(person, bot_id)
    check_free_disk(services().settings)
    chat = Chat(
        bot_id=bot.id,
        stage="draft",
        manifest=draft_manifest(services().database, services().blobs, bot),
        user_id=person.id,
    )
    with services().database.write() as session:
        visits.add_chat(session, chat)
    _open(chat, None)
    _forget_oldest(bot, person.id)
    return Made(chat.id)


def _forget_oldest(bot: Bot, user_id: str) -> None:
    """Delete the author's oldest chats with a draft above the limit: trying things out should never need tidying up."""
    most = services().settings.chats_per_visitor
    with services().database.read() as session:
        old = visits.draft_chats(session, bot.id, user_id)[most:]
    for chat in old:
        services().runner.close(chat.id)
        with services().database.write() as session:
            visits.delete_chat(session, chat.id)


def _open(chat: Chat, address: str | None, new_visitor: str | None = None) -> None:
    """Let the script start. A chat that may not open leaves nothing behind. Raises Hal9Error."""
    try:
        services().runner.open(chat.id, address)
    except Hal9Error:
        with services().database.write() as session:
            visits.delete_chat(session, chat.id)
            if new_visitor:
                visits.delete_visitor(session, new_visitor)
        raise


@bp.get("/bots/<bot_id>/chats")
@AUTHOR
@speaks()
def list_draft_chats(bot_id: str) -> ChatList:
    """List your chats with the draft."""
    person = signed_in()
    bot = bot_for(person, bot_id)
    with services().database.read() as session:
        return _list(session, visits.draft_chats(session, bot.id, person.id))


def _list(session: Session, chats: list[Chat]) -> ChatList:
    """Return chats as a list shows them: one without a title is called by what was said first."""
    first = visits.first_messages(session, [chat.id for chat in chats if not chat.title])
    titles = {chat.id: chat.title or " ".join(first.get(chat.id, "").split())[:FIRST_WORDS] for chat in chats}
    return ChatList([ChatRow(chat.id, titles[chat.id], chat.updated_at_ms) for chat in chats])


@bp.post("/share/<key>/chats")
@VISITOR
@speaks(status=201)
def open_live_chat(key: str) -> Visit:
    """Begin a chat with what is deployed; with X-Visitor as that visitor, without it as a new one."""
    bot, version = _open_to_me(key)
    check_free_disk(services().settings)
    secret = g.visitor or secrets.token_urlsafe(24)
    chat = _live_chat(bot, version, secret, is_new=not g.visitor)
    _open(chat, request.remote_addr, None if g.visitor else chat.visitor_id)
    return Visit(chat.id, secret)


def _open_to_me(key: str) -> tuple[Bot, Version]:
    """Return a shared bot and its live version. Raises Absent when it is private, taken down, or not there."""
    with services().database.read() as session:
        found = drafts.shared_bot(session, key)
        version = versions.live_version(session, found[0]) if found else None
    if found is None or version is None:
        raise Absent("There is no bot at this link.")
    bot = found[0]
    if bot.access == "private":
        _check_owner(bot)
    if bot.taken_down:
        raise Absent("This bot was taken down by its author.", code="taken_down")
    return bot, version


def _check_owner(bot: Bot) -> None:
    """Let only the owner's own browser in: the one case in which a share link looks at the cookie."""
    person = cookie_person()
    if person is None or person.id != bot.owner_id:
        raise Absent("This bot is private.", code="private")
    check_forgery(person)


def _live_chat(bot: Bot, version: Version, secret: str, *, is_new: bool) -> Chat:
    with services().database.write() as session:
        if is_new:
            visitor: Visitor | None = visits.add_visitor(session, bot.id, auth.hashed(secret))
        else:
            visitor = visits.visitor_by_hash(session, auth.hashed(secret))
        if visitor is None or visitor.bot_id != bot.id:
            raise NotSignedIn("This visitor is not known here. Begin again without X-Visitor.", code="unknown_visitor")
        most = services().settings.chats_per_visitor
        if visits.visitor_chat_count(session, visitor.id) >= most:
            raise TooLarge(
                f"You have {most} chats with this bot, which is the limit. Delete one first.", code="too_many_chats"
            )
        visits.touch_visitor(session, visitor)
        chat = Chat(
            bot_id=bot.id,
            stage="live",
            version_number=version.number,
            manifest=version.manifest,
            visitor_id=visitor.id,
        )
        return visits.add_chat(session, chat)


@bp.get("/share/<key>/chats")
@VISITOR
@speaks()
def list_live_chats(key: str) -> ChatList:
    """List the visitor's chats with this bot; none without X-Visitor."""
    with services().database.read() as session:
        found = drafts.shared_bot(session, key)
        visitor = visits.visitor_by_hash(session, auth.hashed(g.visitor)) if g.visitor else None
        if found is None:
            raise Absent("There is no bot at this link.")
        if visitor is None or visitor.bot_id != found[0].id:
            return ChatList([])
        return _list(session, visits.visitor_chats(session, visitor.id))


@bp.get("/chats/<chat_id>")
@CHATTER
@speaks()
def get_chat(chat_id: str) -> Transcript:
    """Return a chat's turns, and the number of the last frame that they cover."""
    chat, _ = chat_for(chat_id)
    with services().database.read() as session:
        turns = visits.turns_of(session, chat.id)
    seq = max((turn.last_seq for turn in turns if turn.ended), default=0)
    return Transcript(chat.id, chat.title, seq, chat.version_number, [_turn(turn) for turn in turns])


def _turn(turn: Turn) -> TurnRow:
    seconds = turn.milliseconds / 1000 if turn.milliseconds is not None else None
    reply = spoken(turn, services().blobs)
    return TurnRow(turn.number, turn.by, turn.message_id, turn.input, reply, turn.ended, seconds)


@bp.patch("/chats/<chat_id>")
@CHATTER
@speaks(TitleChange)
def rename_chat(chat_id: str, body: TitleChange) -> Done:
    """Give a chat another title."""
    chat, _ = chat_for(chat_id)
    title = " ".join(body.title.split())
    if not title or len(title) > TITLE_LENGTH:
        raise BadRequest(f"A title has 1 to {TITLE_LENGTH} characters.", code="bad_title")
    with services().database.write() as session:
        visits.retitle_chat(session, chat.id, title)
    return Done()


@bp.delete("/chats/<chat_id>")
@CHATTER
@speaks()
def delete_chat(chat_id: str) -> Done:
    """Delete a chat with all it left; its run ends."""
    chat, _ = chat_for(chat_id)
    services().runner.close(chat.id)
    with services().database.write() as session:
        visits.delete_chat(session, chat.id)
    return Done()
