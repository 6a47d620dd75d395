"""The upload of the published command line, `hal9 deploy`, as its unmodified client sends it.

The client prints only the reason phrase of a refusal, so the help stands there, in ASCII and short. It has no time-out,
follows redirects by turning the POST into a GET, and sends `\\` in paths from Windows.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog
from flask import Blueprint, Response
from sqlalchemy.orm import Session

from hal9_ide.access import Services, bot_in, services, signed_in
from hal9_ide.api.bots import DESCRIPTION_LENGTH, TITLE_LENGTH, checked_title
from hal9_ide.api.shapes import Access
from hal9_ide.api.speaking import answer, read_body
from hal9_ide.deploy import DEFAULT_MAIN, Steps, Wish, check_start, deploy, main_of, manifest_of
from hal9_ide.disk import check_free_disk
from hal9_ide.errors import BadRequest, Refused, TooLarge
from hal9_ide.links import share_url
from hal9_ide.offload import in_thread
from hal9_ide.rules import PROGRAM
from hal9_ide.settings import Settings
from hal9_ide.store import drafts
from hal9_ide.store.bots import Bot
from hal9_ide.store.contents import store_files
from hal9_ide.store.drafts import Content
from hal9_ide.store.paths import check_tree, checked_path, shown

log = structlog.get_logger()
bp = Blueprint("upload", __name__)

BASE64 = 1.4
"""Four characters for three bytes, and some room for the names."""
MADE_PRIVATE = "The command line made this bot private."
NAME_LENGTH = 200
MIB = 1 << 20


class Upload(msgspec.Struct):
    """A whole project. null leaves what there was."""

    name: str
    files: dict[str, str]
    filename: str | None = None
    type: str | None = None
    format: Literal["b64"] = "b64"
    schemapath: str | None = None
    access: Access | None = None
    sourcefile: str | None = None
    thumbnail: str | None = None
    title: str | None = None
    description: str | None = None


class Uploaded(msgspec.Struct):
    """The bot's link."""

    url: str


@bp.post("/api/v1/assets/upload")
@bp.post("//api/v1/assets/upload")
@PROGRAM.with_upload(BASE64)
def upload() -> Response:
    """Deploy a project: same name, compared without case, is a new version at the same link."""
    context, person = services(), signed_in()
    wish: Upload = read_body(Upload)
    check_free_disk(context.settings)
    project = _project(context, wish)
    bot_id = _bot(context, person.id, project)
    deployed = deploy(
        context.database,
        context.blobs,
        context.runner.check,
        Wish(bot_id, person.id, "cli", project.files, project.main, wish.access, notice=MADE_PRIVATE),
        Steps(),
    )
    before = _draft_before(context, bot_id, project)
    with context.database.write() as session:
        bot = bot_in(session, person, bot_id)
        _update(session, context.settings, bot, project)
        if before:
            drafts.add_event(session, bot, "replace", person.id, before=before)
        url = share_url(context.settings, bot) or ""
    log.info("bot deployed", bot=bot_id, version=deployed.number, new=deployed.is_new, source="cli")
    return answer(Uploaded(url))


@dataclass(frozen=True, slots=True)
class Project:
    """An upload whose files are stored and whose main file is there."""

    name: str
    main: str
    files: dict[str, Content]
    wish: Upload


def _project(context: Services, wish: Upload) -> Project:
    name = " ".join(wish.name.split())
    if not name or len(name) > NAME_LENGTH:
        raise BadRequest(f"A name has 1 to {NAME_LENGTH} characters.", code="bad_name")
    data = in_thread(decode_files, wish.files, context.settings)
    files = in_thread(store_files, context.blobs, data)
    main = checked_path(wish.sourcefile or DEFAULT_MAIN)
    if main == DEFAULT_MAIN:  # what the client sends when its user says nothing: then a yaml may say
        main = main_of(context.blobs, files, main)
    if main not in files:
        raise Refused(f"There is no file {shown(main)} to start - name one with --main", code="no_main")
    return Project(name, main, files, wish)


def decode_files(files: Mapping[str, str], settings: Settings) -> dict[str, bytes]:
    """Return the contents by path. Raises BadRequest, Conflict or TooLarge, the latter naming the largest file."""
    if len(files) > settings.upload_files:
        raise TooLarge(f"A bot can have {settings.upload_files} files, this has {len(files)}", code="too_many_files")
    decoded: dict[str, bytes] = {}
    for path, text in files.items():
        try:
            decoded[checked_path(path)] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest(f"The file {shown(path)} is not base64", code="bad_base64") from None
    check_tree(decoded)
    size = sum(len(data) for data in decoded.values())
    if size > settings.upload_bytes:
        largest = max(decoded, key=lambda path: len(decoded[path]))
        raise TooLarge(
            f"A bot can have {settings.upload_bytes / MIB:.0f} MiB, this has {size / MIB:.1f} - "
            f"largest: {shown(largest)} with {len(decoded[largest]) / MIB:.1f} MiB",
            code="bot_too_large",
        )
    return decoded


def _bot(context: Services, user_id: str, project: Project) -> str:
    """Return the id of the bot of that name, made if absent. A first upload that does not start makes none."""
    with context.database.read() as session:
        bot = drafts.bot_by_name(session, user_id, project.name)
        if bot:
            drafts.check_room(session, context.settings, bot, project.files)
            return bot.id
    check_start(context.runner.check, manifest_of(context.blobs, project.files, project.main))
    with context.database.write() as session:
        bot = drafts.bot_by_name(session, user_id, project.name)  # two first uploads at once make one bot
        if bot is None:
            title = checked_title(project.wish.title or project.name[:TITLE_LENGTH])
            bot = drafts.add_bot(session, context.settings, user_id, title, project.name)
            drafts.replace_draft(session, context.settings, bot, project.files)
        return bot.id


def _draft_before(context: Services, bot_id: str, project: Project) -> str | None:
    """Return the manifest of a draft that the upload is about to replace: work that was never deployed is not lost."""
    with context.database.read() as session:
        files = drafts.draft(session, bot_id)
    return manifest_of(context.blobs, files, project.main) if files != project.files else None


def _update(session: Session, settings: Settings, bot: Bot, project: Project) -> None:
    """Bring the draft and what the upload says of the bot up to date; null leaves what there was."""
    wish = project.wish
    before = drafts.draft(session, bot.id)
    if before != project.files:
        drafts.replace_draft(session, settings, bot, project.files)
    bot.main = project.main
    if wish.title:
        bot.title = checked_title(wish.title[:TITLE_LENGTH])
    if wish.description is not None:
        bot.description = wish.description.strip()[:DESCRIPTION_LENGTH]
