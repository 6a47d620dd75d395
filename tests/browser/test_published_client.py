"""The published `hal9` command line, unmodified: create, deploy, deploy again, open in the IDE by a login link."""

import os
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import Ide, Visit
from tests.live import ROOT, LiveServer

HAL9 = ROOT / ".venv-client" / "bin" / "hal9"


def hal9(*arguments: str, folder: Path, token: str = "") -> "subprocess.CompletedProcess[str]":
    assert HAL9.exists(), "`make test` installs the published client into .venv-client"
    environment = {**os.environ, "HAL9_TOKEN": token, "HOME": str(folder), "PYTHONWARNINGS": "ignore"}
    command = [str(HAL9), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def deploy(server: LiveServer, folder: Path, token: str) -> str:
    options = ["--url", server.url, "--name", "echo", "--access", "unlisted"]
    done = hal9("deploy", "echo-chatbot", *options, folder=folder, token=token)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert hal9("create", "echo-chatbot", folder=tmp_path).returncode == 0
    return tmp_path


def test_create_deploy_chat_deploy_again_and_open(project: Path, server: LiveServer, open_page: OpenPage) -> None:
    token = server.command("token", "create", "--user", "client").splitlines()[-1]
    link = deploy(server, project, token)
    visit = Visit(open_page(link)).is_open()
    visit.say("hello")
    visit.heard("Echo: hello")

    (project / "echo-chatbot" / "app.py").write_text("print('Better echo: ' + input())\n")
    assert deploy(server, project, token) == link
    visit = Visit(open_page(link)).is_open()
    visit.say("hello")
    visit.heard("Better echo: hello")

    page = open_page(server.command("login-link", "--user", "client").strip())
    page.get_by_role("button", name="Sign in").click()
    ide = Ide(page).is_open()
    expect(ide.editor).to_contain_text("Better echo")


def test_a_wrong_token_is_told_where_to_get_one(project: Path, server: LiveServer) -> None:
    options = ["--url", server.url, "--name", "echo"]
    done = hal9("deploy", "echo-chatbot", *options, folder=project, token="h9_wrong")
    assert done.returncode != 0
    assert f"401 Client Error: Unknown token - get one at {server.url}/devs" in done.stderr
