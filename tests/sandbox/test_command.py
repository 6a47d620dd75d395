"""How a run is started, decided: no secret in any argv, the script inside its folder, the environment ours."""

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import command
from sandbox.command import Folders, RunSpec
from sandbox.host import Host
from sandbox.limits import Limits

FOLDERS = Folders(*(Path(f"/mnt/{name}") for name in ("work", "storage", "user", "shared", "scratch")))
SPEC = RunSpec("app.py", FOLDERS, Limits(), {"TOKEN": "s3cret"}, args=("one",))
HOST = Host(Path("/usr/bin/python3"), Path("/usr/bin/bwrap"), Path("/runtime"), 61111, 61111, True, Path("/state"))


def argv(host: Host = HOST, spec: RunSpec = SPEC) -> list[str]:
    inside = command.inside(host, spec, "runner", control_fd=7, namespaces={"net": "net:[1]"})
    return command.argv(host, inside, options_fd=9)


def options(spec: RunSpec = SPEC) -> list[str]:
    return command.options(HOST, spec, seccomp_fd=8, info_fd=10)


def test_no_secret_is_in_any_argv() -> None:
    assert "s3cret" not in " ".join(argv())
    assert options()[options().index("TOKEN") + 1] == "s3cret"


def test_root_drops_to_the_runs_user_before_bubblewrap() -> None:
    assert argv()[:6] == [
        *("/usr/bin/setpriv", "--reuid=61111", "--regid=61111", "--clear-groups", "--no-new-privs", "--"),
    ]
    assert argv(replace(HOST, is_root=False))[:4] == ["/usr/bin/bwrap", "--args", "9", "--"]


def test_arguments_of_the_script_cannot_become_ours() -> None:
    words = argv(spec=replace(SPEC, args=("--", "control=1")))
    assert words[words.index("--", words.index("-c")) + 1 :] == ["--", "control=1"]


@pytest.mark.parametrize("main", ["", "/etc/passwd", "../app.py", "a/../../b.py", "a\0b"])
def test_script_outside_the_folder_is_refused(main: str) -> None:
    with pytest.raises(ValueError):
        command.check(replace(SPEC, main=main))


@pytest.mark.parametrize("env", [{"": "x"}, {"A=B": "x"}, {"A": "x\0--bind"}, {"A\0": "x"}])
def test_variable_that_could_become_an_option_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        command.check(replace(SPEC, env=env))


def test_scripts_in_folders_are_allowed() -> None:
    command.check(replace(SPEC, main="src/my..app.py"))


def test_variables_of_the_sandbox_win() -> None:
    words = options(replace(SPEC, env={"HOME": "/root", "PATH": "/evil"}))
    settings = {words[i + 1]: words[i + 2] for i, word in enumerate(words) if word == "--setenv"}
    assert settings["HOME"] == "/bot"
    assert "/evil" not in settings["PATH"]
    assert words.index("--clearenv") < words.index("--setenv")


def test_everything_of_the_machine_is_bound_read_only() -> None:
    words = options()
    writable = {words[i + 2] for i, word in enumerate(words) if word == "--bind"}
    assert writable == {"/bot", "/bot/.storage", "/bot/.user", "/bot/.shared", "/tmp", "/dev/shm"}
    devices = {words[i + 2] for i, word in enumerate(words) if word == "--dev-bind"}
    assert devices == {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")}
    assert [words[i + 1] for i, word in enumerate(words) if word == "--remount-ro"] == ["/dev", "/"]
