"""Pages for people. Looking at one creates nothing: no user, no bot, no chat, no run."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hal9_ide import __version__, auth
from hal9_ide.access import check_forgery, current_person, services, set_session_cookie
from hal9_ide.auth import Proof
from hal9_ide.deploy import YAML_FILES
from hal9_ide.errors import Absent, BadRequest, Unavailable
from hal9_ide.links import share_url
from hal9_ide.rules import ANYONE, NEWCOMER, READER
from hal9_ide.static_files import static_url
from hal9_ide.store import drafts, versions
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.bots import Bot
from hal9_ide.store.manifests import load_manifest

if TYPE_CHECKING:
    from hal9_ide.about import About

bp = Blueprint("pages", __name__)

CODE_BYTES = 32_000
EXPLORE_BOTS = 200


def page(template: str, *, status: int = 200, page_data: dict[str, Any] | None = None, **context: Any) -> Response:
    """Render a page of ours. `page_data` is JSON for its script."""
    if page_data is not None:
        context["page_data"] = page_data
    return Response(render_template(template, **context), status, mimetype="text/html")


@bp.get("/")
@ANYONE
def ide() -> Response:
    """Show the IDE; `?bot=<id>` opens that bot."""
    return page("ide.html", page_data=_ide_data())


@bp.get("/create")
@ANYONE
def create() -> BaseResponse:
    """Show the IDE with a new bot."""
    return redirect("/?new=1")


def _ide_data() -> dict[str, Any]:
    settings = services().settings
    limits = settings.limits
    return {
        "version": __version__,
        "limits": {
            "file_bytes": settings.upload_bytes,
            "bot_bytes": settings.upload_bytes,
            "bot_files": settings.upload_files,
            "bots": settings.bots_per_user,
            "turn_seconds": limits.turn_seconds,
            "memory_bytes": limits.memory_bytes,
        },
        "sandbox": {"level": _level()},
        "python": "3.11",
        "signup": settings.signup,
        "guests": settings.guests,
    }


def _level() -> str:
    """Return how well runs are protected: strong, unsafe, or none when nothing can run now."""
    try:
        return str(services().runner.health().get("level", "strong"))
    except Unavailable:
        return "none"


@bp.get("/b/<key>")
@READER
def share(key: str) -> Response:
    """Show a bot's chat to whoever has its link."""
    with services().database.read() as session:
        found = drafts.shared_bot(session, key)
        version = versions.live_version(session, found[0]) if found else None
    state = _share_state(found[0]) if found else "absent"
    data: dict[str, Any] = {"key": key, "title": "", "description": "", "by": "", "examples": [], "state": state}
    if found is None or version is None or state == "private":
        return page("bot.html", status=404, page_data=data)
    bot, by = found
    said = _said(version.manifest)
    data |= {"title": bot.title, "description": bot.description or said.description, "by": by}
    return page("bot.html", page_data=data | {"examples": list(said.examples)})


@lru_cache(maxsize=512)
def _about(blobs: Blobs, manifest: str) -> "About":
    from hal9_ide.about import About, about  # noqa: PLC0415  20 ms that the start need not wait for

    files = load_manifest(blobs, manifest).files
    name = next((name for name in YAML_FILES if name in files), None)
    return about(blobs.get(files[name])) if name else About()


def _said(manifest: str) -> "About":
    """Return what the bot's yaml says to visitors."""
    return _about(services().blobs, manifest)


def _share_state(bot: Bot) -> str:
    if bot.access == "private":
        person = current_person()
        if person is None or person.id != bot.owner_id:
            return "private"
    return "taken_down" if bot.taken_down else "live"


@bp.get("/<owner>/<slug>")
@READER
def by_name(owner: str, slug: str) -> BaseResponse:
    """Go to a bot's chat: a public bot's for all, any bot's for its owner. An unlisted key is for who has the link."""
    with services().database.read() as session:
        bot = drafts.bot_at(session, owner, slug)
    person = current_person()
    is_mine = bot is not None and person is not None and person.id == bot.owner_id
    if bot is None or bot.live_number is None or not (is_mine or bot.access == "public"):
        raise Absent
    return redirect(share_url(services().settings, bot) or "/")


@bp.get("/devs")
@READER
def devs() -> Response:
    """Show tokens and the command line; `?code=…` shows that code in the editor, where it runs only after Run."""
    code = request.args.get("code")
    if code is not None:
        if len(code.encode(errors="replace")) > CODE_BYTES:
            raise BadRequest("That is too much code for a link.", code="code_too_long")
        return page("ide.html", page_data={**_ide_data(), "code": code.replace("\r\n", "\n")})
    settings = services().settings
    return page("devs.html", here="devs", page_data={"link_base": settings.link_base}, link_base=settings.link_base)


@bp.get("/explore")
@ANYONE
def explore() -> Response:
    """Show all public bots."""
    settings = services().settings
    with services().database.read() as session:
        found = drafts.public_bots(session, EXPLORE_BOTS)
    bots = [
        {"title": b.title, "description": b.description, "by": by, "url": share_url(settings, b)} for b, by in found
    ]
    return page("explore.html", here="explore", bots=bots)


@bp.get("/learn")
@ANYONE
def learn() -> Response:
    """Show how to write a bot."""
    return page("learn.html", here="learn")


@bp.get("/status")
@ANYONE
def status() -> Response:
    """Say whether the server can run bots."""
    try:
        health, problem = services().runner.health(), None
    except Unavailable as error:
        health, problem = {}, error.sentence
    data: dict[str, Any] = {
        "ok": problem is None,
        "problem": problem,
        "runs": health.get("runs"),
        "level": health.get("level"),
    }
    return page("status.html", here="", **data)


@bp.get("/login")
@READER
def login() -> Response:
    """Ask for a token, or with `?link=` whether to sign in as the user that the one-time link is for."""
    link = request.args.get("link", "")
    name = auth.link_owner(services().database, link) if link else None
    return login_page(link=link, name=name, problem=_dead_link() if link and not name else None)


def _dead_link() -> str:
    return "This link was used already or is too old. Ask for a new one."


def login_page(*, link: str = "", name: str | None = None, problem: str | None = None, status: int = 200) -> Response:
    """Render the page: `name` is whom the link signs in; `bots` is how many bots a guest could take along."""
    person, settings = current_person(), services().settings
    csrf = auth.csrf_token(settings, person.session_id or "") if person else ""
    bots = 0
    if person and person.is_guest:
        with services().database.read() as session:
            bots = len(drafts.bots_of(session, person.id))
    user = {"name": person.name, "guest": person.is_guest} if person else None
    return page(
        "login.html", status=status, here="", link=link, name=name, problem=problem, csrf=csrf, bots=bots, user=user
    )


@bp.post("/login")
@NEWCOMER
def sign_in() -> BaseResponse:
    """Sign in by `token` or `link`; `keep_bots` takes a guest's bots along; `csrf` where there is a session."""
    person, form = current_person(), request.form
    check_forgery(person, token=form.get("csrf", ""))
    proof = Proof(token=form.get("token", ""), link=form.get("link", ""))
    keep = form.get("keep_bots", "") not in ("", "0", "off", "false", "no")
    context = services()
    try:
        cookie, _ = auth.sign_in(context.database, context.settings, proof, person, keep_bots=keep)
    except BadRequest as error:
        return login_page(problem=error.sentence, status=error.status)
    response = redirect("/", 303)
    set_session_cookie(response, context.settings, cookie)
    return response


@bp.get("/favicon.ico")
@ANYONE
def favicon() -> BaseResponse:
    """Browsers ask for it whatever the page says."""
    return redirect(static_url("icon.svg"))


@bp.get("/robots.txt")
@ANYONE
def robots() -> Response:
    """Links are for people who were given them."""
    return Response("User-agent: *\nDisallow: /b/\nDisallow: /f/\nDisallow: /api/\n", mimetype="text/plain")
