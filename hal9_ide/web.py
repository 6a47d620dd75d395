"""The web application: makes the services of a process, adds the routes, and gives every answer its form."""

import gzip
import logging
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, g, request
from jinja2 import TemplateNotFound
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from hal9_ide import access, api, monitoring, pages, published, security, static_files, ws
from hal9_ide.access import Services
from hal9_ide.api.speaking import answer
from hal9_ide.chat import Runner, Supervisor
from hal9_ide.errors import Absent, BadRequest, Hal9Error, TooLarge
from hal9_ide.logs import configure_logs
from hal9_ide.rules import JSON_BODY_BYTES
from hal9_ide.settings import Settings, read_settings
from hal9_ide.sock import sock
from hal9_ide.store import migrate
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.write import Database

log = structlog.get_logger()
ROOT = Path(__file__).resolve().parents[1]
UPLOAD_PATH = "/api/v1/assets/upload"
REASON_LENGTH = 190
DRAIN_BYTES = 256 << 20
COMPRESS_TYPES = ("text/html", "application/json", "image/svg+xml", "text/plain")
PLAIN_TYPES = frozenset({"text/javascript", "text/css"})
COMPRESS_FROM_BYTES = 1_000
REQUEST_LINE_BYTES = 32 << 10


def create_app(settings: Settings, *, runner: Runner | None = None, templates: Path | None = None) -> Flask:
    """Return the application. `runner` None: the supervisor of this machine; `templates` None: our own pages."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate.upgrade(settings.database)
    app = Flask("hal9_ide", static_folder=None, template_folder=str(templates or ROOT / "templates"))
    app.url_map.merge_slashes = False  # a doubled slash would be answered with a redirect, which turns POST into GET
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["hal9_ide"] = Services(
        settings,
        Database(settings.database),
        Blobs(settings.blobs_dir),
        runner or Supervisor(settings.supervisor_socket),
    )
    _add_routes(app)
    _add_hooks(app)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def _add_routes(app: Flask) -> None:
    api.register(app)
    sock.init_app(app)
    for blueprint in (monitoring.bp, published.bp, static_files.bp, ws.bp, pages.bp):
        app.register_blueprint(blueprint)


def _add_hooks(app: Flask) -> None:
    app.before_request(access.guard)
    app.after_request(_finish)
    app.register_error_handler(Hal9Error, _on_our_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_failure)
    app.context_processor(_page_context)


def _page_context() -> dict[str, Any]:
    if "nonce" not in g:
        g.nonce = security.new_nonce()
    return {"static_url": static_files.static_url, "csp_nonce": g.nonce}


# errors


def _on_our_error(error: Hal9Error) -> Response:
    if error.status >= 500:
        log.warning("request refused", route=request.endpoint, status=error.status, code=error.code)
    response = _error_response(error)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _on_http_error(error: HTTPException) -> Response:
    """Give Flask's own refusals our shape."""
    status = error.code or 500
    if isinstance(error, RequestEntityTooLarge):
        return _on_our_error(TooLarge(_too_large_sentence()))
    if status == 404:
        return _on_our_error(Absent())
    if status == 405:
        ours = BadRequest("This address does not take that method.", code="bad_method")
        response = _error_response(ours, 405)
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or [])
        return response
    if status < 400:
        return Response(error.get_response(request.environ).get_data(), status, dict(error.get_headers()))
    return _error_response(BadRequest("The request is malformed.", code="malformed"), status)


def _too_large_sentence() -> str:
    most = request.max_content_length or 0
    if most <= JSON_BODY_BYTES:
        return "The request is too large."
    return f"A bot can have {access.services().settings.upload_bytes >> 20} MiB, and this is larger."


def _on_failure(error: Exception) -> Response:
    log.error("request failed", route=request.endpoint, method=request.method, exc_info=error)
    return _error_response(Hal9Error("Something went wrong on our side. Try again."))


def _error_response(error: Hal9Error, status: int | None = None) -> Response:
    status = status or error.status
    if not _wants_page():
        response = answer(error.as_json(), status)
    else:
        response = _error_page(error, status)
    if request.path.endswith(UPLOAD_PATH):
        _drain()
        response.status = f"{status} {reason_phrase(error.sentence)}"
    return response


def _wants_page() -> bool:
    path = request.path.lstrip("/")
    return not path.startswith(("api/", "static/", "healthz", "metrics", "openapi.json"))


def _error_page(error: Hal9Error, status: int) -> Response:
    try:
        return pages.page(
            "error.html", status=status, here="", sentence=error.sentence, code=error.code, error_status=status
        )
    except TemplateNotFound:
        return Response(error.sentence + "\n", status, mimetype="text/plain")


def reason_phrase(sentence: str) -> str:
    """Return a sentence as an HTTP reason phrase, one short line of ASCII: all that the published client shows."""
    line = " ".join(sentence.replace("—", "-").replace("’", "'").split())
    return line.encode("ascii", "replace").decode()[:REASON_LENGTH]


def _drain() -> None:
    """Read what the client is still sending: one that is cut off while it sends never sees the answer."""
    left = DRAIN_BYTES
    stream = request.environ["wsgi.input"]
    while left > 0 and (piece := stream.read(min(left, 1 << 20))):
        left -= len(piece)


# answers


def _finish(response: Response) -> Response:
    """Add what every answer carries. Our own scripts and styles need little, and there are many of them."""
    if request.blueprint == "static" and response.mimetype in PLAIN_TYPES:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
    for name, value in security.COMMON_HEADERS.items():
        response.headers.setdefault(name, value)
    is_page = response.mimetype == "text/html" and "nonce" in g
    policy = security.page_policy(access.services().settings, g.nonce) if is_page else security.ANSWER_POLICY
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Cache-Control", "no-cache" if is_page else "no-store")
    return _compress(response)


def _compress(response: Response) -> Response:
    """Compress pages and JSON. None of them holds both a secret and what a stranger chose, so sizes tell nothing."""
    if response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    if response.mimetype not in COMPRESS_TYPES or request.accept_encodings["gzip"] <= 0:
        return response
    data = response.get_data()
    response.vary.add("Accept-Encoding")
    if len(data) >= COMPRESS_FROM_BYTES:
        response.set_data(gzip.compress(data, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _application() -> Flask:
    configure_logs()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    return create_app(read_settings())


def __getattr__(name: str) -> Flask:
    """Make `application` when gunicorn asks for it, so that importing this module reads no settings."""
    if name == "application":
        application = _application()
        globals()["application"] = application
        return application
    raise AttributeError(name)
