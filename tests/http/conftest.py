"""An application with a real database and a Runner that only notes what it is asked."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hal9_ide.access import Services
from hal9_ide.chat import Answer, Link
from hal9_ide.errors import Hal9Error
from hal9_ide.settings import Settings, read_settings
from hal9_ide.store import migrate
from hal9_ide.web import create_app

ORIGIN = "http://127.0.0.1:8000"
PAGES = ("ide", "bot", "devs", "login", "explore", "learn", "status", "error")
MORE = {
    "login": "[{{ name }}|{{ problem }}|{{ csrf }}|{{ bots }}]",
    "error": "{{ sentence }} {{ code }} {{ error_status }}",
    "explore": "{{ bots | tojson }}",
    "status": "{{ ok }} {{ problem }}",
}
ECHO = 'echo = input()\nprint(f"Echo: {echo}")\n'


# What hal9 2.8.22 sends for `hal9 deploy echo --name echo`
AS_SENT: dict[str, Any] = {
    "filename": "echo",
    "type": "ability",
    "name": "echo",
    "format": "b64",
    "schemapath": None,
    "access": "private",
    "sourcefile": "app.py",
    "thumbnail": None,
    "title": None,
    "description": None,
    "files": {"app.py": "cHJpbnQoMSkK"},
}


class FakeRunner:
    """Notes calls; raises `refusal` where a test sets one; answers the start check with `check_answer`."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal: Hal9Error | None = None
        self.check_answer: Answer = {"passed": True, "seconds": 0.1, "reason": "waiting", "traceback": None}

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.refusal:
            raise self.refusal

    def open(self, chat: str, address: str | None) -> None:
        self._note("open", chat, address)

    def deliver(self, chat: str, message: str, text: str, uploads: list[str]) -> None:
        self._note("deliver", chat, message, text, uploads)

    def stop(self, chat: str) -> None:
        self._note("stop", chat)

    def restart(self, chat: str) -> None:
        self._note("restart", chat)

    def status(self, chat: str) -> Answer:
        self._note("status", chat)
        return {"state": "waiting", "seq": 3}

    def close(self, chat: str) -> None:
        self._note("close", chat)

    def check(self, manifest: str) -> Answer:
        self._note("check", manifest)
        return self.check_answer

    def health(self) -> Answer:
        self._note("health")
        return {"level": "strong", "runs": 2}

    def metrics(self) -> Answer:
        self._note("metrics")
        return {"runs": 2, "waiting": 1, "level": "strong", "ok": True}

    def attach(self, chat: str, *, is_author: bool) -> Link:
        raise NotImplementedError


class Browser:
    """Somebody's browser: keeps the cookie, says where its requests come from, sends the CSRF token."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.csrf = ""
        self.user: dict[str, Any] = {}

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request as a page of ours would; `csrf=None` and `origin=None` leave those headers out."""
        csrf, origin = options.pop("csrf", self.csrf), options.pop("origin", ORIGIN)
        headers = dict(options.pop("headers", {}))
        if csrf is not None:
            headers.setdefault("X-CSRF-Token", csrf)
        if origin is not None:
            headers.setdefault("Origin", origin)
        full = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.open(full, method=method, headers=headers, base_url=ORIGIN, buffered=True, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, json: object = None, **options: Any) -> TestResponse:
        return self.ask("POST", path, json={} if json is None else json, **options)

    def begin(self) -> "Browser":
        """Open a session, as the page's script does first."""
        answer = self.post("session").get_json()
        self.csrf, self.user = answer["csrf"], answer["user"]
        return self

    def make_bot(self, **fields: object) -> str:
        answer = self.post("bots", fields or {"files": {"app.py": ECHO}})
        assert answer.status_code == 201, answer.text
        bot: str = answer.get_json()["id"]
        return bot

    def deploy(self, bot: str, **fields: object) -> dict[str, Any]:
        answer = self.post(f"bots/{bot}/deploy", fields)
        assert answer.status_code == 200, answer.text
        deployed: dict[str, Any] = answer.get_json()
        return deployed | {"key": deployed["url"].rpartition("/")[2]}


def visitor(app: Flask, method: str, path: str, secret: str = "", **options: Any) -> TestResponse:
    """Send a request as somebody who has a link and no cookie."""
    headers = {"X-Visitor": secret} if secret else {}
    return app.test_client().open(f"/api/v1/{path}", method=method, headers=headers, base_url=ORIGIN, **options)


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Return status and code of an error, after checking that it has the one shape."""
    body = answer.get_json()
    assert body["ok"] is False
    assert isinstance(body["error"], str)
    assert body["error"].endswith((".", "/devs"))
    return answer.status_code, body["code"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(environment(tmp_path))


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return variables for a server in a folder of its own."""
    roomy = {"HAL9_IDE_FREE_DISK_BYTES": "1", "HAL9_IDE_NEW_GUESTS_PER_MINUTE": "1000"}
    return {"HAL9_IDE_DATA_DIR": str(folder / "data"), **roomy, **more}


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages that show only what they are given: how ours look is not the matter of these tests."""
    folder = tmp_path_factory.mktemp("templates")
    for name in PAGES:
        shown = "{{ page_data | tojson if page_data is defined }} {{ csp_nonce }} {{ static_url('a.js') }}"
        text = f"{name} {shown} {MORE.get(name, '')}"
        (folder / f"{name}.html").write_text(f"<!doctype html>{text}{' ' * 1500}")
    return folder


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no rows: copied, for migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "hal9.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def app(settings: Settings, runner: FakeRunner, templates: Path, migrated: Path) -> Iterator[Flask]:
    settings.data_dir.mkdir(mode=0o700)
    shutil.copy(migrated, settings.data_dir)
    app = create_app(settings, runner=runner, templates=templates)
    yield app
    services_of(app).database.close()


def services_of(app: Flask) -> Services:
    services: Services = app.extensions["hal9_ide"]
    return services


@pytest.fixture
def guest(app: Flask) -> Browser:
    """An author with a session."""
    return Browser(app).begin()


@pytest.fixture
def other(app: Flask) -> Browser:
    """Another author with a session."""
    return Browser(app).begin()


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that has no session."""
    return Browser(app)
