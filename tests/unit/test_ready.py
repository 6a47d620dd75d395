"""Noticing that the server is ready, without waiting for any answer."""

import socket
import time
from collections.abc import Iterator

import pytest

from hal9_ide.ops.ready import Announce, Probe
from tests.live import eventually

GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}'


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(5)
        yield made


@pytest.fixture
def probe(listener: socket.socket) -> Iterator[Probe]:
    made = Probe(listener.getsockname())
    yield made
    made.close()


def answer(listener: socket.socket, data: bytes) -> bytes:
    """Take the next connection and answer its request with `data`."""
    connection, _ = listener.accept()
    with connection:
        asked = connection.recv(1000)
        connection.sendall(data)
    return asked


def test_a_question_waits_in_the_queue_and_nobody_waits_for_it(listener: socket.socket, probe: Probe) -> None:
    began = time.monotonic()
    assert probe.answer() is None
    assert probe.answer() is None
    assert time.monotonic() - began < 0.5
    assert answer(listener, GOOD).startswith(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:")
    health = eventually(probe.answer)
    assert health.is_good


def test_a_refusal_has_its_reason(listener: socket.socket, probe: Probe) -> None:
    probe.answer()
    body = b'{"ok":false,"error":"The reason."}'
    answer(listener, b"HTTP/1.1 503 X\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    health = eventually(probe.answer)
    assert (health.is_good, health.sentence) == (False, "The reason.")


@pytest.mark.parametrize("data", [b"", b"nonsense", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{x"])
def test_an_answer_that_makes_no_sense_is_none_and_it_asks_again(
    listener: socket.socket, probe: Probe, data: bytes
) -> None:
    probe.answer()
    answer(listener, data)
    time.sleep(0.05)
    assert probe.answer() is None
    probe.answer()
    answer(listener, GOOD)
    assert eventually(probe.answer).is_good


def test_nobody_listening_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    assert Probe(address).answer() is None


def test_ready_is_announced_once(listener: socket.socket, probe: Probe) -> None:
    said: list[str] = []
    tick = Announce(probe, ready=lambda: said.append("ready"), slow=said.append)
    assert tick() is not None
    answer(listener, GOOD)
    eventually(lambda: tick() is None)
    assert tick() is None
    assert said == ["ready"]
