"""Chats: of authors with drafts, of visitors with what is deployed."""

import zlib
from pathlib import Path

import pytest
from flask import Flask

from hal9_ide.deploy import changed_paths
from hal9_ide.errors import Busy
from hal9_ide.settings import read_settings
from hal9_ide.store.chats import Chat, Message, Turn
from hal9_ide.store.manifests import Manifest, load_manifest
from hal9_ide.web import create_app
from tests.http.conftest import Browser, FakeRunner, environment, refusal, services_of, visitor


def chat_row(app: Flask, chat: str) -> Chat:
    with services_of(app).database.read() as session:
        return session.get_one(Chat, chat)


def visit(app: Flask, key: str, secret: str = "") -> dict[str, str]:
    answer = visitor(app, "POST", f"share/{key}/chats", secret, json={})
    assert answer.status_code == 201, answer.text
    fields: dict[str, str] = answer.get_json()
    return fields


def test_a_draft_chat_runs_the_draft(app: Flask, guest: Browser, runner: FakeRunner) -> None:
    bot = guest.make_bot(files={"app.py": "1"})
    chat = guest.post(f"bots/{bot}/chats").get_json()["id"]
    assert runner.calls == [("open", chat, None)]
    row = chat_row(app, chat)
    assert (row.stage, row.user_id, row.version_number) == ("draft", guest.user["id"], None)
    assert list(load_manifest(services_of(app).blobs, row.manifest).files) == ["app.py"]
    assert [c["id"] for c in guest.get(f"bots/{bot}/chats").get_json()["chats"]] == [chat]


def test_a_visit_needs_nothing_and_is_pinned_to_the_version(app: Flask, guest: Browser, runner: FakeRunner) -> None:
    bot = guest.make_bot()
    key = guest.deploy(bot)["key"]
    first = visit(app, key)
    assert ("open", first["id"], "127.0.0.1") in runner.calls
    row = chat_row(app, first["id"])
    assert (row.stage, row.version_number, row.user_id) == ("live", 1, None)
    guest.ask("PUT", f"bots/{bot}/files/app.py", data=b"2")
    guest.deploy(bot)
    assert chat_row(app, first["id"]).version_number == 1
    assert chat_row(app, visit(app, key)["id"]).version_number == 2


def test_a_visitor_has_chats_of_their_own(app: Flask, guest: Browser) -> None:
    key = guest.deploy(guest.make_bot())["key"]
    mine, theirs = visit(app, key), visit(app, key)
    again = visit(app, key, mine["visitor"])
    assert again["visitor"] == mine["visitor"]
    assert mine["visitor"] != theirs["visitor"]
    listed = visitor(app, "GET", f"share/{key}/chats", mine["visitor"]).get_json()["chats"]
    assert {chat["id"] for chat in listed} == {mine["id"], again["id"]}
    assert visitor(app, "GET", f"share/{key}/chats").get_json() == {"chats": []}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_live_chat_looks_at_the_visitors_secret_alone(app: Flask, guest: Browser, method: str) -> None:
    key = guest.deploy(guest.make_bot())["key"]
    mine, theirs = visit(app, key), visit(app, key)
    ask = f"chats/{mine['id']}"
    body = {"title": "x"} if method == "PATCH" else None
    for secret in (theirs["visitor"], "wrong"):
        assert refusal(visitor(app, method, ask, secret, json=body)) == (404, "absent")
    assert refusal(guest.ask(method, ask, json=body)) == (404, "absent")
    assert visitor(app, method, ask, mine["visitor"], json=body).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_draft_chat_takes_the_session(
    app: Flask, guest: Browser, other: Browser, stranger: Browser, method: str
) -> None:
    bot = guest.make_bot()
    chat = guest.post(f"bots/{bot}/chats").get_json()["id"]
    secret = visit(app, guest.deploy(bot)["key"])["visitor"]
    body = {"title": "x"} if method == "PATCH" else None
    assert refusal(other.ask(method, f"chats/{chat}", json=body)) == (404, "absent")
    assert refusal(stranger.ask(method, f"chats/{chat}", json=body)) == (404, "absent")
    assert refusal(guest.ask(method, f"chats/{chat}", json=body, headers={"X-Visitor": secret})) == (404, "absent")
    if method != "GET":
        assert refusal(guest.ask(method, f"chats/{chat}", json=body, csrf=None)) == (403, "csrf")
        assert refusal(guest.ask(method, f"chats/{chat}", json=body, origin="http://evil.example")) == (
            403,
            "wrong_origin",
        )
    assert guest.ask(method, f"chats/{chat}", json=body).status_code == 200


def test_a_visitor_belongs_to_one_bot(app: Flask, guest: Browser) -> None:
    first, second = (guest.deploy(guest.make_bot())["key"] for _ in range(2))
    secret = visit(app, first)["visitor"]
    assert refusal(visitor(app, "POST", f"share/{second}/chats", secret)) == (401, "unknown_visitor")
    assert visitor(app, "GET", f"share/{second}/chats", secret).get_json() == {"chats": []}


def test_a_visit_ignores_cookies(app: Flask, guest: Browser) -> None:
    key = guest.deploy(guest.make_bot())["key"]
    assert guest.post(f"share/{key}/chats", csrf=None, origin=None).status_code == 201


def test_a_private_bot_is_its_owners(app: Flask, guest: Browser, other: Browser) -> None:
    bot = guest.make_bot()
    key = guest.deploy(bot, access="private")["key"]
    assert refusal(visitor(app, "POST", f"share/{key}/chats")) == (404, "private")
    assert refusal(other.post(f"share/{key}/chats")) == (404, "private")
    assert refusal(guest.post(f"share/{key}/chats", csrf=None)) == (403, "csrf")
    assert refusal(guest.post(f"share/{key}/chats", origin="http://evil.example")) == (403, "wrong_origin")
    assert guest.post(f"share/{key}/chats").status_code == 201


def test_a_bot_that_was_taken_down_takes_no_visits(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot()
    key = guest.deploy(bot)["key"]
    guest.ask("PATCH", f"bots/{bot}", json={"taken_down": True})
    assert refusal(visitor(app, "POST", f"share/{key}/chats")) == (404, "taken_down")
    guest.ask("PATCH", f"bots/{bot}", json={"taken_down": False})
    assert visitor(app, "POST", f"share/{key}/chats").status_code == 201


def test_a_deleted_bots_chats_are_gone(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot()
    mine = visit(app, guest.deploy(bot)["key"])
    guest.ask("DELETE", f"bots/{bot}")
    assert refusal(visitor(app, "GET", f"chats/{mine['id']}", mine["visitor"])) == (404, "absent")


def test_busy_is_429_with_the_seconds_to_wait_and_leaves_no_chat(
    app: Flask, guest: Browser, runner: FakeRunner
) -> None:
    key = guest.deploy(guest.make_bot())["key"]
    runner.refusal = Busy("Too many people talk to this bot now.", seconds=7)
    answer = visitor(app, "POST", f"share/{key}/chats")
    assert refusal(answer) == (429, "busy")
    assert answer.headers["Retry-After"] == "7"
    runner.refusal = None
    mine = visit(app, key)
    assert len(visitor(app, "GET", f"share/{key}/chats", mine["visitor"]).get_json()["chats"]) == 1
    with services_of(app).database.read() as session:
        assert session.query(Chat).count() == 1


def test_a_visitor_has_so_many_chats(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_CHATS_PER_VISITOR="2"))
    app = create_app(settings, runner=FakeRunner(), templates=templates)
    guest = Browser(app).begin()
    key = guest.deploy(guest.make_bot())["key"]
    secret = visit(app, key)["visitor"]
    visit(app, key, secret)
    assert refusal(visitor(app, "POST", f"share/{key}/chats", secret)) == (413, "too_many_chats")


def test_an_authors_oldest_chats_with_a_draft_are_forgotten(tmp_path: Path, templates: Path) -> None:
    runner = FakeRunner()
    settings = read_settings(environment(tmp_path, HAL9_IDE_CHATS_PER_VISITOR="2"))
    guest = Browser(create_app(settings, runner=runner, templates=templates)).begin()
    bot = guest.make_bot()
    chats = [guest.post(f"bots/{bot}/chats").get_json()["id"] for _ in range(3)]
    assert {chat["id"] for chat in guest.get(f"bots/{bot}/chats").get_json()["chats"]} == set(chats[1:])
    assert runner.calls[-1] == ("close", chats[0])


def test_the_transcript_is_what_is_on_record(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot()
    chat = guest.post(f"bots/{bot}/chats").get_json()["id"]
    manifest = chat_row(app, chat).manifest
    said = zlib.compress(b'7\t0\t{"kind":"output","seq":7,"text":"Echo: hi"}\n8\t1\t{"kind":"waiting","seq":8}')
    opening = Turn(chat_id=chat, number=1, manifest=manifest, by="open", last_seq=4, ended="replied")
    message = Turn(chat_id=chat, number=2, manifest=manifest, by="message", message_id="m", input="hi")
    message.first_seq, message.last_seq, message.events_inline = 5, 8, said
    message.ended, message.milliseconds = "exited", 1500
    going_on = Turn(chat_id=chat, number=3, manifest=manifest, by="message", message_id="n", input="more", last_seq=9)
    with services_of(app).database.write() as session:
        session.add_all([opening, message, going_on])
    fields = guest.get(f"chats/{chat}").get_json()
    assert fields["seq"] == 8
    said_and_done = {"reply": "Echo: hi", "ended": "exited", "seconds": 1.5}
    assert fields["turns"][1] == {"number": 2, "by": "message", "message_id": "m", "input": "hi", **said_and_done}
    assert [turn["ended"] for turn in fields["turns"]] == ["replied", "exited", None]


def test_a_chat_without_a_title_is_called_by_what_was_said_first(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot()
    chats = [guest.post(f"bots/{bot}/chats").get_json()["id"] for _ in range(2)]
    with services_of(app).database.write() as session:
        session.add(Message(chat_id=chats[0], message_id="m", position=1, text="What is\nthis?"))
        session.add(Message(chat_id=chats[0], message_id="n", position=2, text="second"))
    titles = {chat["id"]: chat["title"] for chat in guest.get(f"bots/{bot}/chats").get_json()["chats"]}
    assert titles == {chats[0]: "What is this?", chats[1]: ""}


def test_a_deleted_chat_is_gone_with_its_turns(app: Flask, guest: Browser, runner: FakeRunner) -> None:
    bot = guest.make_bot()
    chat = guest.post(f"bots/{bot}/chats").get_json()["id"]
    with services_of(app).database.write() as session:
        session.add(Turn(chat_id=chat, number=1, manifest="0" * 64, by="open"))
    assert guest.ask("DELETE", f"chats/{chat}").get_json() == {"ok": True}
    assert runner.calls[-1] == ("close", chat)
    assert refusal(guest.get(f"chats/{chat}")) == (404, "absent")
    with services_of(app).database.read() as session:
        assert session.query(Turn).count() == 0


@pytest.mark.parametrize("title", ["", "  ", "x" * 201])
def test_a_chats_title_has_some_characters(guest: Browser, title: str) -> None:
    chat = guest.post(f"bots/{guest.make_bot()}/chats").get_json()["id"]
    assert refusal(guest.ask("PATCH", f"chats/{chat}", json={"title": title})) == (400, "bad_title")
    guest.ask("PATCH", f"chats/{chat}", json={"title": " A  talk "})
    assert guest.get(f"chats/{chat}").get_json()["title"] == "A talk"


def test_changed_paths_are_added_changed_and_removed_ones() -> None:
    from hal9_ide.store.drafts import Content

    draft = {"same": Content("1", 1), "changed": Content("2", 1), "added": Content("3", 1)}
    live = Manifest({"same": "1", "changed": "9", "removed": "4"}, "same")
    assert changed_paths(draft, live) == ["added", "changed", "removed"]
    assert changed_paths(draft, None) == []
