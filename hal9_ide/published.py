"""Files made by bots, at /f/<key>/<path>: content of strangers under our name, so every answer binds the browser."""

from pathlib import PurePosixPath
from urllib.parse import quote

from flask import Blueprint, Response, request, send_file

from hal9_ide.access import services
from hal9_ide.errors import Absent
from hal9_ide.rules import ANYONE
from hal9_ide.security import file_policy, is_content_host
from hal9_ide.store import visits
from hal9_ide.store.manifests import folder_entries

bp = Blueprint("published", __name__)

INLINE = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".csv": "text/csv",
    ".gif": "image/gif",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/plain",
    ".mjs": "text/javascript",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
"""What a browser may show in its place. Everything else is a download."""
DOWNLOAD = "application/octet-stream"


def media_type(name: str) -> str:
    """Return the media type that a file's name stands for."""
    return INLINE.get(PurePosixPath(name).suffix.lower(), DOWNLOAD)


@bp.get("/f/<key>/", defaults={"path": "index.html"})
@bp.get("/f/<key>/<path:path>")
@ANYONE
def serve(key: str, path: str) -> Response:
    """Return a file as the turn left it. Hidden files were never published. With a content URL, that host has it."""
    settings = services().settings
    if settings.content_url and not is_content_host(settings, request.host):
        return Response(status=307, headers={"Location": f"{settings.content_url}{quote(request.path)}"})
    with services().database.read() as session:
        manifest = visits.published(session, key)
    if manifest is None or any(part.startswith(".") for part in path.split("/")):
        raise Absent
    entries = folder_entries(services().blobs, manifest)
    if _is_file(entries, f"{path}/index.html"):  # a folder's page: its siblings resolve only below the slash
        return Response(status=308, headers={"Location": f"{quote(PurePosixPath(path).name)}/"})
    path = f"{path}index.html" if path.endswith("/") else path
    if not _is_file(entries, path):
        raise Absent
    return _file(path, str(entries[path][1]))


def _is_file(entries: dict[str, list[object]], path: str) -> bool:
    return path in entries and entries[path][0] == "file"


def _file(path: str, sha: str) -> Response:
    kind = media_type(path)
    name = PurePosixPath(path).name
    blob = services().blobs.path(sha)
    response = send_file(blob, mimetype=kind, as_attachment=kind == DOWNLOAD, download_name=name, etag=False)
    response.set_etag(sha)
    response.make_conditional(request)
    _bind(response)
    return response


def _bind(response: Response) -> None:
    response.headers["Content-Security-Policy"] = file_policy(services().settings)
    response.headers["Cache-Control"] = "private, no-cache"  # it dies with its chat
    response.headers["Access-Control-Allow-Origin"] = "*"  # a sandboxed page reads its siblings; no cookie counts here
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
