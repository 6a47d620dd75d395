"""Scripts, styles and images of our own: addresses with a hash, so that browsers keep them, and compressed copies.

`python -m hal9_ide.static_files` writes the compressed copies into build/static; without them files go out as they are.
"""

import gzip
import hashlib
import re
import sys
import time
from pathlib import Path

from flask import Blueprint, Response, request, send_file

from hal9_ide.errors import Absent
from hal9_ide.rules import ANYONE

ROOT = Path(__file__).resolve().parents[1] / "static"
BUILD = ROOT.parent / "build" / "static"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
COMPRESSED = frozenset({".css", ".html", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".wasm"})
SMALL_BYTES = 500
LOOK_AGAIN_SECONDS = 1.0
REMARKS = re.compile(rb"^[ \t]*/\*(?:(?!\*/)[\s\S])*\*/[ \t]*\n|^[ \t]*//[^\n]*\n", re.MULTILINE)
"""Lines that are nothing but a comment. They are a third of our modules; a browser has no use for them."""
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

bp = Blueprint("static", __name__)


class Build:
    """The hash of all files together: it changes with any of them, and with it every address."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._hash = ""
        self._looked = 0.0

    def hash(self) -> str:
        """Return the hash; looks at the files again after a second, so that a page under work is never stale."""
        now = time.monotonic()
        if not self._hash or now - self._looked > LOOK_AGAIN_SECONDS:
            self._hash, self._looked = _tree_hash(self._root), now
        return self._hash


def _tree_hash(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        status = path.stat()
        digest.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]


build = Build(ROOT)


def static_url(path: str) -> str:
    """Return the address of a file of ours, for templates."""
    return f"/static/{build.hash()}/{path}"


@bp.get("/static/<build_hash>/<path:path>")
@ANYONE
def serve(build_hash: str, path: str) -> Response:
    """Return a file of ours, for ever the same at this address."""
    file = _inside(path)
    encoding, shown = _best_copy(path, file)
    kind = TYPES.get(file.suffix, "application/octet-stream")
    response = send_file(shown, mimetype=kind, conditional=False, etag=False)
    for name in ("Content-Disposition", "Last-Modified", "Date"):  # of the compressed copy; the address says it all
        response.headers.pop(name, None)
    is_current = build_hash == build.hash()
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-cache"
    response.headers["Vary"] = "Accept-Encoding"
    if encoding:
        response.headers["Content-Encoding"] = encoding
    return response


def _inside(path: str) -> Path:
    """Return a file below the root. Threat: `..` or a link could lead out; resolve first, then compare."""
    file = (ROOT / path).resolve()
    if not file.is_relative_to(ROOT) or not file.is_file():
        raise Absent
    return file


def _best_copy(path: str, file: Path) -> tuple[str | None, Path]:
    """Return the encoding and the file to send: the best that the client takes and that is up to date."""
    for encoding, suffix in ENCODINGS:
        copy = BUILD / (path + suffix)
        if request.accept_encodings[encoding] > 0 and copy.is_file():
            if copy.stat().st_mtime_ns >= file.stat().st_mtime_ns:
                return encoding, copy
    return None, file


def as_sent(path: Path, data: bytes) -> bytes:
    """Return a file as its compressed copies hold it: our own scripts and styles without their comments."""
    is_ours = path.suffix in (".js", ".css") and path.parts[0] != "vendor"
    return REMARKS.sub(b"", data) if is_ours else data


def compress(root: Path = ROOT, target: Path = BUILD) -> int:
    """Write the compressed copies that are missing or old; return how many files were looked at."""
    import brotli  # type: ignore[import-untyped]  # noqa: PLC0415  not needed to serve

    files = [path for path in root.rglob("*") if path.suffix in COMPRESSED and path.stat().st_size > SMALL_BYTES]
    for path in files:
        base = target / path.relative_to(root)
        newest = path.stat().st_mtime_ns
        copies = {suffix: base.with_name(base.name + suffix) for _, suffix in ENCODINGS}
        if all(copy.is_file() and copy.stat().st_mtime_ns >= newest for copy in copies.values()):
            continue
        base.parent.mkdir(parents=True, exist_ok=True)
        data = as_sent(path.relative_to(root), path.read_bytes())
        copies[".br"].write_bytes(brotli.compress(data, quality=11))
        copies[".gz"].write_bytes(gzip.compress(data, 9, mtime=0))
    return len(files)


if __name__ == "__main__":
    sys.stdout.write(f"{compress()} files compressed\n")
