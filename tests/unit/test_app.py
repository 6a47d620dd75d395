"""The command line: options become settings, mistakes become sentences."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app
from tests.live import ROOT


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **{f"HAL9_IDE_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "app.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [["--port", "9000", "gc"], ["gc", "--port", "9000"]])
def test_an_option_counts_before_and_after_the_command(arguments: list[str]) -> None:
    assert app.environment(app.parser().parse_args(arguments)) == {"HAL9_IDE_PORT": "9000"}


def test_an_option_goes_before_the_environment(tmp_path: Path) -> None:
    link = run("login-link", "--user", "ada", "--port", "9001", PORT="9000", DATA_DIR=str(tmp_path / "data"))
    assert link.stdout.startswith("http://127.0.0.1:9001/login?link=")


def test_a_variable_that_is_no_setting_is_named(tmp_path: Path) -> None:
    made = run("token", "create", "--user", "ada", DATA_DIR=str(tmp_path / "data"), MEMRY_BYTES="1")
    assert "HAL9_IDE_MEMRY_BYTES is not a setting" in made.stderr
    assert made.returncode == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [("PORT", "99999"), ("GUESTS", "maybe"), ("PUBLIC_URL", "bots.example.org"), ("MEMORY_BYTES", "-1")],
)
def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path: Path, setting: str, value: str) -> None:
    ended = run(**{"DATA_DIR": str(tmp_path / "data"), setting: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"HAL9_IDE_{setting}: ")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_taken_port_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("--port", port, DATA_DIR=str(tmp_path / "data"))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"The server cannot listen on 127.0.0.1 port {port}. Set HAL9_IDE_PORT or --port to another port.\n"
    )


def test_token_create_prints_the_token_alone_on_its_last_line(tmp_path: Path) -> None:
    made = run("token", "create", "--user", "ada", DATA_DIR=str(tmp_path / "data"))
    assert made.returncode == 0
    last = made.stdout.splitlines()[-1]
    assert len(last) > 24 and " " not in last


@pytest.mark.parametrize("name", ["", "a b", "../x", "guest-1234", "admin"])
def test_a_token_for_somebody_who_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    ended = run("token", "create", "--user", name, DATA_DIR=str(tmp_path / "data"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
