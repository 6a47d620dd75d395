"""Files made by bots: strangers' content under our name."""

import json
from pathlib import Path

import pytest
from flask import Flask

from hal9_ide.settings import read_settings
from hal9_ide.store.chats import Chat, Published
from hal9_ide.web import create_app
from tests.http.conftest import ORIGIN, Browser, FakeRunner, environment, services_of

FILES = {
    "chart.png": b"\x89PNG",
    "page.html": b"<script src=lib.js></script>",
    "lib.js": b"1",
    "picture.svg": b"<svg/>",
    "model.stl": b"solid",
    "site/index.html": b"home",
    "naïve name.csv": b"a,b",
    ".hidden": b"secret",
    "site/.env": b"secret",
}


def publish(app: Flask, guest: Browser, files: dict[str, bytes] = FILES) -> str:
    """Put a folder on record as a turn would leave it; return its key."""
    chat = guest.post(f"bots/{guest.make_bot()}/chats").get_json()["id"]
    blobs = services_of(app).blobs
    entries: dict[str, list[object]] = {
        path: ["file", blobs.put(data), len(data), 0o644] for path, data in files.items()
    }
    entries |= {"empty": ["dir"], "link.txt": ["link", "/etc/passwd"]}
    manifest = blobs.put(json.dumps({"entries": entries}).encode())
    with services_of(app).database.write() as session:
        session.add(Published(key="k" * 22, chat_id=chat, turn_number=1, manifest=manifest))
    return "k" * 22


def test_a_file_needs_no_cookie(app: Flask, guest: Browser, stranger: Browser) -> None:
    key = publish(app, guest)
    answer = stranger.get(f"/f/{key}/chart.png")
    assert (answer.data, answer.mimetype) == (b"\x89PNG", "image/png")
    assert answer.headers["Content-Disposition"] == "inline; filename=chart.png"
    assert stranger.get(f"/f/{key}/chart.png", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", [*(path for path in FILES if "." != path[0] and "/." not in path), "site/"])
def test_whatever_it_is_it_has_no_origin_of_ours(app: Flask, guest: Browser, stranger: Browser, path: str) -> None:
    answer = stranger.get(f"/f/{publish(app, guest)}/{path}")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert f"frame-ancestors {ORIGIN}" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers


def test_what_a_browser_should_not_show_is_a_download(app: Flask, guest: Browser, stranger: Browser) -> None:
    answer = stranger.get(f"/f/{publish(app, guest)}/model.stl")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=model.stl"


@pytest.mark.parametrize(
    "path", [".hidden", "site/.env", "nothing", "empty", "link.txt", "../x", "site/../chart.png", "%2e%2e/x"]
)
def test_hidden_files_links_and_the_rest_are_not_there(
    app: Flask, guest: Browser, stranger: Browser, path: str
) -> None:
    answer = stranger.get(f"/f/{publish(app, guest)}/{path}")
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_a_folders_page_is_at_its_slash_so_that_its_siblings_resolve(
    app: Flask, guest: Browser, stranger: Browser
) -> None:
    answer = stranger.get(f"/f/{publish(app, guest)}/site")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "site/"


def test_an_unknown_key_leads_nowhere(stranger: Browser) -> None:
    assert stranger.get("/f/unknown/chart.png").status_code == 404


def test_a_file_dies_with_its_chat(app: Flask, guest: Browser, stranger: Browser) -> None:
    key = publish(app, guest)
    with services_of(app).database.read() as session:
        (chat,) = session.query(Chat).all()
    assert guest.ask("DELETE", f"chats/{chat.id}").status_code == 200
    assert stranger.get(f"/f/{key}/chart.png").status_code == 404


def test_a_second_host_serves_files_and_nothing_else(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_CONTENT_URL="http://files.example.org"))
    app = create_app(settings, runner=FakeRunner(), templates=templates)
    key = publish(app, Browser(app).begin())
    client = app.test_client()
    assert client.get(f"/f/{key}/chart.png", base_url="http://files.example.org", buffered=True).status_code == 200
    there = client.get(f"/f/{key}/site/index.html", base_url=ORIGIN)
    assert (there.status_code, there.headers["Location"]) == (307, f"http://files.example.org/f/{key}/site/index.html")
    for path in ("/", "/api/v1/bots", "/login"):
        assert client.get(path, base_url="http://files.example.org", buffered=True).status_code == 404
    assert "http://files.example.org" in client.get("/", base_url=ORIGIN).headers["Content-Security-Policy"]
