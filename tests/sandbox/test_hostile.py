"""What hostile scripts try, and that each act fails while its allowed neighbour works."""

import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.host import RUN_UID
from tests.sandbox import scenes
from tests.sandbox.arena import Arena, Outcome

Run = Callable[..., Outcome]

REFUSED = {"EPERM", "EACCES", "ENOSYS", "EROFS"}
ABSENT = {"ENOENT", "EACCES", "EPERM"}
CALLS = (
    "unshare_user unshare_net clone_user clone3 setns mount umount fsopen open_tree pivot_root chroot open_by_handle "
    "ptrace_traceme ptrace_init process_vm_readv kcmp pidfd_getfd add_key request_key keyctl bpf perf_event_open "
    "userfaultfd io_uring_setup io_setup fanotify_init memfd_create memfd_secret shmget msgget mq_open personality "
    "modify_ldt ioperm syslog sethostname settimeofday reboot swapon init_module acct quotactl sync mknod_device "
    "mknod_fifo tiocsti x32_getpid unknown_call"
).split()


@pytest.fixture(scope="module")
def acts(ring: Arena) -> dict[str, Any]:
    """What became of every act of acts.py, all tried in one sandbox with a listening server on the host beside it."""
    if platform.machine() != "x86_64":
        pytest.skip("acts.py makes system calls by their x86-64 numbers")
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = Path(__file__).with_name("acts.py").read_text()
        return ring.call(scenes.acts, script, server.getsockname()[1])


@pytest.mark.parametrize("call", CALLS)
def test_dangerous_system_call_is_refused(acts: dict[str, Any], call: str) -> None:
    assert acts[call] in REFUSED


def test_plain_system_calls_work(acts: dict[str, Any]) -> None:
    assert [acts["getpid"], acts["personality_query"]] == ["done", "done"]


@pytest.mark.parametrize("call", ["clone3", "memfd_create", "unknown_call", "x32_getpid"])
def test_calls_with_a_fallback_look_absent(acts: dict[str, Any], call: str) -> None:
    assert acts[call] == "ENOSYS"


def test_rights_and_limits_cannot_be_raised_only_lowered(acts: dict[str, Any]) -> None:
    for name in ("become_root", "nice_up", "raise_limits", "escape_the_oom_killer"):
        assert acts[name] in REFUSED | {"EINVAL"}, name
    assert [acts["nice_down"], acts["lower_limits"]] == ["done", "done"]


def test_setuid_gains_nothing_and_programs_run(acts: dict[str, Any]) -> None:
    assert acts["setuid_program"] == "1000"
    assert "0" not in acts["su"]
    assert acts["run_programs"] == "42"


def test_only_the_bots_folders_can_be_written(acts: dict[str, Any]) -> None:
    for name, result in acts.items():
        if name.startswith(("write_outside", "overwrite")):
            assert result in REFUSED | ABSENT, name
        if name.startswith("write_inside"):
            assert result == "done", name


def test_files_of_the_host_are_not_there(acts: dict[str, Any]) -> None:
    for name, result in acts.items():
        if name.startswith("read_host"):
            assert result in ABSENT, name
        if name.startswith("read_masked"):
            assert result in ABSENT | {"empty"}, name
    assert acts["read_passwd"].startswith("bot:x:1000:")
    assert acts["read_certificates"] in {"ENOENT"} or "BEGIN CERTIFICATE" in acts["read_certificates"]


def test_no_other_process_is_there(acts: dict[str, Any]) -> None:
    assert acts["other_processes"] == []
    assert acts["init_memory"] in ABSENT
    assert acts["signals_to_init"] is True


def test_signal_to_all_reaches_only_the_run(acts: dict[str, Any]) -> None:
    assert acts["signals_to_all"] == -9


def test_links_lead_nowhere_and_mount_points_stay(acts: dict[str, Any]) -> None:
    assert acts["hard_link_out"] == "EXDEV"
    assert acts["plant_symlinks"] == "done"
    assert acts["replace_mount_points"] == "EBUSY"


@pytest.mark.parametrize("family", ["netlink", "packet", "vsock", "alg", "can", "bluetooth", "tipc", "rds"])
def test_only_plain_socket_families_exist(acts: dict[str, Any], family: str) -> None:
    assert acts[f"socket_{family}"] == "EAFNOSUPPORT"


def test_plain_sockets_work_and_raw_ones_do_not(acts: dict[str, Any]) -> None:
    assert [acts["socket_unix"], acts["socket_inet"], acts["socket_inet6"]] == ["done"] * 3
    assert acts["socket_raw"] in REFUSED


def test_no_network_but_its_own(acts: dict[str, Any]) -> None:
    assert acts["connect_host"] == "ECONNREFUSED"
    for name in ("connect_metadata", "connect_internet", "send_udp"):
        assert acts[name] == "ENETUNREACH", name
    assert acts["connect_name"] not in ("done", [])
    assert acts["connect_itself"] == "done"


def test_nothing_of_the_server_comes_along(acts: dict[str, Any]) -> None:
    assert acts["descriptors"] == [0, 1, 2, 3]
    assert "SERVER_SECRET" not in acts["environment"]
    assert "BOT_SECRET" in acts["environment"]
    assert acts["command_lines"] is False
    assert acts["temporary_files"] == "done"


def test_what_was_planted_is_recorded_but_not_followed(ring: Arena) -> None:
    entries = ring.call(scenes.planted)
    assert entries["link"] == ("link", "/etc/passwd")
    assert entries["tree/ok.txt"][0] == "file"
    assert not {"fifo", "socket", "hard", "link/x"} & set(entries)


# --- using things up


@pytest.fixture(scope="module")
def used(ring: Arena) -> dict[str, Any]:
    """What a script reached that tried to use up each thing in turn, under small limits."""
    return ring.call(scenes.used_up)


def test_fork_bomb_stops_at_the_process_limit(used: dict[str, Any]) -> None:
    assert used["forks"] == 11
    assert used["forks_error"] == "EAGAIN"
    assert used["after_forks"] == "fine"


def test_thread_bomb_stops_at_the_process_limit(used: dict[str, Any]) -> None:
    assert used["threads"] == 11


def test_memory_stops_at_the_address_space(used: dict[str, Any]) -> None:
    assert 100 <= used["memory_mib"] < 512
    assert used["memory_error"] == "MemoryError"


@pytest.mark.parametrize("folder", ["/bot", "/bot/.storage", "/bot/.user", "/bot/.shared", "/tmp", "/dev/shm"])
def test_each_folder_has_a_size_and_a_file_cap(used: dict[str, Any], folder: str) -> None:
    found = used[folder]
    assert found["bytes"] <= 2 << 20
    assert found["bytes_error"] == "ENOSPC"
    assert found["files"] <= 110
    assert found["files_error"] == "ENOSPC"
    assert found["after"] == "fine"


def test_descriptors_stop_at_the_limit(used: dict[str, Any]) -> None:
    assert used["descriptors"] < 32
    assert used["descriptors_error"] == "EMFILE"


def test_one_file_stops_at_its_limit(used: dict[str, Any]) -> None:
    assert used["file_error"] == "EFBIG"
    assert used["sparse_error"] == "EFBIG"


def test_processor_time_of_a_life_ends_it(run: Run) -> None:
    outcome = run("while True: pass\n", limits={"cpu_life_seconds": 1})
    assert outcome.status == 128 + 9
    assert outcome.exit_record is None


def test_two_sandboxes_do_not_share_their_process_limit(ring: Arena) -> None:
    assert ring.call(scenes.counts_of_two) == [12, 12]


def test_huge_output_waits_for_its_reader(ring: Arena) -> None:
    written, alive = ring.call(scenes.flood)
    assert written < 2 << 20
    assert alive


# --- others


def test_siblings_do_not_see_each_other(ring: Arena) -> None:
    first, second = ring.call(scenes.siblings)
    assert first == {"abstract": "done", "port": "done", "tmp": "done", "work": "done", "shared": "done", "pids": 2}
    assert second == {
        "abstract": "ECONNREFUSED",
        "port": "ECONNREFUSED",
        "tmp": "ENOENT",
        "work": "ENOENT",
        "shared": "hello",  # the one folder they have in common
        "pids": 2,
    }


def test_daemons_die_with_their_script(ring: Arena) -> None:
    beats_at_end, beats_later, left = ring.call(scenes.daemons, stop=False)
    assert beats_at_end == beats_later
    assert left == []


def test_kill_takes_the_whole_tree(ring: Arena) -> None:
    beats_at_end, beats_later, left = ring.call(scenes.daemons, stop=True)
    assert 0 < beats_at_end == beats_later
    assert left == []


def test_run_dies_with_its_server(ring: Arena) -> None:
    assert ring.call(scenes.orphaned) == []


def test_run_belongs_to_an_unprivileged_user(ring: Arena) -> None:
    uids = ring.call(scenes.uids)
    assert uids == {RUN_UID if os.getuid() == 0 else os.getuid()}
    assert 0 not in uids


def test_closing_gives_everything_back(ring: Arena) -> None:
    before, after = ring.call(scenes.descriptors_around_runs)
    assert before == after


def test_server_with_thousands_of_descriptors_starts_runs(ring: Arena) -> None:
    assert ring.call(scenes.runs_with_many_descriptors) == "high\n"
