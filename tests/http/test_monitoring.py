"""What programs that watch the server see."""

from flask import Flask

from hal9_ide import auth
from hal9_ide.errors import Unavailable
from tests.http.conftest import ORIGIN, Browser, FakeRunner, refusal, services_of


def operator_token(app: Flask, scope: str = "operator") -> str:
    with services_of(app).database.write() as session:
        return auth.make_token(session, auth.user_named(session, "ops").id, scope)[0]


def test_healthz_is_good_when_a_bot_can_run(stranger: Browser) -> None:
    answer = stranger.get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json()["ok"] is True


def test_healthz_says_why_not(stranger: Browser, runner: FakeRunner) -> None:
    runner.refusal = Unavailable("User namespaces are off.")
    answer = stranger.get("/healthz")
    assert refusal(answer) == (503, "sandbox_unavailable")
    assert answer.get_json()["error"] == "User namespaces are off."


def test_healthz_answers_under_any_host(app: Flask) -> None:
    assert app.test_client().get("/healthz", base_url="http://10.1.2.3:8000").status_code == 200


def test_metrics_need_an_operators_token(app: Flask, guest: Browser) -> None:
    client = app.test_client()
    assert refusal(client.get("/metrics", base_url=ORIGIN)) == (401, "sign_in")
    assert refusal(guest.get("/metrics")) == (401, "sign_in")
    deploy = {"ApiKey": operator_token(app, "deploy")}
    assert refusal(client.get("/metrics", base_url=ORIGIN, headers=deploy)) == (403, "wrong_scope")


def test_metrics_are_computed_when_asked(app: Flask, guest: Browser, runner: FakeRunner) -> None:
    guest.make_bot()
    key = {"ApiKey": operator_token(app)}
    answer = app.test_client().get("/metrics", base_url=ORIGIN, headers=key)
    assert answer.mimetype == "text/plain"
    assert {"hal9_ide_bots_on_record 1.0", "hal9_ide_runs 2.0", "hal9_ide_up 1.0"} <= set(answer.text.splitlines())
    bearer = {"Authorization": f"Bearer {key['ApiKey']}"}
    assert app.test_client().get("/metrics", base_url=ORIGIN, headers=bearer).status_code == 200
    runner.refusal = Unavailable("Gone.")
    down = app.test_client().get("/metrics", base_url=ORIGIN, headers=key)
    assert "hal9_ide_up 0.0" in down.text.splitlines()
