"""A run's way out, pooled and cold: by the bot's policy, with words when it is refused, and always to ourselves."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.supervisor.conftest import MakeDesk
from tests.supervisor.desk import Desk, text_of

FETCH = (
    "import urllib.request\ntry:\n    print(urllib.request.urlopen({url!r}).read().decode())\n"
    "except OSError as e:\n    print('refused:', e)\n"
)


class Hello(BaseHTTPRequestHandler):
    """Says hello."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from outside")

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """A server on loopback, let through the guard by a setting; its host:port."""
    server = ThreadingHTTPServer(("127.0.0.2", 0), Hello)  # 127.0.0.1 is a run's own
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.2:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=[4, 0], ids=["pooled", "cold"])
def connected(request: pytest.FixtureRequest, make_desk: MakeDesk, upstream: str) -> Desk:
    """A supervisor that lets bots of guests reach the upstream."""
    return make_desk(pool_size=request.param, fetch_allow=upstream, guests_network="on")


def test_a_bot_reaches_what_its_policy_allows_and_the_author_sees_a_line(connected: Desk, upstream: str) -> None:
    reader = connected.open(FETCH.format(url=f"http://{upstream}/"))
    reader.until("end")
    assert text_of(reader.frames) == "hello from outside\n"
    assert upstream in text_of(reader.frames, "console")


def test_a_bot_without_network_is_told_its_policy(connected: Desk, upstream: str) -> None:
    bot = connected.bot(network=[])
    reader = connected.open(FETCH.format(url=f"http://{upstream}/"), bot=bot)
    reader.until("end")
    assert "refused:" in text_of(reader.frames) and "policy: off" in text_of(reader.frames)
    assert "policy: off" in text_of(reader.frames, "console")


def test_addresses_that_are_not_public_are_refused(connected: Desk) -> None:
    reader = connected.open(FETCH.format(url="http://169.254.169.254/latest"))
    reader.until("end")
    assert "refused:" in text_of(reader.frames)


def test_our_own_name_is_answered_under_every_policy(connected: Desk) -> None:
    reader = connected.open(FETCH.format(url="http://hal9.internal/health"), bot=connected.bot(network=[]))
    reader.until("end")
    assert "refused" not in text_of(reader.frames)


def test_a_start_check_has_no_network_and_does_not_hang(connected: Desk, upstream: str) -> None:
    script = f"import urllib.request\nurllib.request.urlopen('http://{upstream}/')\n"
    answer = connected.call("check", manifest=connected.manifest({"app.py": script}))
    assert answer["passed"] is False and "refused" in answer["traceback"]
