"""Sessions: a guest where there is none, taking a name, signing out."""

import msgspec
from flask import Blueprint, Response, request

from hal9_ide import auth
from hal9_ide.access import COOKIE, current_person, services, set_session_cookie, signed_in
from hal9_ide.api.speaking import Done, answer, speaks
from hal9_ide.auth import Person, Proof
from hal9_ide.errors import NotSignedIn
from hal9_ide.ratelimit import check_new_guest
from hal9_ide.rules import BROWSER, NEWCOMER, READER
from hal9_ide.settings import Settings

bp = Blueprint("sessions", __name__, url_prefix="/api/v1")


class UserAnswer(msgspec.Struct):
    """Who is signed in."""

    id: str
    name: str
    guest: bool


class SessionAnswer(msgspec.Struct):
    """A session, and the token that unsafe requests must carry in X-CSRF-Token."""

    user: UserAnswer
    csrf: str


class SignIn(msgspec.Struct):
    """A token or the secret of a one-time link. `keep_bots`: a guest's bots go along."""

    token: str = ""
    link: str = ""
    keep_bots: bool = False


class NameWish(msgspec.Struct):
    """The name that a guest wants."""

    name: str


def session_answer(settings: Settings, person: Person) -> SessionAnswer:
    """Return what a page learns about its session."""
    user = UserAnswer(person.id, person.name, person.is_guest)
    return SessionAnswer(user, auth.csrf_token(settings, person.session_id or ""))


@bp.post("/session")
@NEWCOMER
@speaks()
def open_session() -> SessionAnswer | Response:
    """Answer who is signed in; make a guest where nobody is."""
    settings, person = services().settings, current_person()
    if person:
        response = answer(session_answer(settings, person))
        set_session_cookie(response, settings, request.cookies[COOKIE])  # it lives as long from now on
        return response
    if settings.guests == "off":
        raise NotSignedIn("This server has no guests. Sign in at /login.", code="sign_in")
    check_new_guest(settings)
    cookie, person = auth.make_guest(services().database, settings)
    response = answer(session_answer(settings, person))
    set_session_cookie(response, settings, cookie)
    return response


@bp.post("/login")
@READER
@speaks(SignIn)
def sign_in(body: SignIn) -> Response:
    """Sign in by token or one-time link; a new session replaces the one before."""
    context, proof = services(), Proof(token=body.token, link=body.link)
    cookie, person = auth.sign_in(context.database, context.settings, proof, current_person(), keep_bots=body.keep_bots)
    response = answer(session_answer(context.settings, person))
    set_session_cookie(response, context.settings, cookie)
    return response


@bp.patch("/session")
@BROWSER
@speaks(NameWish)
def take_name(body: NameWish) -> SessionAnswer:
    """Make the guest who asks a user of that name."""
    settings = services().settings
    return session_answer(settings, auth.take_name(services().database, settings, signed_in(), body.name))


@bp.delete("/session")
@BROWSER
@speaks()
def sign_out() -> Response:
    """Revoke the session."""
    auth.sign_out(services().database, signed_in().session_id or "")
    response = answer(Done())
    response.delete_cookie(COOKIE)
    return response
