"""Control groups: a run bounded as a whole in memory (files in its tmpfs included, no swap), processes, processors.

Version 1, one folder per controller, and version 2, one folder in all, behind one class. Everything here may take
tens of milliseconds, since the kernel waits for all processors: call it from a thread, before a run needs it.
"""

import errno
import itertools
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .limits import Limits
from .process import readable

CONTROLLERS = ("memory", "pids", "cpu")
_PREFIX = "hal9-ide"
_PERIOD_MICROSECONDS = 100_000
_SPARE_PROCESSES = 2
"""The init, and one: so that the script meets its own limit (RLIMIT_NPROC) first, whose error is the same."""
_BUSY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the processes of one group may use together."""

    memory_bytes: int
    processes: int
    cpu_cores: float


def bounds(limits: Limits, cpu_cores: float = 1.0) -> Bounds:
    """Return the bounds of a run: no script of many threads can take all processors from its neighbours."""
    return Bounds(limits.memory_bytes, limits.processes + _SPARE_PROCESSES, cpu_cores)


class Group:
    """The control group of one run."""

    def __init__(self, folders: Mapping[str, Path], version: Literal[1, 2]) -> None:
        self.folders, self.version = dict(folders), version
        self._bounds: Bounds | None = None

    def apply(self, wanted: Bounds) -> None:
        """Set the bounds, where their controller is there. Raises: OSError."""
        if wanted == self._bounds:
            return
        setters = {"memory": self._set_memory, "pids": self._set_processes, "cpu": self._set_cpu}
        for name, folder in self.folders.items():
            setters[name](folder, wanted)
        self._bounds = wanted

    def add(self, pid: int) -> None:
        """Move a process in; what it starts from now on is in too. Raises: OSError."""
        for folder in set(self.folders.values()):
            _write(folder / "cgroup.procs", pid)

    def oom_kills(self) -> int:
        """Return how often the kernel has ended a process here for want of memory."""
        if "memory" not in self.folders:
            return 0
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        fields = dict(line.split() for line in _read(self.folders["memory"] / name).splitlines())
        return int(fields.get("oom_kill", 0))

    def memory_bytes(self) -> int | None:
        """Return the memory in use, the kernel's for these processes included; None when nobody counts."""
        if "memory" not in self.folders:
            return None
        name = "memory.usage_in_bytes" if self.version == 1 else "memory.current"
        return int(_read(self.folders["memory"] / name) or 0)

    def remove(self) -> None:
        """Remove the group, whose processes have ended. Raises: OSError when one goes on living."""
        for folder in set(self.folders.values()):
            _remove_folder(folder)

    def _set_memory(self, folder: Path, wanted: Bounds) -> None:
        if self.version == 2:
            _write(folder / "memory.max", wanted.memory_bytes)
            _write(folder / "memory.oom.group", 1)
            with suppress(FileNotFoundError):  # no swap in this kernel
                _write(folder / "memory.swap.max", 0)
            return
        total = folder / "memory.memsw.limit_in_bytes"  # with swap; never below the limit without
        files = [folder / "memory.limit_in_bytes", *([total] if total.exists() else [])]
        if self._bounds is not None and wanted.memory_bytes > self._bounds.memory_bytes:
            files.reverse()
        for file in files:
            _write(file, wanted.memory_bytes)
        if not total.exists():
            _write(folder / "memory.swappiness", 0)

    def _set_processes(self, folder: Path, wanted: Bounds) -> None:
        _write(folder / "pids.max", wanted.processes)

    def _set_cpu(self, folder: Path, wanted: Bounds) -> None:
        quota = int(wanted.cpu_cores * _PERIOD_MICROSECONDS)
        if self.version == 2:
            _write(folder / "cpu.max", f"{quota} {_PERIOD_MICROSECONDS}")
        else:
            _write(folder / "cpu.cfs_period_us", _PERIOD_MICROSECONDS)
            _write(folder / "cpu.cfs_quota_us", quota)


class Groups:
    """The control groups of one supervisor, below the group it is in itself."""

    def __init__(self, parents: Mapping[str, Path], version: Literal[1, 2]) -> None:
        """Take `parents`, a folder per controller (in version 2 always the same one), in which we may make groups."""
        self.version: Literal[1, 2] = version
        self._parents = dict(parents)
        self._name = f"{_PREFIX}-{os.getpid()}-{_started_ticks(os.getpid())}"
        self._numbers = itertools.count(1)

    @property
    def unbounded(self) -> tuple[str, ...]:
        """The controllers that are not there: what no group of ours bounds."""
        return tuple(name for name in CONTROLLERS if name not in self._parents)

    def create(self, wanted: Bounds) -> Group:
        """Make the group of a run. Raises: OSError."""
        name = str(next(self._numbers))
        made = Group({key: parent / self._name / name for key, parent in self._parents.items()}, self.version)
        for folder in self._folders(name):
            folder.parent.mkdir(exist_ok=True)
            if self.version == 2:
                _write(folder.parent / "cgroup.subtree_control", _enabled(self._parents))
            folder.mkdir()
        made.apply(wanted)
        return made

    def sweep(self) -> None:
        """Remove the groups that supervisors have left which are no more, with whatever still lives in them."""
        for parent in set(self._parents.values()):
            for folder in parent.glob(f"{_PREFIX}-*-*"):
                if not _lives(folder.name):
                    _remove_tree(folder)

    def close(self) -> None:
        """Remove our own folder, with all groups in it."""
        for parent in set(self._parents.values()):
            if (parent / self._name).is_dir():
                _remove_tree(parent / self._name)

    def _folders(self, name: str) -> set[Path]:
        return {parent / self._name / name for parent in self._parents.values()}


def _enabled(controllers: Mapping[str, Path]) -> str:
    return " ".join(f"+{name}" for name in controllers)


def _lives(name: str) -> bool:
    """Say whether the supervisor that made a folder lives: its pid alone could be somebody else's by now."""
    pid, _, started = name.removeprefix(f"{_PREFIX}-").partition("-")
    return started == _started_ticks(int(pid)) if pid.isdigit() else True


def _started_ticks(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty when it is not there."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _remove_tree(folder: Path) -> None:
    for inner in [path for path in folder.iterdir() if path.is_dir()]:
        _remove_tree(inner)
    for pidfd in _members(folder):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        readable([pidfd], _BUSY_SECONDS)
        os.close(pidfd)
    with suppress(OSError):
        _remove_folder(folder)


def _members(folder: Path) -> Iterator[int]:
    """Open each process of a group by pidfd, looking again whether it is the one that was listed."""
    for line in _read(folder / "cgroup.procs").split():
        with suppress(OSError):
            pidfd = os.pidfd_open(int(line))
            if line in _read(folder / "cgroup.procs").split():
                yield pidfd
            else:
                os.close(pidfd)


def _remove_folder(folder: Path) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    pause = 0.001
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:  # its processes are dead; the kernel may still be putting them away
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
        else:
            return


def _write(file: Path, value: object) -> None:
    fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
