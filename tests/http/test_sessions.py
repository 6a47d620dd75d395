"""Sessions, names, tokens and signing in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from hal9_ide import auth
from hal9_ide.settings import read_settings
from hal9_ide.web import create_app
from tests.http.conftest import Browser, FakeRunner, environment, refusal, services_of

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(tmp_path: Path, templates: Path) -> MakeApp:
    def make(**settings: str) -> Flask:
        return create_app(read_settings(environment(tmp_path, **settings)), runner=FakeRunner(), templates=templates)

    return make


def make_token(app: Flask, name: str, scope: str = "deploy") -> str:
    with services_of(app).database.write() as session:
        return auth.make_token(session, auth.user_named(session, name).id, scope)[0]


def make_link(app: Flask, name: str) -> str:
    with services_of(app).database.write() as session:
        link = auth.make_login_link(session, services_of(app).settings, auth.user_named(session, name).id)
    return link.partition("link=")[2]


def names(browser: Browser) -> list[str]:
    return [bot["title"] for bot in browser.get("bots").get_json()["bots"]]


def test_the_first_request_makes_a_guest_and_the_next_keeps_it(guest: Browser) -> None:
    assert guest.user["guest"] is True
    again = guest.post("session")
    assert again.get_json() == {"user": guest.user, "csrf": guest.csrf}
    assert "Max-Age=7776000" in again.headers["Set-Cookie"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Browser) -> None:
    cookie = stranger.post("session").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_secure(make_app: MakeApp) -> None:
    app = make_app(HAL9_IDE_PUBLIC_URL="https://bots.example.org")
    answer = Browser(app).post("session", origin="https://bots.example.org")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_session_is_only_made_for_pages_of_ours(stranger: Browser) -> None:
    assert refusal(stranger.post("session", origin="http://evil.example")) == (403, "wrong_origin")
    assert refusal(stranger.post("session", origin=None)) == (403, "wrong_origin")


def test_the_database_holds_no_cookie_and_no_token(app: Flask, guest: Browser) -> None:
    token = guest.post("tokens").get_json()["token"]
    cookie = guest.client.get_cookie("hal9_session", domain="127.0.0.1")
    assert cookie
    files = [p.read_bytes() for p in services_of(app).settings.data_dir.glob("hal9.sqlite3*")]
    assert any(token[:10].encode() in data for data in files)
    assert not any(secret.encode() in data for data in files for secret in (token, cookie.value))


def test_a_revoked_session_is_nobodys(guest: Browser) -> None:
    cookie = guest.client.get_cookie("hal9_session", domain="127.0.0.1")
    assert cookie
    assert guest.ask("DELETE", "session").status_code == 200
    guest.client.set_cookie("hal9_session", cookie.value, domain="127.0.0.1")
    assert refusal(guest.get("bots")) == (401, "sign_in")


def test_a_session_that_is_too_old_is_nobodys(app: Flask, guest: Browser) -> None:
    from sqlalchemy import update

    from hal9_ide.store.people import SignIn

    with services_of(app).database.write() as session:
        session.execute(update(SignIn).values(expires_at_ms=1))
    assert refusal(guest.get("bots")) == (401, "sign_in")


def test_another_sessions_csrf_token_is_worth_nothing(guest: Browser, other: Browser) -> None:
    assert refusal(guest.post("bots", csrf=other.csrf)) == (403, "csrf")
    assert guest.post("bots").status_code == 201


def test_without_guests_a_session_needs_signing_in(make_app: MakeApp) -> None:
    app = make_app(HAL9_IDE_GUESTS="off")
    assert refusal(Browser(app).post("session")) == (401, "sign_in")
    browser = Browser(app)
    assert browser.post("login", {"token": make_token(app, "ada")}).status_code == 200
    assert browser.post("session").get_json()["user"]["name"] == "ada"


def test_one_address_makes_so_many_guests_a_minute(make_app: MakeApp) -> None:
    app = make_app(HAL9_IDE_NEW_GUESTS_PER_MINUTE="2")
    assert [Browser(app).post("session").status_code for _ in range(3)] == [200, 200, 429]
    answer = Browser(app).post("session")
    assert refusal(answer) == (429, "too_many_guests")
    assert 0 < int(answer.headers["Retry-After"]) <= 61


def test_a_guest_takes_a_name_once(guest: Browser) -> None:
    answer = guest.ask("PATCH", "session", json={"name": "Ada"})
    assert answer.get_json()["user"] == {"id": guest.user["id"], "name": "Ada", "guest": False}
    assert refusal(guest.ask("PATCH", "session", json={"name": "Bob"})) == (422, "not_a_guest")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ADA", "name_taken"),
        ("devs", "name_taken"),
        ("guest-1", "name_taken"),
        ("a b", "bad_name"),
        ("", "bad_name"),
        ("x" * 41, "bad_name"),
        ("../x", "bad_name"),
    ],
)
def test_a_name_that_cannot_be_had(guest: Browser, other: Browser, name: str, code: str) -> None:
    other.ask("PATCH", "session", json={"name": "ada"})
    assert refusal(guest.ask("PATCH", "session", json={"name": name}))[1] == code


def test_a_closed_server_takes_no_names(make_app: MakeApp) -> None:
    browser = Browser(make_app(HAL9_IDE_SIGNUP="closed")).begin()
    assert refusal(browser.ask("PATCH", "session", json={"name": "ada"})) == (403, "signup_closed")


def test_tokens_are_shown_once_and_can_be_revoked(app: Flask, guest: Browser) -> None:
    made = guest.post("tokens").get_json()
    (row,) = guest.get("tokens").get_json()["tokens"]
    assert row["prefix"] == made["token"][:10]
    assert made["token"] not in guest.get("tokens").text
    program = app.test_client()
    ask = {"base_url": "http://127.0.0.1:8000", "headers": {"ApiKey": made["token"]}}
    assert program.get("/api/v1/bots", **ask).status_code == 200
    assert guest.get("tokens").get_json()["tokens"][0]["last_used_at_ms"]
    assert guest.ask("DELETE", f"tokens/{made['id']}").status_code == 200
    assert program.get("/api/v1/bots", **ask).status_code == 401
    assert refusal(guest.ask("DELETE", f"tokens/{made['id']}")) == (404, "absent")


def test_another_persons_token_cannot_be_revoked(guest: Browser, other: Browser) -> None:
    made = guest.post("tokens").get_json()
    assert refusal(other.ask("DELETE", f"tokens/{made['id']}")) == (404, "absent")


def test_a_browser_makes_no_operators_token(guest: Browser) -> None:
    assert refusal(guest.post("tokens", {"scope": "operator"})) == (403, "wrong_scope")
    assert refusal(guest.post("tokens", {"scope": "root"})) == (400, "bad_scope")


def test_a_token_makes_no_tokens(app: Flask, guest: Browser) -> None:
    token = guest.post("tokens").get_json()["token"]
    answer = app.test_client().post("/api/v1/tokens", headers={"ApiKey": token}, base_url="http://127.0.0.1:8000")
    assert answer.status_code in (401, 403)


def test_a_one_time_link_signs_in_once(app: Flask) -> None:
    link = make_link(app, "ada")
    first, second = Browser(app), Browser(app)
    assert first.post("login", {"link": link}).get_json()["user"]["name"] == "ada"
    assert refusal(second.post("login", {"link": link})) == (400, "bad_link")


def test_looking_at_a_link_does_not_use_it(app: Flask) -> None:
    link = make_link(app, "ada")
    browser = Browser(app)
    assert "[ada|" in browser.get(f"/login?link={link}").text
    assert "[ada|" in browser.get(f"/login?link={link}").text
    answer = browser.ask("POST", "/login", data={"link": link})
    assert answer.status_code == 303
    assert browser.post("session").get_json()["user"]["name"] == "ada"
    assert "used already" in browser.get(f"/login?link={link}").text


def test_an_old_link_is_no_good(app: Flask) -> None:
    from sqlalchemy import update

    from hal9_ide.store.people import LoginLink

    link = make_link(app, "ada")
    with services_of(app).database.write() as session:
        session.execute(update(LoginLink).values(expires_at_ms=1))
    assert refusal(Browser(app).post("login", {"link": link})) == (400, "bad_link")


def test_a_guests_bots_go_along_when_asked(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot(template="echo")
    chat = guest.post(f"bots/{bot}/chats").get_json()["id"]
    answer = guest.post("login", {"token": make_token(app, "ada"), "keep_bots": True})
    guest.csrf = answer.get_json()["csrf"]
    assert names(guest) == ["Echo"]
    assert guest.get(f"bots/{bot}").status_code == 200
    assert guest.get(f"chats/{chat}").status_code == 200


def test_a_guests_bots_stay_when_not_asked(app: Flask, guest: Browser) -> None:
    guest.make_bot(template="echo")
    answer = guest.post("login", {"token": make_token(app, "ada")})
    guest.csrf = answer.get_json()["csrf"]
    assert names(guest) == []


def test_moved_bots_get_addresses_of_their_own(app: Flask, guest: Browser) -> None:
    ada = Browser(app)
    token = make_token(app, "ada")
    ada.csrf = ada.post("login", {"token": token}).get_json()["csrf"]
    ada.make_bot(template="echo")
    guest.make_bot(template="echo")
    guest.post("login", {"token": token, "keep_bots": True})
    assert sorted(bot["slug"] for bot in ada.get("bots").get_json()["bots"]) == ["echo", "echo-2"]


def test_signing_in_changes_the_session(app: Flask, guest: Browser) -> None:
    before = guest.client.get_cookie("hal9_session", domain="127.0.0.1")
    guest.post("login", {"token": make_token(app, "ada")})
    after = guest.client.get_cookie("hal9_session", domain="127.0.0.1")
    assert before and after
    assert before.value != after.value
    guest.client.set_cookie("hal9_session", before.value, domain="127.0.0.1")
    assert guest.get("bots").status_code == 401


@pytest.mark.parametrize("proof", [{}, {"token": "hal9_wrong"}, {"link": "wrong"}])
def test_a_wrong_proof_is_refused(stranger: Browser, proof: dict[str, str]) -> None:
    assert refusal(stranger.post("login", proof))[0] == 400
    assert stranger.ask("POST", "/login", data=proof).status_code == 400


def test_signing_in_needs_our_page_and_the_sessions_token(app: Flask, guest: Browser) -> None:
    proof = {"token": make_token(app, "ada")}
    assert refusal(guest.post("login", proof, csrf=None)) == (403, "csrf")
    assert refusal(guest.post("login", proof, origin="http://evil.example")) == (403, "wrong_origin")
    assert guest.ask("POST", "/login", data=proof).status_code == 403
    assert guest.ask("POST", "/login", data={**proof, "csrf": guest.csrf}).status_code == 303
