"""Who is asking: guests, users, sessions, tokens, one-time links. A secret leaves this module once, as it is made."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hal9_ide.errors import BadRequest, Conflict, NotAllowed, Refused
from hal9_ide.settings import Settings
from hal9_ide.store import accounts
from hal9_ide.store.base import now_ms
from hal9_ide.store.people import LoginLink, Token, User
from hal9_ide.store.write import Database

SCOPES = ("deploy", "operator")
TOKEN_PREFIX = "hal9_"  # noqa: S105  the visible beginning that tells a token from other texts
PREFIX_LENGTH = 10
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,38}[A-Za-z0-9]|[A-Za-z0-9]")
RESERVED = frozenset(
    "admin api app b create devs explore f guest hal9 healthz learn login logout metrics openapi.json proxy robots.txt "
    "root static status support www".split()
)
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Person:
    """Who a request is from, and by which proof."""

    id: str
    name: str
    is_guest: bool
    session_id: str | None = None  # None: by token
    scope: str | None = None  # of the token; None: by session

    @classmethod
    def of(cls, user: User, *, session_id: str | None = None, scope: str | None = None) -> "Person":
        """Return the person that a user's record describes."""
        return cls(user.id, user.name, user.is_guest, session_id, scope)


def hashed(secret: str) -> str:
    """Return the form in which a secret is stored. Secrets here have at least 128 random bits: no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(settings: Settings, session_id: str) -> str:
    """Return what proves that a request was made by a page that could read our answer to its session."""
    return hmac.new(settings.secret_key, f"csrf {session_id}".encode(), hashlib.sha256).hexdigest()[:32]


def is_csrf_token(settings: Settings, session_id: str, token: str) -> bool:
    """Compare in constant time, so that the time of a refusal says nothing."""
    return hmac.compare_digest(csrf_token(settings, session_id).encode(), token.encode())


def person_by_cookie(database: Database, settings: Settings, cookie: str) -> Person | None:
    """Return who a session cookie stands for; None when it is not good. Notes the visit, at most once an hour."""
    with database.read() as session:
        known = accounts.session_by_hash(session, hashed(cookie))
    if known is None:
        return None
    if now_ms() - known.user.seen_at_ms > accounts.SEEN_STEP_MS:
        with database.write() as session:
            accounts.extend_session(session, known, settings.session_days * DAY_SECONDS)
    return Person.of(known.user, session_id=known.id)


def person_by_token(database: Database, token: str) -> Person | None:
    """Return who a token stands for; None when it is not good."""
    with database.read() as session:
        found = accounts.token_by_hash(session, hashed(token))
    if found is None:
        return None
    known, user = found
    if now_ms() - (known.last_used_at_ms or 0) > 60_000:
        with database.write() as session:
            accounts.touch_token(session, known.id)
    return Person.of(user, scope=known.scope)


def start_session(session: Session, settings: Settings, user: User) -> tuple[str, Person]:
    """Sign a user in; return the cookie's value and who they are."""
    cookie = secrets.token_urlsafe(32)
    accounts.add_session(session, user.id, hashed(cookie), settings.session_days * DAY_SECONDS)
    return cookie, Person.of(user, session_id=hashed(cookie))


def make_guest(database: Database, settings: Settings) -> tuple[str, Person]:
    """Make a guest and sign them in; return the cookie's value and who they are."""
    with database.write() as session:
        user = accounts.add_user(session, f"guest-{secrets.token_hex(5)}", is_guest=True)
        return start_session(session, settings, user)


def sign_out(database: Database, session_id: str) -> None:
    """Revoke a session."""
    with database.write() as session:
        accounts.revoke_session(session, session_id)


def checked_name(name: str) -> str:
    """Return a user's name that can stand in an address. Raises BadRequest saying what a name is."""
    name = name.strip()
    if not NAME.fullmatch(name):
        raise BadRequest("A name is 1 to 40 letters, digits, dots, dashes or underscores.", code="bad_name")
    if name.casefold() in RESERVED or name.casefold().startswith("guest-"):
        raise Conflict(f"The name {name} is taken.", code="name_taken")
    return name


def user_named(session: Session, name: str) -> User:
    """Return the user of that name, made if absent: for the operator's commands. Raises BadRequest, Conflict."""
    return accounts.user_by_name(session, name) or accounts.add_user(session, checked_name(name), is_guest=False)


def take_name(database: Database, settings: Settings, person: Person, name: str) -> Person:
    """Make a guest a user of that name. Raises BadRequest, Conflict, or NotAllowed where sign-up is closed."""
    if settings.signup == "closed":
        raise NotAllowed("This server takes no new users. Ask its operator for a login link.", code="signup_closed")
    name = checked_name(name)
    with database.write() as session:
        user = session.get_one(User, person.id)
        if not user.is_guest:
            raise Refused("You have a name already.", code="not_a_guest")
        if accounts.user_by_name(session, name):
            raise Conflict(f"The name {name} is taken.", code="name_taken")
        user.name, user.name_key, user.is_guest = name, name.casefold(), False
        return Person.of(user, session_id=person.session_id)


def make_token(session: Session, user_id: str, scope: str) -> tuple[str, Token]:
    """Make a token; return it, for the only time, and its record."""
    if scope not in SCOPES:
        raise BadRequest(f"The scope of a token is one of: {', '.join(SCOPES)}.", code="bad_scope")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(24)
    token = Token(user_id=user_id, secret_hash=hashed(secret), prefix=secret[:PREFIX_LENGTH], scope=scope)
    session.add(token)
    session.flush()
    return secret, token


def make_login_link(session: Session, settings: Settings, user_id: str) -> str:
    """Make a one-time link; return its address, for the only time."""
    secret = secrets.token_urlsafe(24)
    expires = now_ms() + settings.login_link_minutes * 60_000
    session.add(LoginLink(secret_hash=hashed(secret), user_id=user_id, expires_at_ms=expires))
    return f"{settings.link_base}/login?link={secret}"


def link_owner(database: Database, link: str) -> str | None:
    """Return the name of whom a one-time link would sign in, without using it up; None when it is not good."""
    with database.read() as session:
        user = accounts.user_of_link(session, hashed(link))
        return user.name if user else None


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows to sign in: a token or the secret of a one-time link."""

    token: str = ""
    link: str = ""


def sign_in(
    database: Database, settings: Settings, proof: Proof, before: Person | None, *, keep_bots: bool
) -> tuple[str, Person]:
    """Sign in by token or one-time link; return the cookie's value and who they are.

    A guest who was here `before` gives their bots to the user when `keep_bots`. Raises BadRequest for a bad proof.
    """
    with database.write() as session:
        user = _proved(session, proof)
        if before and before.session_id:
            if keep_bots and before.is_guest and before.id != user.id:
                accounts.move_bots(session, before.id, user.id)
            accounts.revoke_session(session, before.session_id)  # a new session for new rights: none can be planted
        return start_session(session, settings, user)


def _proved(session: Session, proof: Proof) -> User:
    if proof.link:
        user = accounts.user_of_link(session, hashed(proof.link))
        if user and accounts.use_link(session, hashed(proof.link)):
            return user
        raise BadRequest("This link was used already or is too old. Ask for a new one.", code="bad_link")
    found = accounts.token_by_hash(session, hashed(proof.token.strip()))
    if not found:
        raise BadRequest("This token is not known here. Copy it again, or make a new one.", code="bad_token")
    return found[1]
