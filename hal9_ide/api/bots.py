"""Bots: list, make, look at, change, delete and restore."""

import io

import msgspec
from flask import Blueprint, Response
from sqlalchemy.orm import Session

from hal9_ide.access import bot_for, bot_in, services, signed_in
from hal9_ide.api.shapes import (
    BotChange,
    BotList,
    BotRow,
    BotView,
    Link,
    LiveNumber,
    Made,
    NewBot,
    TemplateList,
    TemplateRow,
    bot_view,
)
from hal9_ide.api.speaking import Done, speaks
from hal9_ide.disk import check_free_disk
from hal9_ide.errors import Absent, BadRequest
from hal9_ide.gallery import templates
from hal9_ide.links import has_qr, share_url
from hal9_ide.network import checked_network
from hal9_ide.offload import in_thread
from hal9_ide.rules import AUTHOR
from hal9_ide.settings import Settings
from hal9_ide.store import accounts, drafts
from hal9_ide.store.base import new_id
from hal9_ide.store.bots import Bot
from hal9_ide.store.contents import store_files
from hal9_ide.store.paths import check_tree, checked_path

bp = Blueprint("bots", __name__, url_prefix="/api/v1")

UNTITLED = "Untitled bot"
TITLE_LENGTH = 80
DESCRIPTION_LENGTH = 2_000


@bp.get("/templates")
@AUTHOR
@speaks()
def list_templates() -> TemplateList:
    """List what a new bot can begin as."""
    return TemplateList([TemplateRow(t.id, t.title, t.description) for t in templates().values()])


@bp.get("/bots")
@AUTHOR
@speaks()
def list_bots() -> BotList:
    """List your bots."""
    settings = services().settings
    with services().database.read() as session:
        bots = drafts.bots_of(session, signed_in().id)
    return BotList([_row(settings, bot) for bot in bots])


def _row(settings: Settings, bot: Bot) -> BotRow:
    live = LiveNumber(bot.live_number) if bot.live_number is not None else None
    return BotRow(bot.id, bot.title, bot.slug, bot.access, share_url(settings, bot), live, bot.updated_at_ms)


@bp.post("/bots")
@AUTHOR
@speaks(NewBot, status=201)
def make_bot(body: NewBot) -> Made:
    """Make a bot from a template or from files."""
    services_ = services()
    check_free_disk(services_.settings)
    title, texts = _beginning(body)
    files = in_thread(store_files, services_.blobs, texts)
    with services_.database.write() as session:
        bot = drafts.add_bot(session, services_.settings, signed_in().id, title)
        drafts.replace_draft(session, services_.settings, bot, files)
        return Made(bot.id)


def _beginning(body: NewBot) -> tuple[str, dict[str, bytes]]:
    """Return the title and the files of a new bot. Raises BadRequest."""
    if body.files is not None:
        files = {checked_path(path): text.encode() for path, text in body.files.items()}
        check_tree(files)
        return checked_title(body.title or UNTITLED), files
    template = templates().get(body.template)
    if template is None:
        raise BadRequest(f"There is no template {body.template[:40]!r}.", code="no_template")
    return checked_title(body.title or template.title), template.files


def checked_title(title: str) -> str:
    """Return a title without line breaks, never empty and not too long."""
    title = " ".join(title.split())
    if not title:
        return UNTITLED
    if len(title) > TITLE_LENGTH:
        raise BadRequest(f"A title can have {TITLE_LENGTH} characters.", code="title_too_long")
    return title


@bp.get("/bots/<bot_id>")
@AUTHOR
@speaks()
def get_bot(bot_id: str) -> BotView:
    """Return a bot with the files of its draft."""
    bot = bot_for(signed_in(), bot_id)
    with services().database.read() as session:
        return bot_view(session, services().settings, bot)


@bp.patch("/bots/<bot_id>")
@AUTHOR
@speaks(BotChange)
def change_bot(bot_id: str, body: BotChange) -> BotView:
    """Change a bot's title, description, access, or whether visitors may use it."""
    person = signed_in()
    with services().database.write() as session:
        bot = bot_in(session, person, bot_id)
        _change(session, bot, body, person.id)
    with services().database.read() as session:
        return bot_view(session, services().settings, bot)


def _change(session: Session, bot: Bot, change: BotChange, user_id: str) -> None:
    if isinstance(change.title, str):
        _retitle(session, bot, checked_title(change.title))
    if isinstance(change.description, str):
        if len(change.description) > DESCRIPTION_LENGTH:
            raise BadRequest(f"A description can have {DESCRIPTION_LENGTH} characters.", code="description_too_long")
        bot.description = change.description.strip()
    if isinstance(change.access, str) and change.access != bot.access:
        drafts.add_event(session, bot, "access", user_id, before=bot.access, after=change.access)
        bot.access, bot.notice = change.access, None
    if isinstance(change.taken_down, bool) and change.taken_down != bot.taken_down:
        drafts.add_event(session, bot, "take_down", user_id, taken_down=change.taken_down)
        bot.taken_down = change.taken_down
    if change.notice is None:
        bot.notice = None
    _change_runs(session, bot, change)


def _change_runs(session: Session, bot: Bot, change: BotChange) -> None:
    """Change how the bot's scripts run from their next start."""
    if isinstance(change.main, str):
        bot.main = _present_main(session, bot, change.main)
    if not isinstance(change.network, msgspec.UnsetType):
        _set_network(session, bot, change.network)


def _set_network(session: Session, bot: Bot, wish: list[str] | None) -> None:
    is_guest = accounts.is_guest(session, bot.owner_id)
    bot.network = None if wish is None else checked_network(services().settings, wish, is_guest)


def _retitle(session: Session, bot: Bot, title: str) -> None:
    """Set the title; the address follows it until somebody could have seen it."""
    bot.title = title
    wish = drafts.slug_of(title)
    if bot.live_number is None and bot.name_key == bot.slug and wish != bot.slug:
        bot.slug = drafts.free_slug(session, bot.owner_id, wish)
        bot.name_key = bot.slug


def _present_main(session: Session, bot: Bot, main: str) -> str:
    path = checked_path(main)
    if path not in drafts.draft(session, bot.id):
        raise BadRequest("There is no such file to start.", code="no_main")
    return path


@bp.delete("/bots/<bot_id>")
@AUTHOR
@speaks()
def delete_bot(bot_id: str) -> Done:
    """Delete a bot; it can be restored for a day."""
    person = signed_in()
    with services().database.write() as session:
        drafts.delete_bot(session, bot_in(session, person, bot_id))
    return Done()


@bp.post("/bots/<bot_id>/restore")
@AUTHOR
@speaks()
def restore_bot(bot_id: str) -> Done:
    """Bring a deleted bot back."""
    with services().database.write() as session:
        if not drafts.restore_bot(session, services().settings, signed_in().id, bot_id):
            raise Absent("There is no such deleted bot.")
    return Done()


@bp.post("/bots/<bot_id>/rotate")
@AUTHOR
@speaks()
def rotate_link(bot_id: str) -> Link:
    """Give a bot a new link; the old one leads nowhere from now on."""
    person, settings = signed_in(), services().settings
    with services().database.write() as session:
        bot = bot_in(session, person, bot_id)
        if bot.live_number is None:
            raise Absent("There is no link to replace.")
        bot.share_key = new_id()
        drafts.add_event(session, bot, "rotate", person.id)
        return Link(share_url(settings, bot) or "")


@bp.get("/bots/<bot_id>/qr")
@AUTHOR
def qr_code(bot_id: str) -> Response:
    """Return the link as an image that a phone's camera reads."""
    url = share_url(services().settings, bot_for(signed_in(), bot_id))
    if url is None:
        raise Absent("This bot has no link yet.")
    if not has_qr(services().settings):
        raise Absent("A phone cannot reach this link: it names the machine that the server runs on.", code="loopback")
    import segno  # noqa: PLC0415  40 ms that few requests need

    image = io.BytesIO()
    segno.make(url, error="m").save(image, kind="svg", scale=8, border=2, dark="#000", light="#fff", xmldecl=False)
    return Response(image.getvalue(), mimetype="image/svg+xml")
