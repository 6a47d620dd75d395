"""A package index of the test's own: tiny wheels, served on loopback as PyPI serves its own (PEP 503)."""

import base64
import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.host import state_folder


def wheel(name: str, version: str, files: Mapping[str, str], *requires: str) -> bytes:
    """Return a wheel of pure Python with these modules."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    made = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in made.items())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in {**made, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return buffer.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Wheelhouse:
    """An index that is filled while it serves. `asked` are the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.url = ""

    def add(self, name: str, version: str, files: Mapping[str, str], *requires: str) -> None:
        """Offer a wheel."""
        self.add_file(
            name, f"{name.replace('-', '_')}-{version}-py3-none-any.whl", wheel(name, version, files, *requires)
        )

    def add_file(self, name: str, file: str, data: bytes) -> None:
        """Offer any file as one of a project's."""
        page = self.folder / "simple" / name
        page.mkdir(parents=True, exist_ok=True)
        (page / file).write_bytes(data)
        links = "".join(
            f'<a href="{path.name}">{path.name}</a>\n' for path in page.iterdir() if path.name != "index.html"
        )
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")


@contextmanager
def served(folder: Path) -> Iterator[Wheelhouse]:
    """Serve an empty index; at the end remove the environments that were made of it."""
    house = Wheelhouse(folder)

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            house.asked.append(self.path)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, name="wheelhouse")
    thread.start()
    house.url = f"http://127.0.0.1:{server.server_port}/simple"
    try:
        yield house
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        _remove_environments()


def _remove_environments() -> None:
    """Every package of a test is named tiny-…"""
    for about in (state_folder() / "env").glob("*/about.json"):
        if any(line.startswith("tiny-") for line in json.loads(about.read_text())["packages"]):
            shutil.rmtree(about.parent)
