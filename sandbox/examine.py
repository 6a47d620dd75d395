"""Judge what the doctor's probe reported, and how it looks from out here: a Layer for each part of the sandbox."""

import errno
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import command, runtime, wire
from .host import Host
from .limits import MIB
from .process import Process
from .volumes import Volumes

_BWRAP = "Use the distribution's own bubblewrap: apt-get install --reinstall bubblewrap"
_REFUSALS = (
    ("nknown option", "Install bubblewrap 0.8 or newer."),
    ("max_user_namespaces", "Run: sysctl -w user.max_user_namespaces=15000"),
    ("No space left", "Run: sysctl -w user.max_user_namespaces=15000"),
    ("uid map: Permission denied", "Run: make setup (it installs the AppArmor profile for bubblewrap)"),
    ("mount proc", "In a container: add --security-opt systempaths=unconfined"),
    ("ermi", "Run: sysctl -w kernel.unprivileged_userns_clone=1; in a container allow user namespaces"),
)
_NAMESPACES = {
    "user": "Ids and rights of the sandbox mean nothing outside it.",
    "mnt": "The script sees a file tree of its own.",
    "pid": "The script sees no process but its own.",
    "net": "The script has a network stack of its own.",
    "ipc": "Shared memory and semaphores are its own.",
    "uts": "The host's name is hidden.",
    "cgroup": "Its control groups are hidden.",
}


@dataclass(frozen=True)
class Layer:
    """One part of the sandbox: what it does and that it holds, or what is wrong and what cures it."""

    name: str
    held: bool
    sentence: str
    fix: str


def no_start(complaint: str) -> Layer:
    """Return the layer for a sandbox that did not come up; `complaint` is what bubblewrap said."""
    fix = next((fix for words, fix in _REFUSALS if words in complaint), _BWRAP)
    return Layer("user namespace", False, f"A sandbox cannot be started here: {complaint or 'it said nothing'}.", fix)


def caps(made: Volumes) -> list[Layer]:
    """Overfill a small volume."""
    path = made.create("caps", size_bytes=MIB, files=64)
    size = _refuses(lambda number: (path / f"big{number}").write_bytes(b"x" * MIB), 3)
    made.drop(path)
    path = made.create("caps", size_bytes=MIB, files=64)
    files = _refuses(lambda number: (path / str(number)).touch(), 200)
    made.drop(path)
    return [
        _layer("volumes", size, "A folder holds no more bytes than allowed.", "A folder can be overfilled."),
        _layer("inodes", files, "A folder holds no more files than allowed.", "A folder can hold files without end."),
    ]


def inside(found: dict[str, Any], spec: command.RunSpec) -> list[Layer]:
    """Judge what the probe saw."""
    return [
        *_namespaces(found),
        *_rights(found),
        *_files(found),
        *_reach(found, spec),
        Layer("runtime", bool(found["packages"]), "The packages for bots are there, read-only.", "Run: make setup"),
    ]


def outside(host: Host, found: dict[str, Any], probe: Process) -> list[Layer]:
    """Judge the probe's processes as they look from here: whose they are, and that their init is confined as well."""
    init = probe.init_pid
    pids = [] if init is None else [init, *_children(init)]
    statuses = [_status(pid) for pid in pids]
    uids = {uid for status in statuses for uid in status.get("Uid", "0").split()}
    has_uid = uids == {str(host.run_uid)} and host.run_uid != 0 and found["uid"] == command.SANDBOX_UID
    is_confined = bool(statuses) and all(
        status.get("Seccomp") == "2" and not status.get("CapEff", "1").strip("0") for status in statuses
    )
    return [
        _layer(
            "uid",
            has_uid,
            f"Scripts run as user {host.run_uid}.",
            f"Scripts run as user {', '.join(uids)}, {found['uid']} inside.",
        ),
        _layer("init", is_confined, "The init beside the script is confined too.", "The init has more rights."),
    ]


def runner(counted: str | None, complaint: str, probe_threads: int, records: Iterable[int]) -> list[Layer]:
    """Judge a script that went through the runner while the probe was there."""
    kinds = [kind for kind in records if kind != wire.WAITING]  # not said when its input has ended by then
    whole = [wire.READY, wire.SOURCE, wire.ERROR, wire.EXIT]  # the end of its input is an EOFError
    allowed = range(4, 9)
    limited = counted is not None and int(counted) in allowed and probe_threads in allowed
    said = complaint or f"records {kinds}"
    return [
        _layer("control pipe", kinds == whole, "The runner reports on its own pipe.", f"The runner said: {said}"),
        _layer(
            "process limit",
            limited,
            "Two sandboxes at once have each their own processes.",
            f"Of 8 processes allowed each, two sandboxes had {probe_threads} and {counted}.",
        ),
    ]


def death(probe: Process) -> Layer:
    """Kill the probe; what it left running in a session of its own must go too."""
    init = probe.init_pid
    pids = [] if init is None else [init, *_children(init)]
    probe.kill()
    probe.wait()
    left = [pid for pid in pids if _status(pid).get("State", "Z")[0] not in "ZX"]  # the machine's init reaps later
    good = "Killing a run takes all that it started, daemons included."
    return _layer("kill", len(pids) >= 3 and not left, good, f"Killing a run left {left or 'unknown processes'}.")


def end_shared_daemon(found: dict[str, Any]) -> None:
    """End the probe's daemon by hand where it got no pid namespace, so that its number means it out here as well."""
    if found["namespaces"]["pid"] == os.readlink("/proc/self/ns/pid"):
        with suppress(ProcessLookupError):
            os.kill(found["daemon"], signal.SIGKILL)


def _layer(name: str, held: bool, good: str, bad: str, fix: str = _BWRAP) -> Layer:
    return Layer(name, held, good if held else bad, "" if held else fix)


def _namespaces(found: dict[str, Any]) -> list[Layer]:
    return [
        _layer(
            f"{name} namespace",
            found["namespaces"][name] != os.readlink(f"/proc/self/ns/{name}"),
            sentence,
            f"The script shares the machine's {name} namespace.",
        )
        for name, sentence in _NAMESPACES.items()
    ]


def _rights(found: dict[str, Any]) -> list[Layer]:
    status = found["status"]
    capabilities = [name for name, value in status.items() if name.startswith("Cap") and value.strip("0")]
    return [
        _layer("capabilities", not capabilities, "No rights of root, in no set.", f"Rights in {capabilities}."),
        _layer("no_new_privs", status["NoNewPrivs"] == "1", "No program gives more rights.", "setuid programs work."),
        _layer(
            "seccomp",
            status["Seccomp"] == "2" and found["filter"],
            "Only system calls on a list are answered.",
            "There is no system call filter of ours.",
        ),
        _layer("limits", not found["unlimited"], "The kernel's limits are set.", f"No limit for {found['unlimited']}."),
    ]


def _files(found: dict[str, Any]) -> list[Layer]:
    written, unwritable, visible = found["written"], found["unwritable"], found["visible"]
    is_ours = found["passwd"] == runtime.ETC["passwd"]
    return [
        _layer("read-only root", not written, "Only the bot's folders can be written.", f"{written} can be written."),
        _layer("folders", not unwritable, "The bot's folders and /tmp can be written.", f"{unwritable} are read-only."),
        _layer("host files", not visible and is_ours, "The machine's files are not there.", f"{visible} can be seen."),
    ]


def _reach(found: dict[str, Any], spec: command.RunSpec) -> list[Layer]:
    extra = sorted(set(found["environment"]) - command.variables(spec))
    quiet = found["interfaces"] in ([], ["lo"]) and not found["routes"]
    alone = len(found["processes"]) <= 4
    return [
        _layer(
            "descriptors", not found["descriptors"], "No file of the server is open.", "The server left files open."
        ),
        _layer("environment", not extra, "No variable of the server is there.", f"{extra} came along."),
        _layer("network", quiet, "There is no way to any network.", f"There are {found['interfaces']}."),
        _layer("processes", alone, "No process of the machine is there.", "Processes of the machine can be seen."),
    ]


def _refuses(act: Any, times: int) -> bool:
    try:
        for number in range(times):
            act(number)
    except OSError as error:
        return error.errno == errno.ENOSPC
    return False


def _children(pid: int) -> list[int]:
    """Return the processes below `pid`."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_children(child)]
    return found


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
