"""The whole server as an operator sees it: it starts, heals, ends and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from tests.conftest import MakeAuthor, MakeServer
from tests.live import ROOT, LiveServer, command_line, descendants, eventually
from tests.people import ECHO, Visitor


def all_gone(pids: list[int]) -> bool:
    return eventually(lambda: not [pid for pid in pids if command_line(pid)], what="the end of every process")


def test_the_address_is_printed_once_when_bots_can_run(own_server: LiveServer) -> None:
    eventually(lambda: "Hal9 IDE is at" in own_server.log(), what="the address in the log")
    printed = [line for line in own_server.log().splitlines() if "Hal9 IDE is at" in line]
    assert printed == [f"Hal9 IDE is at {own_server.url}"]


def test_a_killed_web_server_is_replaced_and_no_connection_is_refused(own_server: LiveServer) -> None:
    old = own_server.web()
    os.kill(old, signal.SIGKILL)
    eventually(lambda: own_server.web() != old, 20)
    with socket.create_connection(("127.0.0.1", own_server.port), timeout=20) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % own_server.port)
        assert waiting.recv(15).startswith(b"HTTP/1.1 200")


def test_hup_replaces_the_workers_and_keeps_the_master(own_server: LiveServer) -> None:
    eventually(lambda: len(own_server.web_workers()) == 2)
    own_server.wait_ready()
    master, before = own_server.web(), set(own_server.web_workers())
    os.kill(own_server.pid, signal.SIGHUP)
    eventually(lambda: len(own_server.web_workers()) == 2 and not before & set(own_server.web_workers()), 20)
    assert own_server.web() == master


def test_a_run_lives_on_while_the_web_server_is_replaced(own_server: LiveServer, make_author: MakeAuthor) -> None:
    chat = make_author(own_server).chat("n = 0\nwhile True:\n    input()\n    n += 1\n    print(n)\n")
    chat.settle()
    assert chat.say("a") == "1\n"
    own_server.restart_gunicorn(signal.SIGKILL)
    chat.reconnect()
    assert chat.say("b") == "2\n"
    chat.close()


def test_a_killed_supervisor_is_replaced_and_the_next_message_works(
    own_server: LiveServer, make_author: MakeAuthor
) -> None:
    chat = make_author(own_server).chat("print('hello')\nwhile True:\n    print('you said', input())\n")
    chat.settle()
    own_server.kill_supervisor()
    own_server.wait_ready()
    chat.reconnect()
    ended = chat.until("end")
    assert ended["reason"] == "lost"
    assert chat.say("again").endswith("you said again\n")
    chat.close()


def test_a_killed_launcher_leaves_nothing_behind(make_server: MakeServer, make_author: MakeAuthor) -> None:
    live = make_server()
    chat = make_author(live).chat("input()\n")
    chat.settle()
    below = descendants(live.pid)
    assert len(below) > 4  # web, its worker, the supervisor, a sandbox
    os.kill(live.pid, signal.SIGKILL)
    assert all_gone(below)
    chat.close()


def test_ctrl_c_ends_the_server_and_leaves_nothing_behind(make_server: MakeServer, make_author: MakeAuthor) -> None:
    live = make_server()
    chat = make_author(live).chat("input()\n")
    chat.settle()
    below = descendants(live.pid)
    os.kill(live.pid, signal.SIGINT)
    assert live.stop() == 0
    assert all_gone(below)
    chat.close()


def test_a_second_server_on_the_same_data_folder_is_refused(server: LiveServer) -> None:
    ended = server.run_command("--port", str(server.port + 1))
    assert (ended.returncode, ended.stderr) == (1, f"Another server uses the data folder {server.data_dir}.\n")


def test_the_second_start_takes_less_than_three_seconds(make_server: MakeServer) -> None:
    import time

    live = make_server()
    seconds = []
    for _ in range(3):  # the best of three: other tests may have the processors
        live.stop()
        began = time.monotonic()
        live.start()
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 3


def test_a_backup_of_a_running_server_is_restored_with_the_bot_and_its_link(
    make_server: MakeServer, make_author: MakeAuthor, tmp_path: Path
) -> None:
    live = make_server()
    ada = make_author(live, name="ada")
    deployed = ada.deploy(ECHO)
    with Visitor(live.url, deployed.key).chat() as chat:
        chat.settle()
        assert chat.say("before") == "Echo: before\n"
    said = live.command("backup", str(tmp_path / "copy.tar"))
    assert "The secret key is in it" in said
    live.stop()

    other = make_server(start=False)
    other.command("restore", str(tmp_path / "copy.tar"))
    other.start()
    visitor = Visitor(other.url, deployed.key)
    with visitor.chat() as chat:
        chat.settle()
        assert chat.say("after") == "Echo: after\n"
    again = make_author(other, name="ada")
    assert [bot["id"] for bot in again.get("/bots")["bots"]] == [deployed.bot]
    assert again.deploy(bot=deployed.bot).url.endswith(f"/b/{deployed.key}")


def test_gc_runs_beside_the_server_and_keeps_what_is_used(server: LiveServer, make_author: MakeAuthor) -> None:
    deployed = make_author(server).deploy(ECHO)
    assert server.command("gc").startswith("Removed ")
    with Visitor(server.url, deployed.key).chat() as chat:
        chat.settle()
        assert chat.say("still") == "Echo: still\n"


def test_doctor_finds_every_layer_here(server: LiveServer) -> None:
    told = server.run_command("doctor")
    assert told.returncode == 0, told.stdout
    assert f"data folder {server.data_dir}: mode 0700" in told.stdout


def test_health_is_503_with_a_reason_while_the_supervisor_is_away(make_server: MakeServer) -> None:
    live = make_server()
    os.kill(live.supervisor(), signal.SIGSTOP)
    answer = requests.get(f"{live.url}/healthz", timeout=20)
    assert answer.status_code == 503
    assert answer.json()["ok"] is False and answer.json()["error"]
    os.kill(live.supervisor(), signal.SIGCONT)
    live.wait_ready()


def test_metrics_are_for_operators_only(server: LiveServer) -> None:
    operator = server.command("token", "create", "--user", "op", "--scope", "operator").split()[-1]
    deployer = server.command("token", "create", "--user", "op").split()[-1]
    address = f"{server.url}/metrics"
    assert requests.get(address, timeout=10).status_code == 401
    assert requests.get(address, headers={"ApiKey": deployer}, timeout=10).status_code == 403
    told = requests.get(address, headers={"ApiKey": operator}, timeout=10)
    assert told.status_code == 200
    assert re.search(r"^hal9_\w+(\{.*\})? \d", told.text, re.M)


def test_a_login_link_signs_in_once(server: LiveServer, make_author: MakeAuthor) -> None:
    link = server.command("login-link", "--user", "grace").strip()
    first = make_author(server)
    secret = link.partition("link=")[2]
    assert first.request("POST", "/login", json={"link": secret}).json()["user"]["name"] == "grace"
    second = make_author(server)
    assert second.request("POST", "/login", json={"link": secret}).status_code == 400


def test_the_sandbox_runs_a_script_in_the_terminal(tmp_path: Path) -> None:
    script = tmp_path / "echo.py"
    script.write_text(ECHO + "raise SystemExit(7)\n")
    command = [sys.executable, "-m", "sandbox", "run", str(script)]
    ended = subprocess.run(command, cwd=ROOT, input="hi\n", capture_output=True, text=True, timeout=30, check=False)
    assert (ended.stdout, ended.returncode) == ("Echo: hi\n", 7)
