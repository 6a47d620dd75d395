"""The sandbox for a plain user, and for clones and homes under folders that only their owner may enter."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sandbox import runtime
from sandbox.host import state_folder
from tests.sandbox.arena import ROOT

UID = 45_679


class Clone:
    """A copy of the sandbox's sources in a 0700 home, and how to run its commands as its owner."""

    def __init__(self, home: Path, uid: int) -> None:
        self.home, self.uid = home, uid
        self.folder = home / "clone"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "sandbox", self.folder / "sandbox", ignore=ignored)
        shutil.copy(ROOT / "requirements-sandbox.txt", self.folder)
        (home / "bots").mkdir()
        (home / "bots" / "app.py").write_text("import openai, os\nprint('Echo:', input(), sorted(os.listdir('.')))\n")

    def own(self) -> None:
        """Give all of it to the user."""
        for path in [self.home, *self.home.rglob("*")]:
            os.chown(path, self.uid, self.uid, follow_symlinks=False)
        self.home.chmod(0o700)

    def run(self, *words: str, stdin: str = "", inside: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
        """Run a command of the sandbox, itself inside another command."""
        command = [*inside, "/usr/bin/python3", "-m", "sandbox", *words]
        if os.geteuid() == 0 and self.uid != 0:
            command = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *command]
        data = self.home / "share"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "XDG_DATA_HOME": str(data)}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(params=["plain user", "owner of this server"])
def clone(request: pytest.FixtureRequest) -> Iterator[Clone]:
    uid = os.geteuid()
    if request.param == "plain user" and uid == 0:
        uid = UID
    home = Path(f"/tmp/hal9-home-{os.getpid()}")
    home.mkdir()
    made = Clone(home, uid)
    if uid != 0:  # the packages themselves may lie anywhere that can be read
        site = runtime.site_folder(home / "share" / "hal9-ide")
        site.parent.mkdir(parents=True)
        site.symlink_to(runtime.site_folder(state_folder()))
    made.own()
    yield made
    shutil.rmtree(home)


@pytest.mark.parametrize("clone", ["plain user"], indirect=True)
def test_machine_without_user_namespaces_runs_nothing(clone: Clone) -> None:
    jail = ["bwrap", "--unshare-user", "--disable-userns", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--"]
    doctor = clone.run("doctor", inside=jail)
    assert doctor.returncode == 1
    assert "MISSING  volumes" in doctor.stdout
    assert "namespaces" in doctor.stdout
    run = clone.run("run", str(clone.home / "bots" / "app.py"), stdin="hello\n", inside=jail)
    assert run.returncode == 3
    assert run.stdout == ""
    assert "the kernel refuses them" in run.stderr


def test_doctor_and_run_work_in_a_private_home(clone: Clone) -> None:
    doctor = clone.run("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "The sandbox is strong here" in doctor.stdout
    run = clone.run("run", str(clone.home / "bots" / "app.py"), stdin="hello\n")
    assert run.stdout == "Echo: hello ['.shared', '.storage', '.user', 'app.py']\n", run.stderr
    assert run.returncode == 0
