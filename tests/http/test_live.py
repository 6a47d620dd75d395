"""Real gunicorn: what only shows on the wire."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.chat_socket import ChatSocket
from tests.http.live_web import LiveWeb, live_web
from tests.live import ROOT, eventually
from tests.people import Author, Visitor

CLIENT = ROOT / ".venv-client" / "bin" / "hal9"
needs_client = pytest.mark.skipif(not CLIENT.exists(), reason="the published client is not installed")
MIB = 1 << 20


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWeb]:
    with live_web(tmp_path_factory.mktemp("web")) as web:
        yield web


@pytest.fixture(scope="module")
def author(web: LiveWeb) -> Iterator[Author]:
    with web.author() as author:
        yield author


@pytest.fixture
def chat(author: Author) -> Iterator[ChatSocket]:
    with author.socket(author.open_chat(author.make_bot())) as chat:
        yield chat


def cookie(author: Author) -> dict[str, str]:
    return {"Cookie": f"hal9_session={author.http.cookies['hal9_session']}"}


def shake_hands(web: LiveWeb, chat: str, **options: Any) -> ClientConnection:
    options = {"origin": Origin(web.url), "subprotocols": [Subprotocol("hal9.chat.v1")], **options}
    return connect(f"ws://127.0.0.1:{web.port}/api/v1/chats/{chat}/ws", proxy=None, **options)


# sockets


def test_a_chat_goes_both_ways(chat: ChatSocket) -> None:
    assert chat.say("héllo 😀") == "Echo: héllo 😀\n"


def test_a_visitor_gets_no_frames_that_are_for_the_author(web: LiveWeb, author: Author) -> None:
    visitor = Visitor(web.url, author.deploy().key)
    with visitor.socket(visitor.open_chat()) as chat:
        assert chat.say("hi") == "Echo: hi\n"
        assert "console" not in chat.kinds()
        assert all("src" not in frame for frame in chat.frames)


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
def test_another_origin_gets_no_socket(web: LiveWeb, author: Author, origin: str | None) -> None:
    chat = author.open_chat(author.make_bot())
    with pytest.raises(InvalidStatus) as refused:
        shake_hands(web, chat, origin=origin, additional_headers=cookie(author))
    assert refused.value.response.status_code == 403


def test_another_persons_chat_has_no_socket(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    with web.author() as other:
        strangers: list[dict[str, Any]] = [{}, {"additional_headers": cookie(other)},
                     {"subprotocols": [Subprotocol("hal9.chat.v1"), Subprotocol("visitor.wrong")]}]  # fmt: skip
        for options in strangers:
            with pytest.raises(InvalidStatus) as refused:
                shake_hands(web, chat, **options)
            assert refused.value.response.status_code == 404


def test_a_socket_ends_with_the_first_message_after_signing_out(web: LiveWeb) -> None:
    with web.author() as author:
        chat = author.socket(author.open_chat(author.make_bot())).connect()
        assert author.request("DELETE", "/session").ok
        chat.post("still me")
        with pytest.raises(ConnectionClosed):
            chat.until("accepted")
        chat.close()


def test_a_live_chats_socket_ignores_the_cookie(web: LiveWeb, author: Author) -> None:
    visitor = Visitor(web.url, author.deploy().key)
    chat = visitor.open_chat()
    with pytest.raises(InvalidStatus) as refused:
        shake_hands(web, chat, additional_headers=cookie(author))
    assert refused.value.response.status_code == 404


def test_the_answer_names_our_protocol_and_never_the_secret(web: LiveWeb, author: Author) -> None:
    visitor = Visitor(web.url, author.deploy().key)
    chat = visitor.open_chat()
    offered = [Subprotocol(f"visitor.{visitor.secret}"), Subprotocol("hal9.chat.v1")]
    with shake_hands(web, chat, subprotocols=offered) as client:
        assert client.subprotocol == "hal9.chat.v1"
        assert client.response
        assert visitor.secret not in str(client.response.headers)


def test_without_our_protocol_there_is_no_socket(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    with pytest.raises(InvalidStatus) as refused:
        shake_hands(web, chat, subprotocols=None, additional_headers=cookie(author))
    assert refused.value.response.status_code == 400


def test_a_plain_request_gets_no_socket(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    answer = author.http.get(f"{web.url}/api/v1/chats/{chat}/ws", timeout=5)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False


def test_compression_is_not_agreed(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    with shake_hands(web, chat, additional_headers=cookie(author), compression="deflate") as client:
        assert client.response
        assert "Sec-WebSocket-Extensions" not in client.response.headers


def test_a_frame_over_the_limit_closes_with_1009(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    with shake_hands(web, chat, additional_headers=cookie(author), compression=None) as client:
        client.send("x" * 500_000)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                client.recv(timeout=5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("text", ["", "x" * 70_000, "a\0b"])
def test_a_text_that_cannot_be_is_refused_or_sent(chat: ChatSocket, text: str) -> None:
    message = chat.post(text)
    answer = chat.until(lambda frame: frame["kind"] in ("accepted", "refused"))
    assert answer["id"] == message
    assert answer["kind"] == ("accepted" if not text else "refused")
    if text:
        assert answer["code"] in ("too_long", "bad_text")
        assert answer["text"].endswith(".")
    assert chat.say("still here") == "Echo: still here\n"


@pytest.mark.parametrize(
    "frame", ["[]", "{", '{"kind":"nonsense"}', '{"kind":"message"}', '{"kind":"resume","after":"x"}']
)
def test_what_is_no_frame_closes_with_1007(web: LiveWeb, author: Author, frame: str) -> None:
    chat = author.open_chat(author.make_bot())
    with shake_hands(web, chat, additional_headers=cookie(author)) as client:
        client.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                client.recv(timeout=5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1007


def test_a_restart_of_a_draft_takes_the_draft_as_it_is_now(web: LiveWeb, author: Author) -> None:
    import sqlite3

    bot = author.make_bot("print(1)\n")
    chat_id = author.open_chat(bot)

    def manifest() -> str:
        with sqlite3.connect(web.folder / "data" / "hal9.sqlite3") as database:
            found: str = database.execute("SELECT manifest FROM chat WHERE id = ?", (chat_id,)).fetchone()[0]
            return found

    before = manifest()
    author.put_file(bot, "app.py", "print(2)\n")
    with author.socket(chat_id) as chat:
        assert manifest() == before
        chat.restart()
        chat.until(lambda frame: frame["kind"] == "start" and frame["by"] == "restart")
    assert manifest() != before


def test_a_restart_knows_the_new_name_of_the_main_file(web: LiveWeb, author: Author) -> None:
    bot = author.make_bot("print(1)\n")
    with author.socket(author.open_chat(bot)) as chat:
        author.post(f"/bots/{bot}/rename", json={"from": "app.py", "to": "main.py"})
        chat.restart()
        chat.until(lambda frame: frame["kind"] == "start" and frame["by"] == "restart")
    transcript = author.get(f"/bots/{bot}")
    assert transcript["main"] == "main.py"
    import sqlite3

    with sqlite3.connect(web.folder / "data" / "hal9.sqlite3") as database:
        sha = database.execute("SELECT manifest FROM chat WHERE bot_id = ?", (bot,)).fetchone()[0]
    manifest = json.loads((web.folder / "data" / "blobs" / sha[:2] / sha).read_text())
    assert manifest["main"] == "main.py" and list(manifest["files"]) == ["main.py"]


def test_a_bot_that_was_taken_down_hears_no_visitor(web: LiveWeb, author: Author) -> None:
    deployed = author.deploy()
    visitor = Visitor(web.url, deployed.key)
    with visitor.socket(visitor.open_chat()) as chat:
        chat.say("hi")
        author.request("PATCH", f"/bots/{deployed.bot}", json={"taken_down": True})
        chat.post("still?")
        assert chat.until(lambda frame: frame["kind"] == "refused")["code"] == "taken_down"


def deaf_client(web: LiveWeb, author: Author, chat: str) -> socket.socket:
    """Open a socket that asks for a flood and never reads it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", web.port))
    lines = [f"GET /api/v1/chats/{chat}/ws HTTP/1.1", f"Host: 127.0.0.1:{web.port}", f"Origin: {web.url}",
             "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: hal9.chat.v1",
             f"Cookie: {cookie(author)['Cookie']}", "", ""]  # fmt: skip
    raw.sendall("\r\n".join(lines).encode())
    assert b"101" in raw.recv(200)
    for fields in ({"kind": "resume", "after": 0}, {"kind": "message", "id": "m", "text": "flood 4000"}):
        data = json.dumps(fields).encode()
        raw.sendall(bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data)
    return raw


def test_clients_that_do_not_read_delay_nobody_and_cost_little(web: LiveWeb, author: Author, chat: ChatSocket) -> None:
    chat.say("warm")
    before = web.memory_bytes()
    deaf = [deaf_client(web, author, author.open_chat(author.make_bot())) for _ in range(5)]  # 28 MB each
    time.sleep(1)
    delays = []
    for number in range(20):
        begun = time.monotonic()
        chat.say(str(number))
        delays.append(time.monotonic() - begun)
    assert sorted(delays)[10] < 0.25
    assert web.memory_bytes() - before < 12 * MIB
    for raw in deaf:
        raw.close()


def test_what_a_client_sends_too_fast_stays_with_the_client(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    before = web.memory_bytes()
    with shake_hands(web, chat, additional_headers=cookie(author), compression=None, max_queue=None) as client:
        text = "x" * 64_000
        for number in range(800):  # 51 MB, each an echo
            client.send(json.dumps({"kind": "message", "id": f"m{number}", "text": text}))
    assert web.memory_bytes() - before < 20 * MIB


def test_many_sockets_are_open_at_once(web: LiveWeb, author: Author) -> None:
    chat = author.open_chat(author.make_bot())
    before = web.memory_bytes()
    with ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(shake_hands(web, chat, additional_headers=cookie(author), compression=None))
            assert json.loads(client.recv(timeout=5))["kind"] == "hello"
        assert web.memory_bytes() - before < 100 * 150_000


def test_a_worker_that_ends_says_so_and_the_next_one_serves(tmp_path: Path) -> None:
    with live_web(tmp_path) as web, web.author() as author:
        chat = author.socket(author.open_chat(author.make_bot())).connect()
        chat.say("one")
        worker = web.worker()
        begun = time.monotonic()
        os.kill(worker, signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                chat.next(5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1012
        assert time.monotonic() - begun < 4
        chat.reconnect()
        assert chat.say("two") == "Echo: two\n"
        os.kill(web.worker(), signal.SIGKILL)
        chat.reconnect()
        assert chat.say("three") == "Echo: three\n"
        inputs = [frame["text"] for frame in chat.frames if frame["kind"] == "input"]
        assert inputs == ["one", "two", "three"]


def test_without_a_supervisor_pages_open_and_sockets_say_to_come_back(tmp_path: Path) -> None:
    with live_web(tmp_path) as web, web.author() as author:
        bot = author.make_bot()
        chat = author.socket(author.open_chat(bot)).connect()
        chat.say("one")
        web.kill_supervisor()
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                chat.next(5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1013
        with shake_hands(web, chat.chat, additional_headers=cookie(author)) as client:
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=5)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1013
        assert web.health() == 503
        assert author.request("POST", f"/bots/{bot}/chats", json={}).status_code == 503
        assert len(author.get(f"/bots/{bot}/chats")["chats"]) == 1
        assert author.request("POST", f"/bots/{bot}/deploy", json={}).status_code == 503
        assert requests.get(f"{web.url}/", timeout=5).status_code == 200
        web.start_supervisor()
        eventually(lambda: web.health() == 200, what="a good answer of /healthz")
        assert author.request("POST", f"/bots/{bot}/chats", json={}).status_code == 201


# status lines, uploads, long addresses


def deploy(web: LiveWeb, folder: Path, token: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(CLIENT), "deploy", str(folder), "--url", web.url, *arguments]
    environment = {"PATH": os.environ["PATH"], "HAL9_TOKEN": token, "HOME": str(folder.parent)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client") / "echo-chatbot"
    if CLIENT.exists():
        subprocess.run([str(CLIENT), "create", str(folder)], check=True, capture_output=True, timeout=60)
    return folder


@needs_client
def test_the_published_client_deploys_and_updates(web: LiveWeb, author: Author, project: Path) -> None:
    token = author.post("/tokens", json={})["token"]
    first = deploy(web, project, token, "--name", "echo", "--access", "unlisted")
    assert first.returncode == 0, first.stderr
    url = first.stdout.strip()
    assert requests.get(url, timeout=5).status_code == 200
    visitor = Visitor(web.url, url.rpartition("/")[2])
    with visitor.socket(visitor.open_chat()) as chat:
        assert chat.say("hi") == "Echo: hi\n"
    assert deploy(web, project, token, "--name", "ECHO").stdout.strip() == url
    (bot,) = [bot for bot in author.get("/bots")["bots"] if bot["url"] == url]
    assert (bot["live"]["number"], bot["access"]) == (1, "private")


@needs_client
def test_the_published_client_shows_why_it_was_refused(web: LiveWeb, author: Author, project: Path) -> None:
    unknown = deploy(web, project, "wrong", "--name", "echo")
    assert unknown.returncode == 1
    assert f"401 Client Error: Unknown token - get one at {web.url}/devs for url" in unknown.stderr
    token = author.post("/tokens", json={})["token"]
    no_main = deploy(web, project, token, "--name", "echo", "--main", "nope.py")
    assert "422 Client Error: There is no file 'nope.py' to start - name one with --main for url" in no_main.stderr


@pytest.mark.parametrize("size", [20 * MIB, 60 * MIB])
def test_a_large_upload_that_is_refused_still_gets_its_answer(web: LiveWeb, size: int) -> None:
    body = b'{"name": "x", "files": {"a": "' + b"A" * size + b'"}}'
    answer = requests.post(f"{web.url}//api/v1/assets/upload", data=body, headers={"ApiKey": "wrong"}, timeout=60)
    assert answer.status_code == 401
    assert answer.reason == f"Unknown token - get one at {web.url}/devs"


def test_an_upload_over_every_limit_gets_413(web: LiveWeb, author: Author) -> None:
    token = author.post("/tokens", json={})["token"]
    body = b'{"name": "x", "files": {"a": "' + b"A" * (50 * MIB) + b'"}}'
    answer = requests.post(f"{web.url}/api/v1/assets/upload", data=body, headers={"ApiKey": token}, timeout=60)
    assert answer.status_code == 413
    assert "32 MiB" in answer.reason


def test_a_large_upload_delays_nobody(web: LiveWeb, author: Author, chat: ChatSocket) -> None:
    token = author.post("/tokens", json={})["token"]
    files = {f"data{number}.bin": "A" * (1 << 20) for number in range(28)} | {"app.py": ""}
    body = {"name": "large", "files": files, "format": "b64", "sourcefile": "app.py"}
    answers: list[requests.Response] = []

    def upload() -> None:
        answers.append(
            requests.post(f"{web.url}/api/v1/assets/upload", json=body, headers={"ApiKey": token}, timeout=60)
        )

    uploading = Thread(target=upload)
    uploading.start()
    delays = []
    while uploading.is_alive():
        begun = time.monotonic()
        chat.say("x")
        delays.append(time.monotonic() - begun)
    assert answers[0].status_code == 200, answers[0].text
    assert max(delays) < 1.5


def test_a_thousand_files_are_deployed_in_five_seconds(web: LiveWeb, author: Author) -> None:
    token = author.post("/tokens", json={})["token"]
    files = {f"f{number}.txt": "QUJD" + f"{number:08d}" for number in range(999)} | {"app.py": ""}
    body = {"name": "many", "files": files, "format": "b64", "sourcefile": "app.py"}
    begun = time.monotonic()
    answer = requests.post(f"{web.url}/api/v1/assets/upload", json=body, headers={"ApiKey": token}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert time.monotonic() - begun < 5


def test_code_of_32_kb_fits_in_an_address(web: LiveWeb) -> None:
    assert requests.get(f"{web.url}/devs?code={'x' * 32_000}", timeout=5).status_code == 200
    assert requests.get(f"{web.url}/devs?code={'x' * 34_000}", timeout=5).status_code in (400, 414)


def test_steps_of_a_deploy_arrive_as_they_happen(web: LiveWeb, author: Author) -> None:
    answer = author.request(
        "POST", f"/bots/{author.make_bot()}/deploy", json={}, headers={"Accept": "application/x-ndjson"}
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line.get("state") for line in lines[:-1]] == ["now", "done"] * 4
    assert lines[-1]["ok"] is True


def test_the_log_says_nothing_that_people_said(web: LiveWeb, chat: ChatSocket) -> None:
    chat.say("my secret plan")
    eventually(web.log, what="a log")
    assert "secret plan" not in web.log()
    assert "Traceback" not in web.log()
