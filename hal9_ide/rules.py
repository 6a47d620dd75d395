"""The rules that routes declare: who may use them. A route without one answers nobody; `access` enforces them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hal9_ide.settings import Settings

JSON_BODY_BYTES = 1 << 20
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route. As a decorator, it declares so."""

    name: str
    sentence: str
    by_cookie: bool = False
    by_token: bool = False
    by_visitor: bool = False  # X-Visitor, when it is there, replaces the cookie
    must_sign_in: bool = False
    scope: str | None = None  # that a token must have; None: any
    origin_alone: bool = False  # Origin is checked, no CSRF token: there may be no session yet
    is_socket: bool = False
    any_host: bool = False  # also for who asks by an address that is not ours, such as a load balancer
    uploads: float = 0.0  # how many times the largest upload a body may carry, beside the usual

    def __call__(self, view: View) -> View:
        """Declare that this rule holds for `view`."""
        view.access_rule = self  # type: ignore[attr-defined]
        return view

    def with_upload(self, times: float) -> "Rule":
        """Return this rule for a route whose body carries `times` the largest upload, as base64 makes it longer."""
        return replace(self, uploads=times)

    def body_bytes(self, settings: Settings) -> int:
        """Return the largest body."""
        return JSON_BODY_BYTES + int(self.uploads * settings.upload_bytes)


ANYONE = Rule("anyone", "Anybody; cookies are ignored.")
MONITOR = Rule("monitor", "Anybody, under any host name.", any_host=True)
READER = Rule("reader", "Anybody; the page may know who is signed in.", by_cookie=True)
NEWCOMER = Rule("newcomer", "Pages of this server, with or without a session.", by_cookie=True, origin_alone=True)
BROWSER = Rule("browser", "A session.", by_cookie=True, must_sign_in=True)
AUTHOR = Rule("author", "A session or a token.", by_cookie=True, by_token=True, must_sign_in=True)
PROGRAM = Rule("program", "A token of scope deploy.", by_token=True, must_sign_in=True, scope="deploy")
OPERATOR = Rule("operator", "A token of scope operator.", by_token=True, must_sign_in=True, scope="operator")
VISITOR = Rule("visitor", "Whoever has the link; X-Visitor tells visitors apart.", by_visitor=True)
CHATTER = Rule("chatter", "The author of a draft chat by session, the visitor of a live chat by X-Visitor.",
               by_cookie=True, by_visitor=True)  # fmt: skip
SOCKET = Rule("socket", "As chatter; the visitor's secret is a sub-protocol. Pages of this server only.",
              by_cookie=True, by_visitor=True, is_socket=True)  # fmt: skip
