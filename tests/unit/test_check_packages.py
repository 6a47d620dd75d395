"""What a deploy says when the packages of a version are not to be had, or not yet."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from hal9_ide.deploy import check_start
from hal9_ide.errors import Refused
from sandbox import check
from sandbox.install_failures import PackagesFailed
from sandbox.limits import Limits

Tell = Callable[[str], None]
NOBODY: Any = None
"""Host and folders: a check without packages does not get as far."""


def verdict(environment_of: check.Environment) -> check.Verdict:
    return asyncio.run(check.check(NOBODY, NOBODY, Limits(), "manifest", environment_of))


def test_check_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(manifest: str, tell: Tell) -> Path | None:
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr(check, "PACKAGES_SECONDS", 0.01)
    found = verdict(slow)
    assert (found.passed, found.reason) == (False, "preparing")
    assert found.error is not None
    assert "still being installed" in found.error.message


def test_check_shows_sentence_line_and_log() -> None:
    async def failing(manifest: str, tell: Tell) -> Path | None:
        raise PackagesFailed("There is no package x.", line=3, log="the log")

    found = verdict(failing)
    assert (found.passed, found.reason) == (False, "packages")
    assert found.error is not None
    assert asdict(found.error) | {"type": ""} == {
        "type": "",
        "message": "There is no package x.",
        "file": "requirements.txt",
        "line": 3,
        "traceback": "the log",
    }


@pytest.mark.parametrize(("reason", "code"), [("packages", "packages_failed"), ("preparing", "packages_not_ready")])
def test_deploy_refuses_with_that_sentence(reason: str, code: str) -> None:
    error = {"type": "Packages", "message": "There is no package x.", "file": "requirements.txt", "line": 3}
    answer = {"passed": False, "reason": reason, "traceback": "the log", "error": error}
    with pytest.raises(Refused) as caught:
        check_start(lambda manifest: answer, "manifest")
    assert str(caught.value) == "There is no package x."
    assert caught.value.code == code
    assert caught.value.details == {"traceback": "the log", "file": "requirements.txt", "line": 3}
