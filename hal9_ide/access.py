"""Who may use a route: the guard that enforces the rules, and loading that asks for permission in the same call.

Closed by default: a route whose view carries no rule answers nobody, and a test that walks the URL map finds it.
"""

from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from hal9_ide import auth, security
from hal9_ide.auth import Person
from hal9_ide.chat import Runner
from hal9_ide.errors import Absent, Hal9Error, NotAllowed, NotSignedIn
from hal9_ide.rules import Rule
from hal9_ide.settings import Settings
from hal9_ide.store import drafts, visits
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.bots import Bot
from hal9_ide.store.chats import Chat
from hal9_ide.store.write import Database

COOKIE = "hal9_session"
CSRF_HEADER = "X-CSRF-Token"
VISITOR_HEADER = "X-Visitor"
KEY_HEADER = "ApiKey"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FILES_ENDPOINT = "published.serve"
"""Files made by bots: with a content URL set, that host serves these and nothing else does."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with; made once per process."""

    settings: Settings
    database: Database
    blobs: Blobs
    runner: Runner


def services() -> Services:
    """Return the services of the application that handles this request."""
    return cast(Services, current_app.extensions["hal9_ide"])


def guard() -> None:
    """Enforce the rule of the route that is about to run. Raises Hal9Error."""
    settings = services().settings
    rule = getattr(current_app.view_functions.get(request.endpoint or ""), "access_rule", None)
    if not (rule and rule.any_host):
        _check_where(settings)
    if request.endpoint is None:
        return  # no such route, or not this method: Flask says so
    if rule is None:
        raise Hal9Error("This address has no access rule.", code="closed")
    request.max_content_length = rule.body_bytes(settings)
    g.visitor = _visitor(rule)
    g.person = None if g.visitor else _person(rule)
    if rule.must_sign_in and g.person is None:
        raise NotSignedIn(_sign_in_sentence(settings, rule))


def _check_where(settings: Settings) -> None:
    if security.is_content_host(settings, request.host):
        if request.endpoint != FILES_ENDPOINT:
            raise Absent
        return
    security.check_host(settings, request.host)


def _visitor(rule: Rule) -> str | None:
    """Return the visitor's secret, or None when the request shows none."""
    if not rule.by_visitor:
        return None
    if not rule.is_socket:
        return request.headers.get(VISITOR_HEADER) or None
    security.check_same_origin(services().settings, request.headers)
    return socket_visitor(request.headers.get("Sec-WebSocket-Protocol", ""))


def socket_visitor(protocols: str) -> str | None:
    """Return the secret in a list of sub-protocols, or None."""
    offered = [word.strip() for word in protocols.split(",")]
    return next((word.removeprefix("visitor.") for word in offered if word.startswith("visitor.")), None)


def _person(rule: Rule) -> Person | None:
    key = _key()
    if rule.by_token and key is not None:
        return _by_token(rule, auth.person_by_token(services().database, key))
    if not rule.by_cookie:
        return None
    person = cookie_person()
    if request.method not in SAFE_METHODS:
        check_forgery(person, origin_alone=rule.origin_alone)
    return person


def _key() -> str | None:
    """Return the token that a request shows, also as `Authorization: Bearer`, the one way that Prometheus knows."""
    bearer = request.headers.get("Authorization", "")
    return request.headers.get(KEY_HEADER) or (bearer[7:].strip() if bearer.startswith("Bearer ") else None)


def _by_token(rule: Rule, person: Person | None) -> Person | None:
    if person and rule.scope and person.scope != rule.scope:
        raise NotAllowed(f"This needs a token of scope {rule.scope}.", code="wrong_scope")
    return person


def check_forgery(person: Person | None, *, token: str | None = None, origin_alone: bool = False) -> None:
    """Refuse an unsafe request that another site's page could have made with this browser's cookie. Raises NotAllowed.

    `token` is what the request shows as its CSRF token; None: what its header says.
    """
    settings = services().settings
    security.check_same_origin(settings, request.headers)
    if person is None or person.session_id is None or origin_alone:
        return
    shown = request.headers.get(CSRF_HEADER, "") if token is None else token
    if not auth.is_csrf_token(settings, person.session_id, shown):
        raise NotAllowed("This page is out of date. Load it again.", code="csrf")


def cookie_person() -> Person | None:
    """Return whose session the request's cookie is, or None: for routes that look at it only in one case."""
    cookie = request.cookies.get(COOKIE)
    return auth.person_by_cookie(services().database, services().settings, cookie) if cookie else None


def _sign_in_sentence(settings: Settings, rule: Rule) -> str:
    if not rule.by_cookie:
        return f"Unknown token - get one at {settings.link_base}/devs"
    return "Sign in first: load the page again."


def current_person() -> Person | None:
    """Return who asks, or None for nobody known."""
    return cast("Person | None", g.get("person"))


def signed_in() -> Person:
    """Return who asks. Raises NotSignedIn."""
    person = current_person()
    if person is None:
        raise NotSignedIn("Sign in first: load the page again.")
    return person


def bot_for(person: Person, bot_id: str) -> Bot:
    """Return a bot of this person's, to look at. Raises Absent, also for another person's."""
    with services().database.read() as session:
        return bot_in(session, person, bot_id)


def bot_in(session: Session, person: Person, bot_id: str) -> Bot:
    """Return a bot of this person's inside a session, to change. Raises Absent, also for another person's."""
    bot = drafts.bot_of(session, person.id, bot_id)
    if bot is None:
        raise Absent("There is no such bot.")
    return bot


def chat_for(chat_id: str) -> tuple[Chat, Bot]:
    """Return a chat of whoever asks, and its bot. Raises Absent, also for another person's.

    A visitor's secret opens live chats alone, a session draft chats alone.
    """
    person = current_person()
    with services().database.read() as session:
        if g.visitor:
            found = visits.live_chat(session, chat_id, auth.hashed(g.visitor))
        else:
            found = visits.draft_chat(session, chat_id, person.id) if person else None
    if found is None:
        raise Absent("There is no such chat.")
    return found


def set_session_cookie(response: Response, settings: Settings, cookie: str) -> None:
    """Let the browser keep a session. Pages' scripts cannot read it, other sites' requests do not carry it."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=settings.session_days * auth.DAY_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.link_base.startswith("https:"),
    )
