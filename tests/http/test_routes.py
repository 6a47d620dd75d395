"""Every route: who may use it, what it answers to nobody, to somebody else, and to nonsense."""

import re

import pytest
from flask import Flask

from hal9_ide.rules import Rule
from tests.http.conftest import ORIGIN, Browser, refusal, visitor

API = [
    ("GET", "templates"),
    ("GET", "bots"),
    ("POST", "bots"),
    ("GET", "bots/{bot}"),
    ("PATCH", "bots/{bot}"),
    ("DELETE", "bots/{bot}"),
    ("POST", "bots/{bot}/restore"),
    ("POST", "bots/{bot}/rotate"),
    ("GET", "bots/{bot}/qr"),
    ("GET", "bots/{bot}/files"),
    ("GET", "bots/{bot}/files/app.py"),
    ("PUT", "bots/{bot}/files/app.py"),
    ("DELETE", "bots/{bot}/files/app.py"),
    ("POST", "bots/{bot}/rename"),
    ("POST", "bots/{bot}/undelete"),
    ("POST", "bots/{bot}/deploy"),
    ("GET", "bots/{bot}/versions"),
    ("POST", "bots/{bot}/live"),
    ("POST", "bots/{bot}/chats"),
    ("GET", "bots/{bot}/chats"),
    ("PATCH", "session"),
    ("DELETE", "session"),
    ("GET", "tokens"),
    ("POST", "tokens"),
    ("DELETE", "tokens/{bot}"),
]
BODIES = {"rename": {"from": "app.py", "to": "b.py"}, "undelete": {"path": "app.py"}, "live": {"version": 1}}
OF_A_BOT = [(method, path) for method, path in API if path.startswith("bots/{bot}")]
TAKES_JSON = [
    ("POST", "bots"),
    ("PATCH", "bots/{bot}"),
    ("POST", "bots/{bot}/rename"),
    ("POST", "bots/{bot}/undelete"),
    ("POST", "bots/{bot}/deploy"),
    ("POST", "bots/{bot}/live"),
    ("POST", "tokens"),
    ("PATCH", "session"),
    ("POST", "login"),
]


def test_every_route_declares_who_may_use_it(app: Flask) -> None:
    open_routes = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not isinstance(getattr(app.view_functions[rule.endpoint], "access_rule", None), Rule)
    ]
    assert open_routes == []
    assert any(rule.websocket for rule in app.url_map.iter_rules())


def test_a_route_without_a_rule_answers_nobody(app: Flask, guest: Browser) -> None:
    app.view_functions["forgotten"] = lambda: "secret"
    app.url_map.add(app.url_rule_class("/forgotten", endpoint="forgotten"))
    assert guest.get("/forgotten").status_code == 500
    assert b"secret" not in guest.get("/forgotten").data


def test_every_route_of_the_api_is_in_these_tables(app: Flask) -> None:
    listed = {(method, re.sub(r"{bot}|app\.py", "*", path)) for method, path in API}
    elsewhere = ("session", "login", "assets/upload", "share/", "chats/")
    there = {
        (method, re.sub(r"<[^>]+>", "*", rule.rule.removeprefix("/api/v1/")))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {pair for pair in there if not pair[1].startswith(elsewhere)} == {p for p in listed if p[1] != "session"}


@pytest.mark.parametrize(("method", "path"), API)
def test_nobody_gets_401(stranger: Browser, guest: Browser, method: str, path: str) -> None:
    answer = stranger.ask(
        method, path.format(bot=guest.make_bot()), json=BODIES.get(path.rsplit("/", maxsplit=1)[-1], {})
    )
    assert refusal(answer) == (401, "sign_in")


@pytest.mark.parametrize(("method", "path"), OF_A_BOT)
def test_another_persons_bot_is_not_there(guest: Browser, other: Browser, method: str, path: str) -> None:
    bot = guest.make_bot()
    guest.deploy(bot)
    answer = other.ask(method, path.format(bot=bot), json=BODIES.get(path.rsplit("/", maxsplit=1)[-1], {}))
    assert refusal(answer) == (404, "absent")
    absent = other.ask(method, path.format(bot="nosuchbot"), json=BODIES.get(path.rsplit("/", maxsplit=1)[-1], {}))
    assert absent.data == answer.data


@pytest.mark.parametrize(("method", "path"), TAKES_JSON)
@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"title": 1, "access": "?", "scope": 1, "from": 2}'])
def test_nonsense_gets_400_or_is_ignored(guest: Browser, method: str, path: str, body: bytes) -> None:
    answer = guest.ask(method, path.format(bot=guest.make_bot()), data=body)
    assert refusal(answer)[0] == 400


@pytest.mark.parametrize(("method", "path"), [pair for pair in API if pair[0] != "GET"])
def test_no_csrf_token_no_change(guest: Browser, method: str, path: str) -> None:
    answer = guest.ask(method, path.format(bot=guest.make_bot()), csrf=None)
    assert refusal(answer) == (403, "csrf")


@pytest.mark.parametrize(("method", "path"), [pair for pair in API if pair[0] != "GET"])
@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:8001", "https://127.0.0.1:8000"]
)
def test_another_origin_changes_nothing(guest: Browser, method: str, path: str, origin: str | None) -> None:
    answer = guest.ask(method, path.format(bot=guest.make_bot()), origin=origin)
    assert refusal(answer) == (403, "wrong_origin")


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8000", "http://localhost:8000", "HTTP://LOCALHOST:8000", "http://[::1]:8000"]
)
def test_every_spelling_of_this_machine_is_our_origin(guest: Browser, origin: str) -> None:
    assert guest.post("bots", origin=origin).status_code == 201


def test_sec_fetch_site_counts_where_the_host_is_ours(guest: Browser) -> None:
    assert guest.post("bots", origin=None, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201
    assert guest.post("bots", origin=None, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403


def test_another_host_gets_421_with_the_setting_to_use(app: Flask) -> None:
    answer = app.test_client().get("/", base_url="http://evil.example:8000")
    assert answer.status_code == 421
    assert "HAL9_IDE_PUBLIC_URL" in answer.text
    api = app.test_client().post("/api/v1/session", base_url="http://evil.example:8000")
    assert refusal(api) == (421, "wrong_host")


def test_methods_and_addresses_that_are_not_there(guest: Browser) -> None:
    assert refusal(guest.ask("PUT", "bots")) == (405, "bad_method")
    assert refusal(guest.get("nothing")) == (404, "absent")
    assert refusal(guest.get("nothing/here/at/all")) == (404, "absent")


def test_looking_creates_nothing(app: Flask, guest: Browser) -> None:
    bot = guest.make_bot()
    key = guest.deploy(bot)["key"]
    before = rows(app)
    for path in ("/", f"/b/{key}", "/devs", "/explore", "/learn", "/login", "/status", "/healthz", "/openapi.json"):
        for method in ("GET", "HEAD"):
            answer = app.test_client().open(path, method=method, base_url=ORIGIN)
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers
    for _ in range(200):
        app.test_client().get(f"/b/{key}", base_url=ORIGIN)
    assert rows(app) == before
    assert [call for call in runner_calls(app) if call[0] == "open"] == []


def rows(app: Flask) -> dict[str, int]:
    from sqlalchemy import func, select

    from hal9_ide.store.tables import Base
    from tests.http.conftest import services_of

    with services_of(app).database.read() as session:
        tables = Base.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def runner_calls(app: Flask) -> list[tuple[object, ...]]:
    from tests.http.conftest import FakeRunner, services_of

    runner = services_of(app).runner
    assert isinstance(runner, FakeRunner)
    return runner.calls


def test_a_body_over_the_limit_gets_413(guest: Browser) -> None:
    assert refusal(guest.ask("POST", "bots", data=b'"' + b"x" * (1 << 20) + b'"')) == (413, "too_large")


def test_openapi_describes_the_routes_and_no_socket(app: Flask) -> None:
    document = app.test_client().get("/openapi.json", base_url=ORIGIN).get_json()
    assert document["openapi"] == "3.1.0"
    assert "post" in document["paths"]["/api/v1/bots/{bot_id}/deploy"]
    assert not any(path.endswith("/ws") for path in document["paths"])
    used = set(re.findall(r"#/components/schemas/(\w+)", app.test_client().get("/openapi.json", base_url=ORIGIN).text))
    assert used <= set(document["components"]["schemas"])
    assert document["components"]["schemas"]["Error"]["required"] == ["ok", "error", "code"]


def test_visitors_routes_answer_visitors(app: Flask, guest: Browser) -> None:
    key = guest.deploy(guest.make_bot())["key"]
    assert visitor(app, "GET", f"share/{key}/chats").get_json() == {"chats": []}
    assert refusal(visitor(app, "GET", "share/nosuchkey/chats")) == (404, "absent")
    assert refusal(visitor(app, "POST", "share/nosuchkey/chats")) == (404, "absent")
