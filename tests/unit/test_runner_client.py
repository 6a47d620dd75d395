"""How web speaks with the supervisor: frames on a Unix socket, and refusals as errors."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hal9_ide.chat import MESSAGE_BYTES, Supervisor, pack, read_message, refusal
from hal9_ide.errors import Absent, Busy, DiskFull, Hal9Error, Refused, Unavailable

Serve = Callable[[Callable[[socket.socket], None]], Supervisor]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Answer one connection with a function."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    threads: list[threading.Thread] = []

    def start(answer: Callable[[socket.socket], None]) -> Supervisor:
        def work() -> None:
            connection, _ = listener.accept()
            with connection:
                answer(connection)

        threads.append(threading.Thread(target=work, name="fake supervisor"))
        threads[-1].start()
        return Supervisor(tmp_path / "s")

    yield start
    listener.close()
    for thread in threads:
        thread.join(5)


def call_of(connection: socket.socket) -> dict[str, Any]:
    data = read_message(connection)
    assert data is not None
    call: dict[str, Any] = msgspec.json.decode(data)
    return call


def test_a_call_gets_its_answer(serve: Serve) -> None:
    calls: list[dict[str, Any]] = []

    def answer(connection: socket.socket) -> None:
        calls.append(call_of(connection))
        for byte in pack({"ok": True, "state": "waiting", "seq": 3}):  # in pieces, as a stream may come
            connection.sendall(bytes([byte]))

    assert serve(answer).status("chat") == {"ok": True, "state": "waiting", "seq": 3}
    assert calls == [{"op": "status", "chat": "chat"}]


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        ("busy", Busy, 429),
        ("too_many_chats", Busy, 429),
        ("queue_full", Busy, 429),
        ("sandbox_unavailable", Unavailable, 503),
        ("disk_full", DiskFull, 507),
        ("absent", Absent, 404),
        ("something_new", Refused, 422),
    ],
)
def test_a_refusal_is_an_error_with_its_words(code: str, kind: type[Hal9Error], status: int) -> None:
    error = refusal({"ok": False, "code": code, "text": "Not now.", "retry_after": 7})
    assert (type(error), error.status, error.code, error.sentence) == (kind, status, code, "Not now.")
    assert error.retry_after == (7 if kind is Busy else None)


def test_a_refused_call_raises(serve: Serve) -> None:
    def answer(connection: socket.socket) -> None:
        call_of(connection)
        connection.sendall(pack({"ok": False, "code": "busy", "text": "Too many."}))

    with pytest.raises(Busy, match="Too many"):
        serve(answer).open("chat", "127.0.0.1")


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    for act in (
        Supervisor(tmp_path / "none").health,
        lambda: Supervisor(tmp_path / "none").attach("c", is_author=True),
    ):
        with pytest.raises(Unavailable) as refused:
            act()
        assert refused.value.code == "supervisor_unavailable"


@pytest.mark.parametrize(
    "answer", [b"", b"\0\0", b"\0\0\0\x05{}", (MESSAGE_BYTES + 1).to_bytes(4, "big") + b"x", b"\0\0\0\x01{"]
)
def test_half_an_answer_is_unavailable(serve: Serve, answer: bytes) -> None:
    def send(connection: socket.socket) -> None:
        call_of(connection)
        connection.sendall(answer)

    with pytest.raises(Unavailable):
        serve(send).health()


def test_an_attached_reader_gets_frames_as_they_are_and_sends_calls(serve: Serve) -> None:
    calls: list[dict[str, Any]] = []

    def answer(connection: socket.socket) -> None:
        calls.append(call_of(connection))
        connection.sendall(pack({"kind": "hello"}) + pack({"kind": "output", "text": "😀"}))
        calls.append(call_of(connection))

    link = serve(answer).attach("chat", is_author=False)
    frames = link.frames()
    assert [next(frames), next(frames)] == [b'{"kind":"hello"}', '{"kind":"output","text":"😀"}'.encode()]
    link.send("resume", after=0)
    assert list(frames) == []
    link.close()
    assert calls == [{"op": "attach", "chat": "chat", "role": "visitor"}, {"op": "resume", "after": 0}]
    with pytest.raises(Unavailable):
        link.send("stop")
