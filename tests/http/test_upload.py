"""The upload of the published command line, as its body arrives."""

import base64
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from hal9_ide import auth
from hal9_ide.settings import read_settings
from hal9_ide.web import create_app
from tests.http.conftest import AS_SENT, ECHO, ORIGIN, Browser, FakeRunner, environment, services_of

UPLOAD = "/api/v1/assets/upload"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Client:
    """Somebody with a token, and their browser."""

    def __init__(self, app: Flask, name: str = "ada") -> None:
        self.app = app
        with services_of(app).database.write() as session:
            user = auth.user_named(session, name)
            self.token = auth.make_token(session, user.id, "deploy")[0]
        self.browser = Browser(app)
        self.browser.csrf = self.browser.post("login", {"token": self.token}).get_json()["csrf"]

    def send(self, path: str = UPLOAD, token: str | None = None, **fields: Any) -> TestResponse:
        headers = {"ApiKey": self.token if token is None else token}
        body = {**AS_SENT, "files": {"app.py": b64(ECHO)}, **fields}
        client, as_it_is = self.app.test_client(), {"PATH_INFO": path}  # the client would take // for a host
        return client.post("/", json=body, headers=headers, base_url=ORIGIN, environ_overrides=as_it_is)

    def deploy(self, **fields: Any) -> str:
        answer = self.send(**fields)
        assert answer.status_code == 200, answer.status
        url: str = answer.get_json()["url"]
        return url

    def bot(self) -> dict[str, Any]:
        (row,) = self.browser.get("bots").get_json()["bots"]
        bot: dict[str, Any] = self.browser.get(f"bots/{row['id']}").get_json()
        return bot

    def versions(self) -> list[tuple[int, str]]:
        rows = self.browser.get(f"bots/{self.bot()['id']}/versions").get_json()["versions"]
        return [(row["number"], row["source"]) for row in rows]


@pytest.fixture
def ada(app: Flask) -> Client:
    return Client(app)


@pytest.mark.parametrize("path", [UPLOAD, f"/{UPLOAD}"])
def test_an_upload_is_live_at_a_link(ada: Client, path: str) -> None:
    answer = ada.send(path, access="unlisted")
    assert answer.status_code == 200
    key = answer.get_json()["url"].removeprefix(f"{ORIGIN}/b/")
    assert ada.app.test_client().get(f"/b/{key}", base_url=ORIGIN).status_code == 200
    assert (ada.bot()["title"], ada.bot()["access"], ada.bot()["live"]["number"]) == ("echo", "unlisted", 1)
    assert ada.browser.get(f"bots/{ada.bot()['id']}/files/app.py").data.decode() == ECHO


def test_the_same_upload_makes_no_version(ada: Client) -> None:
    first = ada.deploy()
    assert ada.deploy() == first
    assert ada.versions() == [(1, "cli")]


@pytest.mark.parametrize("name", ["echo", "ECHO", " Echo "])
def test_the_same_name_is_the_same_bot(ada: Client, name: str) -> None:
    first = ada.deploy()
    assert ada.deploy(name=name, files={"app.py": b64("print(2)")}) == first
    assert ada.versions() == [(2, "cli"), (1, "cli")]


def test_a_bot_made_in_the_browser_has_its_slug_as_name(ada: Client) -> None:
    bot = ada.browser.make_bot(template="echo")
    ada.deploy(name="Echo")
    assert ada.bot()["id"] == bot


def test_names_may_be_anything(ada: Client) -> None:
    urls = {ada.deploy(name=name) for name in ("Mój bot", "mój bot", "my bot", "чат")}
    assert len(urls) == 3
    rows = ada.browser.get("bots").get_json()["bots"]
    assert {row["slug"] for row in rows} == {"moj-bot", "my-bot", "bot"}
    assert {row["title"] for row in rows} == {"Mój bot", "my bot", "чат"}


def test_another_users_name_is_another_bot(app: Flask, ada: Client) -> None:
    assert Client(app, "bob").deploy() != ada.deploy()


def test_null_leaves_what_there_was(ada: Client) -> None:
    ada.deploy(title="My echo", description="Says it.", access="public")
    ada.deploy(access=None, files={"app.py": b64("2")})
    assert (ada.bot()["title"], ada.bot()["description"], ada.bot()["access"]) == ("My echo", "Says it.", "public")
    ada.deploy(access=None, title="Other", sourcefile=None)
    assert (ada.bot()["title"], ada.bot()["description"]) == ("Other", "Says it.")


def test_private_is_applied_and_shown_and_keeps_the_key(ada: Client) -> None:
    url = ada.deploy(access="unlisted")
    assert ada.bot()["notice"] is None
    assert ada.deploy(access="private") == url
    assert (ada.bot()["access"], ada.bot()["notice"]) == ("private", "The command line made this bot private.")
    again = ada.browser.ask("PATCH", f"bots/{ada.bot()['id']}", json={"access": "unlisted"}).get_json()
    assert (again["url"], again["notice"]) == (url, None)
    ada.deploy(access="private")
    dismissed = ada.browser.ask("PATCH", f"bots/{ada.bot()['id']}", json={"notice": None}).get_json()
    assert (dismissed["access"], dismissed["notice"]) == ("private", None)
    ada.deploy(access="private")
    assert ada.bot()["notice"] is None


def test_a_new_private_bot_says_so_too(ada: Client) -> None:
    ada.deploy()
    assert ada.bot()["notice"] == "The command line made this bot private."


def test_an_upload_is_the_whole_draft(ada: Client) -> None:
    ada.deploy(files={"app.py": b64("1"), "lib\\a.py": b64("2"), "data.bin": b64(b"\0\xff")})
    assert [file["path"] for file in ada.bot()["files"]] == ["app.py", "data.bin", "lib/a.py"]
    ada.deploy(files={"app.py": b64("1")})
    assert [file["path"] for file in ada.bot()["files"]] == ["app.py"]
    assert ada.bot()["changed"] == []


def test_what_the_upload_replaced_is_on_record(ada: Client) -> None:
    from sqlalchemy import select

    from hal9_ide.store.bots import BotEvent
    from hal9_ide.store.manifests import load_manifest

    ada.deploy()
    ada.browser.ask("PUT", f"bots/{ada.bot()['id']}/files/app.py", data=b"my work")
    ada.deploy(files={"app.py": b64("2")})
    context = services_of(ada.app)
    with context.database.read() as session:
        event = session.scalars(select(BotEvent).where(BotEvent.kind == "replace")).one()
    before = load_manifest(context.blobs, str(event.details["before"]))
    assert context.blobs.get(before.files["app.py"]) == b"my work"


def test_sourcefile_names_the_main_file(ada: Client) -> None:
    files = {"app.py": b64("1"), "bot.py": b64("2"), "hal9.yaml": b64("main: app.py\n")}
    ada.deploy(files=files, sourcefile="bot.py")
    assert ada.bot()["main"] == "bot.py"


def phrase(answer: TestResponse) -> str:
    status, _, reason = answer.status.partition(" ")
    assert int(status) == answer.status_code
    assert reason.isascii()
    assert len(reason) < 200
    assert answer.get_json()["ok"] is False
    return reason


@pytest.mark.parametrize("token", ["", "wrong", "hal9_wrong"])
def test_an_unknown_token_is_told_where_to_get_one(ada: Client, token: str) -> None:
    answer = ada.send(token=token)
    assert (answer.status_code, phrase(answer)) == (401, f"Unknown token - get one at {ORIGIN}/devs")


def test_a_main_file_that_is_not_there(ada: Client) -> None:
    answer = ada.send(sourcefile="nope.py")
    assert (answer.status_code, phrase(answer)) == (422, "There is no file 'nope.py' to start - name one with --main")
    assert ada.browser.get("bots").get_json() == {"bots": []}


def test_a_script_that_does_not_start_leaves_no_bot(ada: Client, runner: FakeRunner) -> None:
    error = {"type": "NameError", "message": "name 'é' is not defined", "file": "app.py", "line": 3}
    runner.check_answer = {"passed": False, "traceback": "…", "error": error}
    answer = ada.send()
    assert answer.status_code == 422
    assert phrase(answer) == "The script does not start: NameError: name '?' is not defined in app.py, line 3."
    assert ada.browser.get("bots").get_json() == {"bots": []}


def test_a_second_upload_that_does_not_start_changes_nothing(ada: Client, runner: FakeRunner) -> None:
    ada.deploy(access="unlisted")
    before = ada.bot()
    runner.check_answer = {"passed": False, "reason": "failed", "exit_status": 1}
    answer = ada.send(files={"app.py": b64("x")}, title="New", access="private")
    assert "status 1" in phrase(answer)
    assert ada.bot() == before


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"files": {"../x.py": b64("")}}, 400, "'../x.py' cannot be the path"),
        ({"files": {"/etc/passwd": b64("")}}, 400, "must be relative"),
        ({"files": {"C:\\x": b64("")}}, 400, "must be relative"),
        ({"files": {"a\nb": b64("")}}, 400, "control character"),
        ({"files": {".storage/x": b64("")}}, 400, "belongs to the running bot"),
        ({"files": {"app.py": "not base64!"}}, 400, "is not base64"),
        ({"files": {"app.py": b64(""), "app.py/x": b64("")}}, 409, "both a file and a folder"),
        ({"files": []}, 400, "malformed"),
        ({"name": ""}, 400, "A name has"),
        ({"name": "x" * 201}, 400, "A name has"),
        ({"access": "everyone"}, 400, "malformed"),
        ({"format": "zip"}, 400, "malformed"),
        ({"files": {f"{n}.py": "" for n in range(1001)}}, 413, "1000 files"),
    ],
)
def test_an_upload_that_makes_no_sense(ada: Client, fields: dict[str, Any], status: int, words: str) -> None:
    answer = ada.send(**fields)
    assert answer.status_code == status
    assert words in phrase(answer)


def test_too_much_names_the_largest_file(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_UPLOAD_BYTES="1000"))
    ada = Client(create_app(settings, runner=FakeRunner(), templates=templates))
    answer = ada.send(files={"app.py": b64("1"), "model.bin": b64("x" * 2000)})
    assert answer.status_code == 413
    assert "model.bin" in phrase(answer)


def test_a_second_upload_over_the_quota_changes_nothing(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_USER_BYTES="1000"))
    ada = Client(create_app(settings, runner=FakeRunner(), templates=templates))
    ada.deploy()
    assert ada.send(files={"app.py": b64("x" * 2000)}).status_code == 413
    assert ada.versions() == [(1, "cli")]


def test_a_session_is_no_token(ada: Client) -> None:
    body = {**AS_SENT, "files": {"app.py": b64(ECHO)}}
    assert ada.browser.post(UPLOAD, body).status_code == 401


def test_other_methods_are_not_redirected(ada: Client) -> None:
    for path in (UPLOAD, f"/{UPLOAD}"):
        client, as_it_is = ada.app.test_client(), {"PATH_INFO": path}
        assert client.get("/", base_url=ORIGIN, environ_overrides=as_it_is).status_code == 405
