"""The rocket: deploy the draft, list versions, go back to one."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Literal

import msgspec
import structlog
from flask import Blueprint, Response, request

from hal9_ide.access import Services, bot_for, services, signed_in
from hal9_ide.api.shapes import Access
from hal9_ide.api.speaking import speaks
from hal9_ide.deploy import Steps, Wish, deploy, main_of, roll_back
from hal9_ide.disk import check_free_disk
from hal9_ide.errors import Hal9Error
from hal9_ide.links import has_qr, link
from hal9_ide.rules import AUTHOR
from hal9_ide.store import drafts, versions

log = structlog.get_logger()
bp = Blueprint("deploys", __name__, url_prefix="/api/v1/bots/<bot_id>")
NDJSON = "application/x-ndjson"


class DeployWish(msgspec.Struct):
    """Who may use the bot from now on; left out: as it is."""

    access: Access | None = None


class StepTaken(msgspec.Struct):
    """A step that is done."""

    name: str
    seconds: float


class StepLine(msgspec.Struct):
    """A line of progress."""

    step: str
    state: Literal["now", "done", "failed"]
    seconds: float


class DeployAnswer(msgspec.Struct):
    """What serves now, and the steps that led there."""

    url: str
    version: int
    number: int
    seconds: float
    steps: list[StepTaken]
    qr: bool
    ok: bool = True


class VersionRow(msgspec.Struct):
    """A version. `source`: rocket, cli or api."""

    number: int
    created_at_ms: int
    by: str
    source: str
    is_live: bool


class VersionList(msgspec.Struct):
    """All versions, newest first."""

    versions: list[VersionRow]


class WhichVersion(msgspec.Struct):
    """The number of a version."""

    version: int


class LiveAnswer(msgspec.Struct):
    """What serves now."""

    number: int
    url: str


@bp.post("/deploy")
@AUTHOR
@speaks(DeployWish)
def deploy_draft(bot_id: str, body: DeployWish) -> DeployAnswer | Response:
    """Make the draft a version and let it serve. With Accept: application/x-ndjson, one line per step as it happens."""
    wish = _wish(bot_id, body.access)
    if NDJSON in request.headers.get("Accept", ""):
        lines = _lines(services(), wish)
        return Response(lines, mimetype=NDJSON, headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
    return _deploy(services(), wish, Steps())


def _wish(bot_id: str, access: str | None) -> Wish:
    person = signed_in()
    bot = bot_for(person, bot_id)
    check_free_disk(services().settings)
    with services().database.read() as session:
        files = drafts.draft(session, bot.id)
    source = "rocket" if person.session_id else "api"
    return Wish(bot.id, person.id, source, files, main_of(services().blobs, files, bot.main), access)


def _deploy(context: Services, wish: Wish, steps: Steps) -> DeployAnswer:
    deployed = deploy(context.database, context.blobs, context.runner.check, wish, steps)
    log.info("bot deployed", bot=wish.bot_id, version=deployed.number, new=deployed.is_new, source=wish.source)
    taken = [StepTaken(name, round(seconds, 3)) for name, seconds in steps.done]
    return DeployAnswer(
        url=link(context.settings, deployed.share_key),
        version=deployed.number,
        number=deployed.number,
        seconds=round(sum(step.seconds for step in taken), 3),
        steps=taken,
        qr=has_qr(context.settings),
    )


def _lines(context: Services, wish: Wish) -> Iterator[bytes]:
    """Yield progress as JSON lines, the answer or the refusal last. The deploy goes on when nobody reads."""
    lines: SimpleQueue[bytes | None] = SimpleQueue()

    def report(name: str, state: str, seconds: float) -> None:
        lines.put(msgspec.json.encode({"step": name, "state": state, "seconds": round(seconds, 3)}))

    Thread(target=_run, args=(context, wish, Steps(report), lines.put), name=f"deploy {wish.bot_id}").start()
    while (line := lines.get()) is not None:
        yield line + b"\n"


def _run(context: Services, wish: Wish, steps: Steps, put: Callable[[bytes | None], None]) -> None:
    try:
        put(msgspec.json.encode(_deploy(context, wish, steps)))
    except Hal9Error as error:
        put(msgspec.json.encode(error.as_json()))
    except Exception:
        log.exception("deploy failed", bot=wish.bot_id)
        put(msgspec.json.encode(Hal9Error("The deploy failed on our side. Try again.").as_json()))
    finally:
        put(None)


@bp.get("/versions")
@AUTHOR
@speaks()
def list_versions(bot_id: str) -> VersionList:
    """List a bot's versions."""
    bot = bot_for(signed_in(), bot_id)
    with services().database.read() as session:
        rows = versions.versions_of(session, bot.id)
    return VersionList(
        [VersionRow(v.number, v.created_at_ms, by, v.source, v.number == bot.live_number) for v, by in rows]
    )


@bp.post("/live")
@AUTHOR
@speaks(WhichVersion)
def set_live(bot_id: str, body: WhichVersion) -> LiveAnswer:
    """Let an earlier version serve again."""
    deployed = roll_back(services().database, signed_in().id, bot_id, body.version)
    log.info("bot rolled back", bot=bot_id, version=deployed.number)
    return LiveAnswer(deployed.number, link(services().settings, deployed.share_key))
