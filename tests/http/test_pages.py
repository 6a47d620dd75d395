"""Pages, and what every answer carries."""

import gzip
import html
import json
import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from hal9_ide.errors import Unavailable
from hal9_ide.settings import read_settings
from hal9_ide.web import create_app, reason_phrase
from tests.http.conftest import ORIGIN, Browser, FakeRunner, environment

PAGES = ["/", "/devs", "/devs?code=print(1)", "/explore", "/learn", "/login", "/status"]


def page_data(answer: TestResponse) -> dict[str, object]:
    found = re.search(r"^<!doctype html>\w+ (\{.*\}) [\w-]{22} /static", answer.text)
    assert found, answer.text[:300]
    data: dict[str, object] = json.loads(html.unescape(found[1]))
    return data


def policy(answer: TestResponse) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_binds_the_browser(stranger: Browser, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 200
    nonce = re.search(r"([\w-]{22}) /static/", answer.text)
    assert nonce
    rules = policy(answer)
    assert rules["script-src"] == f"'self' 'nonce-{nonce[1]}'"
    assert rules["style-src"] == f"'self' 'nonce-{nonce[1]}'"
    assert rules["frame-ancestors"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert stranger.get(path).headers["Content-Security-Policy"] != answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/healthz", "/openapi.json", "/api/v1/bots", "/api/v1/nothing", "/static/x/nothing.js"]
)
def test_what_is_no_page_may_do_nothing(stranger: Browser, path: str) -> None:
    answer = stranger.get(path)
    assert policy(answer)["default-src"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_ide_knows_its_limits(stranger: Browser) -> None:
    data = page_data(stranger.get("/"))
    assert data["python"] == "3.11"
    assert data["sandbox"] == {"level": "strong"}
    assert isinstance(data["limits"], dict)
    assert data["limits"]["file_bytes"] == 32 << 20


def test_the_ide_opens_also_when_nothing_can_run(stranger: Browser, runner: FakeRunner) -> None:
    runner.refusal = Unavailable("No sandbox here.")
    assert page_data(stranger.get("/"))["sandbox"] == {"level": "none"}
    assert "No sandbox here." in stranger.get("/status").text


def test_code_in_a_link_is_shown_and_nothing_is_made(app: Flask, stranger: Browser, runner: FakeRunner) -> None:
    answer = stranger.get("/devs", query_string={"code": "print('</script>')\r\nx = 1"})
    assert page_data(answer)["code"] == "print('</script>')\nx = 1"
    assert "</script>" not in answer.text
    assert [call for call in runner.calls if call[0] != "health"] == []


def test_too_much_code_in_a_link_is_refused(stranger: Browser) -> None:
    assert stranger.get("/devs", query_string={"code": "x" * 32_000}).status_code == 200
    answer = stranger.get("/devs", query_string={"code": "x" * 32_001})
    assert answer.status_code == 400
    assert "too much code" in answer.text


def test_the_visitors_page(guest: Browser, stranger: Browser) -> None:
    yaml = "description: Knows words.\nexamples:\n  - hello\n  - bye\n"
    bot = guest.make_bot(title="Words", files={"app.py": "", "hal9.yaml": yaml})
    key = guest.deploy(bot)["key"]
    data = page_data(stranger.get(f"/b/{key}"))
    assert data == {"key": key, "title": "Words", "description": "Knows words.", "by": guest.user["name"],
                    "examples": ["hello", "bye"], "state": "live"}  # fmt: skip
    guest.ask("PATCH", f"bots/{bot}", json={"description": "My own words."})
    assert page_data(stranger.get(f"/b/{key}"))["description"] == "My own words."


def test_a_private_bots_page_says_nothing_about_it(guest: Browser, other: Browser, stranger: Browser) -> None:
    key = guest.deploy(guest.make_bot(title="Secret plan"), access="private")["key"]
    for browser in (other, stranger):
        answer = browser.get(f"/b/{key}")
        assert answer.status_code == 404
        assert page_data(answer)["state"] == "private"
        assert "Secret plan" not in answer.text
        assert guest.user["name"] not in answer.text
    assert page_data(guest.get(f"/b/{key}"))["state"] == "live"


def test_a_bot_that_is_down_or_absent_has_a_polite_page(guest: Browser, stranger: Browser) -> None:
    bot = guest.make_bot()
    key = guest.deploy(bot)["key"]
    guest.ask("PATCH", f"bots/{bot}", json={"taken_down": True})
    assert page_data(stranger.get(f"/b/{key}"))["state"] == "taken_down"
    guest.ask("DELETE", f"bots/{bot}")
    answer = stranger.get(f"/b/{key}")
    assert (answer.status_code, page_data(answer)["state"]) == (404, "absent")


def test_an_address_with_names_leads_to_the_link_where_access_allows(guest: Browser, stranger: Browser) -> None:
    guest.ask("PATCH", "session", json={"name": "Ada"})
    bot = guest.make_bot(title="My bot", files={"app.py": ""})
    assert guest.get("/ada/my-bot").status_code == 404
    url = guest.deploy(bot)["url"]
    assert guest.get("/ada/my-bot").headers["Location"] == url
    assert stranger.get("/ada/my-bot").status_code == 404
    guest.ask("PATCH", f"bots/{bot}", json={"access": "public"})
    assert stranger.get("/ADA/my-bot").headers["Location"] == url
    guest.ask("PATCH", f"bots/{bot}", json={"access": "private"})
    assert stranger.get("/ada/my-bot").status_code == 404


def test_only_public_bots_are_to_be_found(guest: Browser, stranger: Browser) -> None:
    for access in ("private", "unlisted", "public"):
        guest.deploy(guest.make_bot(title=f"A {access} bot", files={"app.py": ""}), access=access)
    shown = stranger.get("/explore").text
    assert "A public bot" in shown
    assert "A unlisted bot" not in shown
    assert "A private bot" not in shown


def test_an_error_is_a_page_for_people(stranger: Browser) -> None:
    answer = stranger.get("/nothing")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "There is nothing at this address." in answer.text


def test_create_begins_a_new_bot(stranger: Browser) -> None:
    assert stranger.get("/create").headers["Location"] == "/?new=1"


def test_pages_are_compressed(stranger: Browser) -> None:
    answer = stranger.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert gzip.decompress(answer.data).startswith(b"<!doctype html>")
    assert "Content-Encoding" not in stranger.get("/").headers


def test_with_a_public_url_links_and_origins_come_from_it(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_PUBLIC_URL="https://Bots.Example.org/"))
    app = create_app(settings, runner=FakeRunner(), templates=templates)
    client = app.test_client()
    for host in ("http://10.0.0.5:8000", "https://bots.example.org"):
        assert client.get("/", base_url=host).status_code == 200
    refused = client.post(
        "/api/v1/session", base_url="http://10.0.0.5:8000", headers={"Origin": "http://10.0.0.5:8000"}
    )
    assert refused.status_code == 403
    same = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/v1/session", base_url="http://10.0.0.5:8000", headers=same).status_code == 403
    allowed = client.post("/api/v1/session", base_url=ORIGIN, headers={"Origin": "https://bots.example.org"})
    assert allowed.status_code == 200


def test_behind_proxies_the_visitors_address_is_the_one_they_say(tmp_path: Path, templates: Path) -> None:
    runner = FakeRunner()
    settings = read_settings(environment(tmp_path, HAL9_IDE_PROXY_HOPS="1"))
    app = create_app(settings, runner=runner, templates=templates)
    guest = Browser(app).begin()
    key = guest.deploy(guest.make_bot())["key"]
    guest.post(f"share/{key}/chats", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    assert runner.calls[-1][2] == "203.0.113.9"


def test_a_reason_phrase_is_one_short_line_of_ascii() -> None:
    phrase = reason_phrase("Naïve — it’s\r\nSet-Cookie: x " + "y" * 500)
    assert phrase.startswith("Na?ve - it's Set-Cookie: x yyy")
    assert len(phrase) < 200
    assert phrase.isascii()
