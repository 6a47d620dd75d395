"""The rocket: versions, the start check, progress, rollback, rotation."""

import json
from pathlib import Path

import pytest
from flask import Flask

from hal9_ide.errors import Busy, Unavailable
from hal9_ide.settings import read_settings
from hal9_ide.store import versions
from hal9_ide.store.bots import Bot
from hal9_ide.store.manifests import load_manifest
from hal9_ide.web import create_app
from tests.http.conftest import Browser, FakeRunner, environment, refusal, services_of

NAME_ERROR = {
    "passed": False,
    "seconds": 0.2,
    "reason": "crashed",
    "traceback": 'Traceback (most recent call last):\n  File "app.py", line 3, in <module>\nNameError: x\n',
    "error": {"type": "NameError", "message": "name 'x' is not defined", "file": "app.py", "line": 3},
}


def write(browser: Browser, bot: str, text: str, path: str = "app.py") -> list[str]:
    changed: list[str] = browser.ask("PUT", f"bots/{bot}/files/{path}", data=text.encode()).get_json()["changed"]
    return changed


def rows(browser: Browser, bot: str) -> list[tuple[int, bool]]:
    found = browser.get(f"bots/{bot}/versions").get_json()["versions"]
    return [(row["number"], row["is_live"]) for row in found]


def test_the_first_deploy_gives_a_link(guest: Browser) -> None:
    bot = guest.make_bot()
    deployed = guest.deploy(bot)
    assert deployed["url"] == f"http://127.0.0.1:8000/b/{deployed['key']}"
    assert len(deployed["key"]) >= 22
    assert (deployed["version"], deployed["number"], deployed["qr"]) == (1, 1, False)
    assert [step["name"] for step in deployed["steps"]] == ["check", "package", "start", "health"]
    fields = guest.get(f"bots/{bot}").get_json()
    assert (fields["url"], fields["live"]["number"], fields["access"]) == (deployed["url"], 1, "unlisted")
    row = guest.get(f"bots/{bot}/versions").get_json()["versions"][0]
    assert (row["by"], row["source"], row["is_live"]) == (guest.user["name"], "rocket", True)


def test_a_version_is_what_the_draft_was(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot(files={"app.py": "1", "b.txt": "2"})
    guest.deploy(bot)
    assert write(guest, bot, "3") == ["app.py"]
    with services_of(app).database.read() as session:
        version = versions.live_version(session, session.get_one(Bot, bot))
    assert version
    manifest = load_manifest(services_of(app).blobs, version.manifest)
    assert manifest.main == "app.py"
    assert {path: services_of(app).blobs.get(sha) for path, sha in manifest.files.items()} == {
        "app.py": b"1",
        "b.txt": b"2",
    }


def test_equal_to_live_makes_no_version_and_asks_for_no_check(guest: Browser, runner: FakeRunner) -> None:
    bot = guest.make_bot()
    first = guest.deploy(bot)
    runner.calls.clear()
    assert guest.deploy(bot)["url"] == first["url"]
    assert rows(guest, bot) == [(1, True)]
    assert runner.calls == []


def test_equal_to_an_older_one_makes_a_new_number(guest: Browser) -> None:
    bot = guest.make_bot(files={"app.py": "1"})
    guest.deploy(bot)
    write(guest, bot, "2")
    guest.deploy(bot)
    write(guest, bot, "1")
    assert guest.deploy(bot)["number"] == 3
    assert rows(guest, bot) == [(3, True), (2, False), (1, False)]


def test_a_script_that_does_not_start_is_refused_and_the_old_one_serves(guest: Browser, runner: FakeRunner) -> None:
    bot = guest.make_bot()
    guest.deploy(bot)
    write(guest, bot, "x")
    runner.check_answer = NAME_ERROR
    answer = guest.post(f"bots/{bot}/deploy")
    assert refusal(answer) == (422, "start_check_failed")
    body = answer.get_json()
    assert (body["step"], body["file"], body["line"]) == ("start", "app.py", 3)
    assert body["traceback"] == NAME_ERROR["traceback"]
    assert "NameError: name 'x' is not defined" in body["error"]
    assert rows(guest, bot) == [(1, True)]
    runner.check_answer = {"passed": True}
    assert guest.deploy(bot)["number"] == 2


IN_A_FILE = {"type": "SyntaxError", "message": "invalid syntax (x.py, line 1)", "file": "lib/x.py", "line": 1}
NOWHERE = {"type": "KeyError", "message": "'a'", "file": None, "line": None}
WORDLESS = {"type": "AssertionError", "message": "", "file": "app.py", "line": 2}


@pytest.mark.parametrize(
    ("error", "exit_status", "words"),
    [
        (IN_A_FILE, 1, "SyntaxError: invalid syntax in lib/x.py, line 1."),
        (NOWHERE, 1, "KeyError: 'a'."),
        (WORDLESS, 1, "AssertionError in app.py, line 2."),
        (None, 3, "it ended with exit status 3."),
        (None, None, "it was ended before it asked for input."),
    ],
)
def test_a_refusal_says_why_in_a_sentence(
    guest: Browser, runner: FakeRunner, error: dict[str, object] | None, exit_status: int | None, words: str
) -> None:
    runner.check_answer = {"passed": False, "reason": "failed", "exit_status": exit_status, "error": error}
    answer = guest.post(f"bots/{guest.make_bot()}/deploy")
    assert answer.get_json()["error"] == f"The script does not start: {words}"


def test_without_its_main_file_nothing_is_deployed(guest: Browser) -> None:
    bot = guest.make_bot(files={"b.py": ""})
    answer = guest.post(f"bots/{bot}/deploy")
    assert refusal(answer) == (422, "no_main")
    assert answer.get_json()["step"] == "check"


@pytest.mark.parametrize("problem", [Unavailable("No sandbox."), Busy("Too much.")])
def test_a_server_that_cannot_check_says_so(guest: Browser, runner: FakeRunner, problem: Unavailable | Busy) -> None:
    bot = guest.make_bot()
    runner.refusal = problem
    assert refusal(guest.post(f"bots/{bot}/deploy")) == (problem.status, problem.code)
    runner.refusal = None
    assert rows(guest, bot) == []


def test_a_yaml_names_the_main_file(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot(files={"app.py": "", "bot.py": "", "hal9.yaml": "welcome: hi\nmain: 'bot.py'  # this one\n"})
    guest.deploy(bot)
    with services_of(app).database.read() as session:
        version = versions.live_version(session, session.get_one(Bot, bot))
    assert version
    assert load_manifest(services_of(app).blobs, version.manifest).main == "bot.py"


def test_access_comes_with_the_deploy(guest: Browser) -> None:
    bot = guest.make_bot()
    key = guest.deploy(bot, access="public")["key"]
    assert guest.get(f"bots/{bot}").get_json()["access"] == "public"
    assert guest.deploy(bot, access="private")["key"] == key
    assert guest.get(f"bots/{bot}").get_json()["access"] == "private"
    assert guest.deploy(bot)["key"] == key
    assert guest.get(f"bots/{bot}").get_json()["access"] == "private"


def lines(browser: Browser, bot: str) -> list[dict[str, object]]:
    answer = browser.post(f"bots/{bot}/deploy", headers={"Accept": "application/x-ndjson"})
    assert answer.status_code == 200
    assert answer.mimetype == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_progress_comes_line_by_line(guest: Browser) -> None:
    *steps, last = lines(guest, guest.make_bot())
    assert [(line["step"], line["state"]) for line in steps] == [
        (name, state) for name in ("check", "package", "start", "health") for state in ("now", "done")
    ]
    assert last["ok"] is True
    assert last["number"] == 1


def test_the_last_line_is_the_refusal(guest: Browser, runner: FakeRunner) -> None:
    runner.check_answer = NAME_ERROR
    *steps, last = lines(guest, guest.make_bot())
    assert (steps[-1]["step"], steps[-1]["state"]) == ("start", "failed")
    assert (last["ok"], last["code"], last["step"]) == (False, "start_check_failed", "start")


def test_of_two_deploys_at_once_one_is_told(guest: Browser, runner: FakeRunner) -> None:
    bot = guest.make_bot()
    other_way_round = runner.check

    def check_while_another_deploys(manifest: str) -> dict[str, object]:
        runner.check = other_way_round  # type: ignore[method-assign]
        write(guest, bot, "meanwhile")
        guest.deploy(bot)
        return {"passed": True}

    runner.check = check_while_another_deploys  # type: ignore[method-assign]
    assert refusal(guest.post(f"bots/{bot}/deploy")) == (409, "conflict")
    assert rows(guest, bot) == [(1, True)]


def test_rolling_back_moves_the_pointer_and_makes_no_version(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot(files={"app.py": "1"})
    guest.deploy(bot)
    write(guest, bot, "2")
    url = guest.deploy(bot)["url"]
    assert guest.post(f"bots/{bot}/live", {"version": 1}).get_json() == {"number": 1, "url": url}
    assert rows(guest, bot) == [(2, False), (1, True)]
    assert guest.get(f"bots/{bot}").get_json()["changed"] == ["app.py"]
    assert guest.deploy(bot)["number"] == 3
    assert refusal(guest.post(f"bots/{bot}/live", {"version": 9})) == (404, "absent")


def test_what_happened_is_on_record(app: Flask, guest: Browser) -> None:
    from sqlalchemy import select

    from hal9_ide.store.bots import BotEvent

    bot = guest.make_bot()
    guest.deploy(bot)
    guest.post(f"bots/{bot}/rotate")
    guest.ask("PATCH", f"bots/{bot}", json={"access": "public", "taken_down": True})
    with services_of(app).database.read() as session:
        kinds = list(session.scalars(select(BotEvent.kind).order_by(BotEvent.at_ms)))
    assert sorted(kinds) == ["access", "deploy", "rotate", "take_down"]


def test_the_rocket_brings_back_what_was_taken_down(guest: Browser, stranger: Browser) -> None:
    bot = guest.make_bot()
    guest.deploy(bot)
    guest.ask("PATCH", f"bots/{bot}", json={"taken_down": True})
    guest.deploy(bot)
    assert guest.get(f"bots/{bot}").get_json()["taken_down"] is False
    assert rows(guest, bot) == [(1, True)]


def test_a_rotated_link_leads_nowhere(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot()
    assert refusal(guest.post(f"bots/{bot}/rotate")) == (404, "absent")
    old = guest.deploy(bot)["key"]
    new = guest.post(f"bots/{bot}/rotate").get_json()["url"].rpartition("/")[2]
    assert guest.get(f"/b/{old}").status_code == 404
    assert guest.get(f"/b/{new}").status_code == 200


def test_a_loopback_link_has_no_qr_code(guest: Browser) -> None:
    bot = guest.make_bot()
    assert refusal(guest.get(f"bots/{bot}/qr")) == (404, "absent")
    guest.deploy(bot)
    assert refusal(guest.get(f"bots/{bot}/qr")) == (404, "loopback")


def test_a_public_link_has_one(tmp_path: Path, templates: Path) -> None:
    settings = read_settings(environment(tmp_path, HAL9_IDE_PUBLIC_URL="http://bots.example.org"))
    browser = Browser(create_app(settings, runner=FakeRunner(), templates=templates))
    answer = browser.post("session", origin="http://bots.example.org")
    browser.csrf = answer.get_json()["csrf"]
    bot = browser.post("bots", origin="http://bots.example.org").get_json()["id"]
    deployed = browser.post(f"bots/{bot}/deploy", origin="http://bots.example.org").get_json()
    assert deployed["url"].startswith("http://bots.example.org/b/")
    assert deployed["qr"] is True
    image = browser.get(f"bots/{bot}/qr")
    assert image.mimetype == "image/svg+xml"
    assert image.text.startswith('<svg xmlns="http://www.w3.org/2000/svg"'), "an <img> shows nothing without it"
