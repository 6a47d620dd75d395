"""What the API says of bots, and what it takes to make and change one."""

from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from hal9_ide.access import services
from hal9_ide.deploy import changed_paths
from hal9_ide.links import has_qr, share_url
from hal9_ide.network import may_choose, network_of
from hal9_ide.settings import Settings
from hal9_ide.store import accounts, drafts, versions
from hal9_ide.store.bots import Bot
from hal9_ide.store.manifests import load_manifest

Access = Literal["private", "unlisted", "public"]


class TemplateRow(msgspec.Struct):
    """A template."""

    id: str
    title: str
    description: str


class TemplateList(msgspec.Struct):
    """All templates."""

    templates: list[TemplateRow]


class LiveNumber(msgspec.Struct):
    """The version that serves."""

    number: int


class BotRow(msgspec.Struct):
    """A bot in a list. `url` is the share link, null until the first deploy."""

    id: str
    title: str
    slug: str
    access: str
    url: str | None
    live: LiveNumber | None
    updated_at_ms: int


class BotList(msgspec.Struct):
    """All your bots, the latest changed first."""

    bots: list[BotRow]


class NewBot(msgspec.Struct):
    """What a new bot begins with: a template's files, or these texts by path."""

    template: str = "echo"
    title: str | None = None
    files: dict[str, str] | None = None


class Made(msgspec.Struct):
    """The id of what was made."""

    id: str


class Live(msgspec.Struct):
    """The version that serves and since when it exists."""

    number: int
    created_at_ms: int


class FileRow(msgspec.Struct):
    """A file of the draft."""

    path: str
    bytes: int
    etag: str


class BotView(msgspec.Struct):
    """A bot with its draft. `changed`: paths that differ from what is live. `qr`: a code for the link makes sense.

    `network`: whom it may reach; [] nobody, ["*"] the public internet, else hosts. `may_use_network`: the author may
    choose; not while a guest.
    """

    id: str
    title: str
    slug: str
    description: str
    access: str
    url: str | None
    main: str
    notice: str | None
    taken_down: bool
    live: Live | None
    changed: list[str]
    files: list[FileRow]
    qr: bool
    network: list[str]
    may_use_network: bool


class BotChange(msgspec.Struct):
    """What to change; what is left out stays. `notice` can only be set to null; `network` null: the default."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    access: Access | msgspec.UnsetType = msgspec.UNSET
    taken_down: bool | msgspec.UnsetType = msgspec.UNSET
    notice: msgspec.UnsetType | None = msgspec.UNSET
    main: str | msgspec.UnsetType = msgspec.UNSET
    network: list[str] | msgspec.UnsetType | None = msgspec.UNSET


class Link(msgspec.Struct):
    """A share link."""

    url: str


def bot_view(session: Session, settings: Settings, bot: Bot) -> BotView:
    """Return all that the IDE shows of a bot."""
    files = drafts.draft(session, bot.id)
    is_guest = accounts.is_guest(session, bot.owner_id)
    live = versions.live_version(session, bot)
    manifest = load_manifest(services().blobs, live.manifest) if live else None
    return BotView(
        id=bot.id,
        title=bot.title,
        slug=bot.slug,
        description=bot.description,
        access=bot.access,
        url=share_url(settings, bot),
        main=bot.main,
        notice=bot.notice,
        taken_down=bot.taken_down,
        live=Live(live.number, live.created_at_ms) if live else None,
        changed=changed_paths(files, manifest),
        files=[FileRow(path, content.bytes, f'"{content.sha256}"') for path, content in files.items()],
        qr=bot.live_number is not None and has_qr(settings),
        network=network_of(settings, bot.network, is_guest),
        may_use_network=may_choose(settings, is_guest),
    )
