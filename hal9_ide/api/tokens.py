"""Tokens: what programs show instead of a cookie. A token cannot make tokens."""

import msgspec
from flask import Blueprint

from hal9_ide import auth
from hal9_ide.access import services, signed_in
from hal9_ide.api.speaking import Done, speaks
from hal9_ide.errors import Absent, NotAllowed, TooLarge
from hal9_ide.rules import BROWSER
from hal9_ide.store import accounts

bp = Blueprint("tokens", __name__, url_prefix="/api/v1/tokens")


class TokenRow(msgspec.Struct):
    """A token without its secret."""

    id: str
    prefix: str
    scope: str
    created_at_ms: int
    last_used_at_ms: int | None


class TokenList(msgspec.Struct):
    """All tokens that are good."""

    tokens: list[TokenRow]


class NewToken(msgspec.Struct):
    """What a token is for."""

    scope: str = "deploy"


class TokenOnce(msgspec.Struct):
    """A new token, shown this once."""

    token: str
    id: str
    prefix: str


@bp.get("")
@BROWSER
@speaks()
def list_tokens() -> TokenList:
    """List your tokens."""
    with services().database.read() as session:
        rows = accounts.tokens_of(session, signed_in().id)
    return TokenList([TokenRow(t.id, t.prefix, t.scope, t.created_at_ms, t.last_used_at_ms) for t in rows])


@bp.post("")
@BROWSER
@speaks(NewToken)
def make_token(body: NewToken) -> TokenOnce:
    """Make a token. Only the operator's command makes one of scope operator."""
    person = signed_in()
    if body.scope == "operator":
        raise NotAllowed("A token of scope operator comes from the server's own command line.", code="wrong_scope")
    with services().database.write() as session:
        if len(accounts.tokens_of(session, person.id)) >= services().settings.tokens_per_user:
            raise TooLarge("You have as many tokens as one user may have. Delete one first.", code="too_many_tokens")
        secret, token = auth.make_token(session, person.id, body.scope)
        return TokenOnce(secret, token.id, token.prefix)


@bp.delete("/<token_id>")
@BROWSER
@speaks()
def delete_token(token_id: str) -> Done:
    """Revoke a token."""
    with services().database.write() as session:
        if not accounts.revoke_token(session, signed_in().id, token_id):
            raise Absent("There is no such token.")
    return Done()
