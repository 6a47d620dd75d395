"""The OpenAPI document of the HTTP API, made from the routes themselves."""

import re
from typing import Any, get_args

import msgspec
from flask import Blueprint, Response, current_app
from werkzeug.routing import Rule as UrlRule

from hal9_ide import __version__
from hal9_ide.access import services
from hal9_ide.api.speaking import answer
from hal9_ide.rules import ANYONE, Rule

bp = Blueprint("openapi", __name__)
REFERENCE = "#/components/schemas/{name}"


class Error(msgspec.Struct):
    """The one shape of every error."""

    ok: bool
    error: str
    code: str


@bp.get("/openapi.json")
@ANYONE
def document() -> Response:
    """Describe the API."""
    return answer(describe())


def describe() -> dict[str, Any]:
    """Return the document. WebSockets are not listed: OpenAPI has no word for them."""
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.rule.startswith("/api/") and not rule.websocket]
    kinds = sorted({kind for rule in rules for kind in _kinds(rule)} | {Error}, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for rule in rules:
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(_path(rule), {})[method.lower()] = _operation(rule, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hal9 IDE", "version": __version__},
        "servers": [{"url": services().settings.link_base}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components, "securitySchemes": SCHEMES},
    }


SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": "hal9_session"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    "token": {"type": "apiKey", "in": "header", "name": "ApiKey"},
    "visitor": {"type": "apiKey", "in": "header", "name": "X-Visitor"},
}


def _path(rule: UrlRule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)


def _kinds(rule: UrlRule) -> list[type[msgspec.Struct]]:
    view = current_app.view_functions[rule.endpoint]
    return [kind for kind in (getattr(view, "body", None), _answer_kind(view)) if kind]


def _answer_kind(view: Any) -> type[msgspec.Struct] | None:
    """Return the struct among the types that a view returns, or None when it answers bytes."""
    returned = getattr(view, "answer", None)
    choices = get_args(returned) or (returned,)
    return next((kind for kind in choices if isinstance(kind, type) and issubclass(kind, msgspec.Struct)), None)


def _operation(rule: UrlRule, method: str) -> dict[str, Any]:
    view: Any = current_app.view_functions[rule.endpoint]
    summary, _, rest = (view.__doc__ or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", _path(rule))
        ],
        "security": _security(view.access_rule, method),
        "responses": {
            str(getattr(view, "status", 200)): {"description": "It worked.", "content": _content(_answer_kind(view))},
            "default": {"description": "It did not.", "content": _content(Error)},
        },
    }
    if rest.strip():
        operation["description"] = rest.strip()
    if getattr(view, "body", None):
        operation["requestBody"] = {"content": _content(view.body)}
    return operation


def _content(kind: type[msgspec.Struct] | None) -> dict[str, Any]:
    if kind is None:
        return {"application/octet-stream": {}}
    return {"application/json": {"schema": {"$ref": REFERENCE.format(name=kind.__name__)}}}


def _security(rule: Rule, method: str) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = []
    if rule.by_cookie:
        ways.append({"session": []} if method in ("GET", "HEAD") else {"session": [], "csrf": []})
    if rule.by_token:
        ways.append({"token": []})
    if rule.by_visitor:
        ways.append({"visitor": []})
    return ways if rule.must_sign_in else [*ways, {}]
