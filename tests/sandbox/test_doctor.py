"""Each layer of the sandbox taken away: the doctor names it, the launch refuses, and no script runs."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import confined, examine, host, runner, wire
from tests.sandbox import weak
from tests.sandbox.arena import ROOT, Arena

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root's rights away from a server that has them")


def check_refused(finding: weak.Finding, layer: str, runner_says: str | None) -> None:
    """Assert that the layer is named and nothing ran; `runner_says`: how the runner names it, None where it cannot."""
    assert layer in finding.missing
    assert finding.refused in finding.missing
    if runner_says is not None:
        assert finding.runner.status == runner.UNCONFINED_STATUS
        assert f"nothing was run. {runner_says}" in finding.runner.stderr
        assert finding.runner.stdout == ""
        assert wire.READY not in finding.runner.kinds


def test_all_layers_hold_here(ring: Arena) -> None:
    level, layers, _ = ring.call(weak.report)
    assert level == "strong"
    assert len(layers) == len(set(layers)) >= 25


@pytest.mark.parametrize("name", ["net", "ipc", "uts", "cgroup"])
def test_missing_namespace_is_named(ring: Arena, name: str) -> None:
    needs_it = [["--hostname", "bot"]] if name == "uts" else []
    finding = ring.call(weak.without, [[f"--unshare-{name}"], *needs_it])
    check_refused(finding, f"{name} namespace", f"{name} namespace")


def test_missing_pid_namespace_is_named(ring: Arena) -> None:
    finding = ring.call(weak.without, [["--unshare-pid"]])
    check_refused(finding, "pid namespace", "pid namespace")
    assert "kill" in finding.missing


def test_missing_user_namespace_is_named(ring: Arena) -> None:
    finding = ring.call(weak.without, [["--unshare-user"]])
    assert finding.missing == ["user namespace"]
    assert finding.refused == "user namespace"
    assert finding.runner.stdout == ""


def test_missing_seccomp_filter_is_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without, [["--seccomp", "*"]]), "seccomp", "seccomp")


def test_writable_root_is_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without, [["--remount-ro", "/"]]), "read-only root", "read-only root")


def test_writable_devices_are_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without, [["--remount-ro", "/dev"]]), "read-only root", "read-only root")


def test_remaining_capabilities_are_named(ring: Arena) -> None:
    finding = ring.call(weak.without, [["--cap-drop", "ALL"]], ["--cap-add", "ALL"])
    check_refused(finding, "capabilities", "capabilities")


def test_inherited_descriptor_is_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without, leak=True), "descriptors", "descriptors")


def test_variable_of_the_server_is_named(ring: Arena) -> None:
    finding = ring.call(weak.without, [], ["--setenv", "SERVER_SECRET", "x"])
    check_refused(finding, "environment", None)


def test_files_of_the_host_are_named(ring: Arena) -> None:
    finding = ring.call(weak.without, [["--remount-ro", "/"]], ["--ro-bind", "/etc", "/etc", "--remount-ro", "/"])
    check_refused(finding, "host files", None)


def test_sandbox_root_user_is_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without, [["--uid", "*"]], ["--uid", "0"]), "uid", "uid")


@needs_root
def test_user_root_is_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without_drop), "uid", "uid")


def test_uid_zero_is_refused_before_anything_starts(ring: Arena) -> None:
    missing, refused = ring.call(weak.as_root_user)
    assert missing == ["uid"]
    assert refused == "uid"


def test_missing_limits_are_named(ring: Arena) -> None:
    check_refused(ring.call(weak.without_limits), "process limit", None)


@pytest.mark.parametrize("folder", ["work", "storage", "user", "shared", "scratch"])
def test_folder_without_caps_is_refused(ring: Arena, folder: str) -> None:
    assert ring.call(weak.with_plain_folder, folder) == "volumes"


def test_folder_larger_than_its_limit_is_refused(ring: Arena) -> None:
    assert ring.call(weak.with_roomy_folder) == "volumes"


def test_caps_of_folders_are_tried(ring: Arena) -> None:
    assert ring.call(weak.caps_of, capped=True) == {"volumes": True, "inodes": True}
    assert ring.call(weak.caps_of, capped=False) == {"volumes": False, "inodes": False}


@pytest.mark.parametrize("kind", ["link", "file"])
def test_planted_mount_point_is_refused(ring: Arena, kind: str) -> None:
    assert ring.call(weak.planted_mount_point, kind) == "volumes"


def test_result_is_remembered_until_something_changes(ring: Arena) -> None:
    known, known_after_change = ring.call(weak.cached)
    assert known
    assert not known_after_change


def test_missing_packages_are_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(host.SandboxUnavailable) as caught:
        host.find_host(state=tmp_path)
    assert caught.value.layer == "runtime"
    assert caught.value.fix == "Run: make setup"


@pytest.mark.parametrize("name", ["bwrap", "setpriv"])
def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = shutil.which

    def which(program: str, path: str | None = None) -> str | None:
        return None if program == name else found(program, path=path)

    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(host.SandboxUnavailable) as caught:
        host.find_host()
    assert caught.value.layer == name
    assert "apt-get install" in caught.value.fix


@pytest.mark.parametrize(
    ("complaint", "fix"),
    [
        ("bwrap: setting up uid map: Permission denied", "make setup"),
        ("bwrap: Creating new namespace failed: nesting depth or max_user_namespaces exceeded (ENOSPC)", "sysctl"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
        ("bwrap: No permissions to create new namespace", "unprivileged_userns_clone"),
        ("", "reinstall bubblewrap"),
    ],
)
def test_refusal_of_the_kernel_gets_its_cure(complaint: str, fix: str) -> None:
    layer = examine.no_start(complaint)
    assert not layer.held
    assert fix in layer.fix


STATUS = {
    **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0000000000000000"),
    **{"NoNewPrivs": "1", "Seccomp": "2"},
}


@pytest.mark.parametrize(
    ("field", "value", "layer"),
    [
        ("CapBnd", "0000000000000001", "capabilities"),
        ("CapAmb", "000001ffffffffff", "capabilities"),
        ("NoNewPrivs", "0", "no_new_privs"),
        ("Seccomp", "0", "seccomp"),
        ("Seccomp", "1", "seccomp"),
    ],
)
def test_runner_refuses_by_its_own_status(monkeypatch: pytest.MonkeyPatch, field: str, value: str, layer: str) -> None:
    monkeypatch.setattr(confined, "is_filtered", lambda: True)
    assert confined._rights({}, STATUS) is None
    assert str(confined._rights({}, {**STATUS, field: value})).startswith(layer)


def test_filter_of_someone_else_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "is_filtered", lambda: False)
    assert str(confined._rights({}, STATUS)).startswith("seccomp")


def test_runner_refuses_what_it_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "status", lambda: {})
    assert confined.missing_layer({"control": "3"}) is not None


def test_command_says_strong_and_exits_0() -> None:
    command = [sys.executable, "-m", "sandbox", "doctor"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "The sandbox is strong here" in done.stdout
    assert "MISSING" not in done.stdout


@pytest.fixture
def readable_copy() -> Iterator[Path]:
    """Our sources where every user can read them: a clone may lie under a 0700 folder."""
    with tempfile.TemporaryDirectory(prefix="hal9-doctor-") as name:
        folder = Path(name)
        shutil.copytree(ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "requirements-sandbox.txt", folder)
        folder.chmod(0o755)
        yield folder


def test_command_names_what_is_missing_and_exits_1(readable_copy: Path) -> None:
    command = ["/usr/bin/python3", "-m", "sandbox", "doctor"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=45678", "--regid=45678", "--clear-groups", *command]
    home = str(readable_copy / "home")
    environment = {"PATH": "/usr/bin:/bin", "HOME": home, "XDG_DATA_HOME": home}
    done = subprocess.run(command, cwd=readable_copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MISSING" in done.stdout
    assert "Run: make setup" in done.stdout
