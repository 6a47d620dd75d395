"""Control groups: version 1 for real where this machine has it, version 2 by what is written to its files."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import cgroup, cgroup_place
from sandbox.cgroup import Bounds, Group, Groups
from sandbox.limits import MIB, Limits
from tests.sandbox import pool_scenes
from tests.sandbox.arena import Arena

V1_MOUNTS = """\
30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / {0}/memory rw,relatime shared:9 - cgroup cgroup rw,memory
32 30 0:28 / {0}/pids rw - cgroup cgroup rw,pids
33 30 0:29 /docker/abc {0}/cpu rw - cgroup cgroup rw,cpu,cpuacct
"""
V1_OWN = "4:memory:/server\n3:pids:/\n2:cpu,cpuacct:/docker/abc/inner\n0::/\n"


@pytest.fixture
def groups() -> Iterator[Groups]:
    found = cgroup_place.find().groups
    if found is None or found.unbounded:
        pytest.skip("no control groups can be made here")
    yield found
    found.close()


def test_bounds_leave_the_script_its_own_processes() -> None:
    assert cgroup.bounds(Limits()) == Bounds(512 * MIB, 34, 1.0)


def test_group_bounds_counts_and_goes(groups: Groups) -> None:
    made = groups.create(Bounds(64 * MIB, 5, 0.5))
    with subprocess.Popen(
        ["/bin/sh", "-c", "read x; for n in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as shell:
        made.add(shell.pid)
        _, complaint = shell.communicate(b"\n", timeout=20)
    assert b"fork" in complaint
    assert made.oom_kills() == 0
    assert (made.memory_bytes() or 0) > 0
    made.apply(Bounds(128 * MIB, 5, 0.5))
    made.apply(Bounds(32 * MIB, 5, 0.5))
    made.remove()
    made.remove()


def test_groups_of_dead_supervisors_are_swept_with_what_lives_in_them(groups: Groups) -> None:
    living = groups.create(cgroup.bounds(Limits()))
    dead = Groups(groups._parents, groups.version)
    dead._name = "hal9-ide-999999999-1"
    left = dead.create(cgroup.bounds(Limits()))
    with subprocess.Popen(["sleep", "60"]) as process:
        left.add(process.pid)
        groups.sweep()
        assert process.wait(10) == -9
    assert not any(folder.exists() for folder in left.folders.values())
    assert all(folder.exists() for folder in living.folders.values())


def test_memory_of_all_processes_and_files_of_a_run_is_bounded(ring: Arena, groups: Groups) -> None:
    assert ring.call(pool_scenes.out_of_memory) == {"one": True, "many": True, "files": True, "little": False}


def test_script_of_many_busy_processes_gets_one_processor(ring: Arena, groups: Groups) -> None:
    assert 0.01 < ring.call(pool_scenes.processor_share) < 1.25  # the machine may be busy with other tests


# --- version 2, in folders that only look like it


def fake(folder: Path, *names: str) -> Path:
    """Return a folder with empty files of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_version_2_is_written_as_the_kernel_reads_it(tmp_path: Path) -> None:
    files = ("memory.max", "memory.oom.group", "memory.swap.max", "pids.max", "cpu.max", "cgroup.procs")
    folder = fake(tmp_path / "run", *files)
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\n")
    (folder / "memory.current").write_text("4096\n")
    made = Group(dict.fromkeys(cgroup.CONTROLLERS, folder), 2)
    made.apply(Bounds(64 * MIB, 34, 1.5))
    made.add(77)
    wrote = {name: (folder / name).read_text() for name in files}
    assert wrote == {
        "memory.max": str(64 * MIB),
        "memory.oom.group": "1",
        "memory.swap.max": "0",
        "pids.max": "34",
        "cpu.max": "150000 100000",
        "cgroup.procs": "77",
    }
    assert (made.oom_kills(), made.memory_bytes()) == (3, 4096)


def test_version_2_is_taken_where_it_was_delegated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = fake(tmp_path / "unit", "cgroup.controllers", "cgroup.procs", "cgroup.subtree_control")
    (unit / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (unit / "cgroup.procs").write_text("77\n")
    fake(unit / "hal9-ide-server", "cgroup.procs")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = cgroup_place.find(f"31 30 0:27 / {tmp_path} rw - cgroup2 cgroup2 rw\n", "0::/unit\n")
    assert found.groups is not None
    assert (found.groups.version, found.groups.unbounded, found.fix) == (2, (), "")
    assert (unit / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert (unit / "hal9-ide-server" / "cgroup.procs").read_text() == "77"


def test_root_takes_no_version_2_group_that_was_not_delegated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "cgroup.procs")
    unit = fake(tmp_path / "unit", "cgroup.controllers", "cgroup.procs")
    (unit / "cgroup.controllers").write_text("memory pids cpu\n")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = cgroup_place.find(f"31 30 0:27 / {tmp_path} rw - cgroup2 cgroup2 rw\n", "0::/unit\n")
    assert found.groups is None
    assert "Delegate" in found.fix


def test_version_1_is_found_below_our_own_groups(tmp_path: Path) -> None:
    for name in ("memory/server", "pids", "cpu/inner"):
        (tmp_path / name).mkdir(parents=True)
    found = cgroup_place.find(V1_MOUNTS.format(tmp_path), V1_OWN)
    assert found.groups is not None
    assert found.groups.version == 1
    assert found.groups._parents == {
        "memory": tmp_path / "memory/server",
        "pids": tmp_path / "pids",
        "cpu": tmp_path / "cpu/inner",
    }


def test_what_nothing_bounds_is_said(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    found = cgroup_place.find(V1_MOUNTS.format(tmp_path), V1_OWN)
    assert found.groups is not None
    assert found.groups.unbounded == ("memory", "cpu")
    assert "Nothing bounds memory, processor time" in found.sentence
    assert cgroup_place.find("1 0 0:1 / / rw - tmpfs tmpfs rw\n", "0::/\n").groups is None
