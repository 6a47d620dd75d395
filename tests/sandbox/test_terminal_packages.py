"""A script in a terminal gets the packages of the requirements.txt beside it, from where pip would take them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.arena import ROOT
from tests.wheelhouse import Wheelhouse, served


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Wheelhouse]:
    with served(tmp_path / "house") as made:
        made.add("tiny-greeting", "1.0", {"tiny_greeting.py": "def hello():\n    return 'hello'\n"})
        yield made


def run(folder: Path, house: Wheelhouse, requirements: str) -> "subprocess.CompletedProcess[str]":
    (folder / "app.py").write_text("import tiny_greeting\nprint(tiny_greeting.hello(), input())\n")
    (folder / "requirements.txt").write_text(requirements)
    command = [sys.executable, "-m", "sandbox", "run", str(folder / "app.py")]
    environment = {**os.environ, "PIP_INDEX_URL": house.url}
    return subprocess.run(
        command, cwd=ROOT, env=environment, input="you\n", capture_output=True, text=True, timeout=60, check=False
    )


def test_packages_are_installed_first(tmp_path: Path, house: Wheelhouse) -> None:
    done = run(tmp_path, house, "tiny-greeting\n")
    assert (done.returncode, done.stdout) == (0, "hello you\n"), done.stderr
    assert "[packages: fetching tiny-greeting 1.0]" in done.stderr


def test_without_them_the_script_does_not_run(tmp_path: Path, house: Wheelhouse) -> None:
    done = run(tmp_path, house, "tiny-greeting\ntiny-absent\n")
    assert (done.returncode, done.stdout) == (4, "")
    assert "There is no package tiny-absent in the index (requirements.txt, line 2)" in done.stderr
