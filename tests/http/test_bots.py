"""Bots and the files of their drafts."""

import hashlib
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from hal9_ide.settings import read_settings
from hal9_ide.web import create_app
from tests.http.conftest import ECHO, Browser, FakeRunner, environment, refusal


def view(browser: Browser, bot: str) -> dict[str, object]:
    answer = browser.get(f"bots/{bot}")
    assert answer.status_code == 200
    fields: dict[str, object] = answer.get_json()
    return fields


def put(browser: Browser, bot: str, path: str, data: bytes = b"x", **headers: str) -> TestResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.ask("PUT", f"bots/{bot}/files/{path}", data=data, headers=names)


def paths(browser: Browser, bot: str) -> list[str]:
    return [file["path"] for file in browser.get(f"bots/{bot}/files").get_json()["files"]]


def test_a_new_bot_is_an_echo(guest: Browser) -> None:
    bot = guest.post("bots").get_json()["id"]
    fields = view(guest, bot)
    assert (fields["title"], fields["slug"], fields["access"], fields["main"]) == ("Echo", "echo", "unlisted", "app.py")
    assert (fields["url"], fields["live"], fields["changed"], fields["qr"]) == (None, None, [], False)
    assert guest.get(f"bots/{bot}/files/app.py").data.decode() == ECHO


def test_a_bot_of_given_files(guest: Browser) -> None:
    bot = guest.make_bot(title=" My  bot ", files={"app.py": "1", "lib\\a.py": "2"})
    assert view(guest, bot)["title"] == "My bot"
    assert paths(guest, bot) == ["app.py", "lib/a.py"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"template": "nosuch"}, 400),
        ({"files": {"../a": ""}}, 400),
        ({"files": {"a": "", "a/b": ""}}, 409),
        ({"title": "x" * 81}, 400),
    ],
)
def test_a_bot_that_cannot_be_made(guest: Browser, body: dict[str, object], status: int) -> None:
    assert refusal(guest.post("bots", body))[0] == status
    assert guest.get("bots").get_json() == {"bots": []}


def test_same_titles_get_different_addresses(guest: Browser) -> None:
    slugs = [view(guest, guest.make_bot(template="echo"))["slug"] for _ in range(3)]
    assert slugs == ["echo", "echo-2", "echo-3"]


def test_a_title_moves_the_address_until_the_first_deploy(guest: Browser) -> None:
    bot = guest.make_bot(template="echo")
    assert guest.ask("PATCH", f"bots/{bot}", json={"title": "Café bot"}).get_json()["slug"] == "cafe-bot"
    guest.deploy(bot)
    answer = guest.ask("PATCH", f"bots/{bot}", json={"title": "Other", "description": " words "}).get_json()
    assert (answer["title"], answer["slug"], answer["description"]) == ("Other", "cafe-bot", "words")


def test_what_a_change_leaves_out_stays(guest: Browser) -> None:
    bot = guest.make_bot(template="echo")
    before = view(guest, bot)
    assert guest.ask("PATCH", f"bots/{bot}", json={}).get_json() == before
    changed = guest.ask("PATCH", f"bots/{bot}", json={"access": "public"}).get_json()
    assert changed == {**before, "access": "public"}


def test_access_takes_three_words(guest: Browser) -> None:
    bot = guest.make_bot()
    assert refusal(guest.ask("PATCH", f"bots/{bot}", json={"access": "secret"})) == (400, "malformed")


def test_main_must_be_a_file(guest: Browser) -> None:
    bot = guest.make_bot(files={"app.py": "", "b.py": ""})
    assert guest.ask("PATCH", f"bots/{bot}", json={"main": "b.py"}).get_json()["main"] == "b.py"
    assert refusal(guest.ask("PATCH", f"bots/{bot}", json={"main": "c.py"})) == (400, "no_main")


def test_a_deleted_bot_is_gone_and_comes_back(guest: Browser, other: Browser) -> None:
    bot = guest.make_bot()
    assert guest.ask("DELETE", f"bots/{bot}").get_json() == {"ok": True}
    assert refusal(guest.get(f"bots/{bot}")) == (404, "absent")
    assert guest.get("bots").get_json() == {"bots": []}
    assert refusal(other.post(f"bots/{bot}/restore")) == (404, "absent")
    assert guest.post(f"bots/{bot}/restore").get_json() == {"ok": True}
    assert paths(guest, bot) == ["app.py"]
    assert refusal(guest.post(f"bots/{bot}/restore")) == (404, "absent")


def test_a_user_has_so_many_bots(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_BOTS_PER_USER="2"))
    browser = Browser(create_app(settings, runner=FakeRunner(), templates=templates)).begin()
    first = browser.make_bot()
    browser.make_bot()
    assert refusal(browser.post("bots")) == (413, "too_many_bots")
    browser.ask("DELETE", f"bots/{first}")
    browser.make_bot()
    assert refusal(browser.post(f"bots/{first}/restore")) == (413, "too_many_bots")


def test_a_file_has_the_etag_of_its_bytes(guest: Browser) -> None:
    bot = guest.make_bot()
    answer = put(guest, bot, "data/a b.bin", b"\0\xff").get_json()
    etag = f'"{hashlib.sha256(bytes([0, 255])).hexdigest()}"'
    assert answer == {"etag": etag, "bytes": 2, "changed": []}
    got = guest.get(f"bots/{bot}/files/data/a b.bin")
    assert (got.data, got.headers["ETag"]) == (b"\0\xff", etag)
    assert got.headers["Content-Disposition"] == "attachment"
    assert guest.get(f"bots/{bot}/files/data/a b.bin", headers={"If-None-Match": etag}).status_code == 304


def test_a_lost_race_is_refused_and_changes_nothing(guest: Browser) -> None:
    bot = guest.make_bot()
    seen = guest.get(f"bots/{bot}/files/app.py").headers["ETag"]
    assert put(guest, bot, "app.py", b"first", If_Match=seen).status_code == 200
    assert refusal(put(guest, bot, "app.py", b"second", If_Match=seen)) == (412, "lost_race")
    assert guest.get(f"bots/{bot}/files/app.py").data == b"first"
    assert put(guest, bot, "app.py", b"third").status_code == 200
    assert refusal(put(guest, bot, "new.py", If_Match=seen)) == (412, "lost_race")


def test_creating_does_not_overwrite(guest: Browser) -> None:
    bot = guest.make_bot()
    assert refusal(put(guest, bot, "app.py", If_None_Match="*")) == (412, "exists")
    assert put(guest, bot, "b.py", If_None_Match="*").status_code == 200


@pytest.mark.parametrize(
    "path", ["..%2fx", "a/..%2f..%2fx", "%2fetc", ".storage/x", ".user", "a%00b", "a//b", "C:x", "x" * 300]
)
def test_a_path_that_could_lead_elsewhere_is_refused(guest: Browser, path: str) -> None:
    bot = guest.make_bot()
    for method in ("PUT", "GET", "DELETE"):
        answer = guest.ask(method, f"bots/{bot}/files/{path}", data=b"x" if method == "PUT" else None)
        assert refusal(answer) in ((400, "bad_path"), (404, "absent"))
    assert paths(guest, bot) == ["app.py"]


def test_a_file_cannot_be_a_folder_too(guest: Browser) -> None:
    bot = guest.make_bot()
    assert refusal(put(guest, bot, "app.py/x")) == (409, "conflict")
    put(guest, bot, "lib/x")
    assert refusal(put(guest, bot, "lib")) == (409, "conflict")


def test_a_deleted_file_comes_back(guest: Browser) -> None:
    bot = guest.make_bot()
    etag = guest.get(f"bots/{bot}/files/app.py").headers["ETag"]
    assert guest.ask("DELETE", f"bots/{bot}/files/app.py").get_json() == {"ok": True, "changed": []}
    assert refusal(guest.get(f"bots/{bot}/files/app.py")) == (404, "absent")
    assert refusal(guest.ask("DELETE", f"bots/{bot}/files/app.py")) == (404, "absent")
    assert guest.post(f"bots/{bot}/undelete", {"path": "app.py"}).get_json()["etag"] == etag
    assert guest.get(f"bots/{bot}/files/app.py").data.decode() == ECHO
    assert refusal(guest.post(f"bots/{bot}/undelete", {"path": "app.py"})) == (404, "absent")


def test_renaming_keeps_content_and_main(guest: Browser) -> None:
    bot = guest.make_bot()
    assert guest.post(f"bots/{bot}/rename", {"from": "app.py", "to": "lib/main.py"}).get_json() == {"ok": True}
    assert paths(guest, bot) == ["lib/main.py"]
    assert view(guest, bot)["main"] == "lib/main.py"
    put(guest, bot, "b.py")
    assert refusal(guest.post(f"bots/{bot}/rename", {"from": "b.py", "to": "lib/main.py"})) == (409, "exists")
    assert refusal(guest.post(f"bots/{bot}/rename", {"from": "c.py", "to": "d.py"})) == (404, "absent")
    assert refusal(guest.post(f"bots/{bot}/rename", {"from": "b.py", "to": "../d.py"})) == (400, "bad_path")


def limited(tmp_path: Path, templates: Path, **limits: str) -> tuple[Flask, Browser, str]:
    settings = read_settings(environment(tmp_path, **limits))
    app = create_app(settings, runner=FakeRunner(), templates=templates)
    browser = Browser(app).begin()
    return app, browser, browser.make_bot(files={"app.py": "12345"})


def test_a_bot_has_so_many_files(tmp_path: Path, templates: Path) -> None:
    _, browser, bot = limited(tmp_path, templates, HAL9_IDE_UPLOAD_FILES="2")
    put(browser, bot, "b.py")
    assert refusal(put(browser, bot, "c.py")) == (413, "too_many_files")
    assert put(browser, bot, "b.py", b"y").status_code == 200


def test_a_bot_has_so_many_bytes(tmp_path: Path, templates: Path) -> None:
    _, browser, bot = limited(tmp_path, templates, HAL9_IDE_UPLOAD_BYTES="10")
    answer = put(browser, bot, "b.py", b"123456")
    assert refusal(answer) == (413, "bot_too_large")
    assert "b.py" in answer.get_json()["error"]
    assert put(browser, bot, "b.py", b"12345").status_code == 200


def test_a_users_bots_have_so_many_bytes_together(tmp_path: Path, templates: Path) -> None:
    _, browser, bot = limited(tmp_path, templates, HAL9_IDE_USER_BYTES="18")
    browser.deploy(bot)  # 5 of the draft and 5 of the version
    browser.make_bot(files={"app.py": "12345678"})
    assert refusal(put(browser, bot, "b.py")) == (413, "quota_full")


def test_a_full_disk_refuses_what_creates(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_FREE_DISK_BYTES=str(1 << 60)))
    browser = Browser(create_app(settings, runner=FakeRunner(), templates=templates)).begin()
    assert refusal(browser.post("bots")) == (507, "disk_full")


def test_templates_are_listed(guest: Browser) -> None:
    rows = guest.get("templates").get_json()["templates"]
    assert rows[0]["id"] == "echo"
    assert all(row["title"] and set(row) == {"id", "title", "description"} for row in rows)
