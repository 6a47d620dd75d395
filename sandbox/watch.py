"""What the supervisor sees of a run from outside, through /proc: its memory, its CPU time, whether it waits for input.

Looks only: nothing here signals, stops or writes to a process. All that is read is under the control of hostile code or
may be gone a moment later, so every read is bounded, a vanished task counts as absent, and nothing raises on a race.
The answers are hints and sums for this one run. Works as root, and unprivileged for the caller's own sandboxes: the
owner of a user namespace may inspect what runs below it (user_namespaces(7), ptrace(2) access mode checks).

Memory that no process maps is not seen: written but unmapped memfd or tmpfs pages, pipe and socket buffers. CPU time of
a child that lived between two looks and whose parent ignores SIGCHLD is not seen either (wait(2), "Linux notes").
Both need a cgroup; until there is one, volumes, rlimits and the wall clock bound them.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_PROCESSES = 64
MAX_TASKS = 128
"""A run may have 32 of both together; more is looked at only as far as this, so that a look stays short."""

MAX_FDS = 64
"""Entries of one poll, select or epoll that are looked at; RLIMIT_NOFILE of a run is 64."""

SECONDS_PER_TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

# Kinds of blocking calls, by system call number: /usr/include/<arch>/asm/unistd_64.h, asm-generic/unistd.h.
READ, SELECT, POLL, EPOLL = "read", "select", "poll", "epoll"
_CALLS_X86_64 = {
    0: READ,  # read
    17: READ,  # pread64
    19: READ,  # readv
    275: READ,  # splice: first argument is the source
    276: READ,  # tee
    295: READ,  # preadv
    327: READ,  # preadv2
    23: SELECT,  # select
    270: SELECT,  # pselect6
    7: POLL,  # poll
    271: POLL,  # ppoll
    232: EPOLL,  # epoll_wait
    281: EPOLL,  # epoll_pwait
    441: EPOLL,  # epoll_pwait2
}
_CALLS_AARCH64 = {
    63: READ,
    65: READ,
    67: READ,
    69: READ,
    76: READ,
    77: READ,
    286: READ,
    72: SELECT,  # pselect6
    73: POLL,  # ppoll
    22: EPOLL,  # epoll_pwait
    441: EPOLL,  # epoll_pwait2
}
_MACHINE = platform.machine()
_CALLS = {"x86_64": _CALLS_X86_64, "aarch64": _CALLS_AARCH64}.get(_MACHINE, {})
_KCMP = {"x86_64": 312, "aarch64": 272}.get(_MACHINE)
_KCMP_VM = 1  # linux/kcmp.h

_POLLFD = struct.Struct("=ihh")
_READABLE = 0x001 | 0x040  # POLLIN | POLLRDNORM, and the same bits for epoll: poll.h

_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process tree uses. A page that two processes share counts twice; zombies count as processes."""

    rss_bytes: int
    cpu_seconds: float
    processes: int
    threads: int


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    state: str
    threads: int
    started_ticks: int
    own_ticks: int
    reaped_ticks: int
    rss_pages: int
    tids: tuple[int, ...]


class Tree:
    """A process and its descendants. The caller does not reap the root while it looks: its pid would be reused."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._cpu = _CpuAccount()

    def pids(self) -> list[int]:
        """Return the root and its descendants, at most MAX_PROCESSES; empty when the root is gone."""
        return [process.pid for process in self._processes()]

    def usage(self) -> Usage:
        """Return sums over the tree. CPU time includes ended processes and never decreases from call to call."""
        processes = self._processes()
        return Usage(
            rss_bytes=sum(_rss_pages(process) for process in processes) * PAGE_BYTES,
            cpu_seconds=self._cpu.add(processes) * SECONDS_PER_TICK,
            processes=len(processes),
            threads=sum(process.threads for process in processes),
        )

    def pss_bytes(self) -> int:
        """Return resident memory with shared pages divided among their users; slow (page tables are walked).

        A process whose figure cannot be read counts with its resident size, so that hiding gains nothing.
        """
        total = 0
        counted: list[_Process] = []
        for process in self._processes():
            if process.state == "Z" and process.threads == 1:
                continue
            # subprocess starts children by vfork: until exec, parent and child are one memory under two pids.
            if any(_same_memory(process.pid, other.pid) for other in counted):
                continue
            counted.append(process)
            pss = _pss_bytes(process)
            total += _rss_pages(process) * PAGE_BYTES if pss is None else pss
        return total

    def waits_for(self, stdin_pipe_inode: int) -> bool:
        """Return True when some task of the tree is blocked until the pipe with this inode has input."""
        link = f"pipe:[{stdin_pipe_inode}]"
        return any(
            _waits_on(f"/proc/{process.pid}/task/{tid}", link)
            for process in self._processes()
            if process.state == "S" or process.threads > 1
            for tid in process.tids
        )

    def _processes(self) -> list[_Process]:
        found: list[_Process] = []
        pending = [self._root_pid]
        seen = set(pending)
        tasks_left = MAX_TASKS
        for pid in pending:  # grows while it is walked: breadth first
            process = _process(pid, tasks_left)
            if process is None:
                continue
            found.append(process)
            tasks_left -= len(process.tids)
            if len(found) >= MAX_PROCESSES or tasks_left <= 0:
                break
            fresh = [child for child in _children(process) if child not in seen]
            seen.update(fresh)
            pending += fresh[:MAX_PROCESSES]
        return found


class _CpuAccount:
    """CPU ticks of a tree whose processes come and go.

    A process that ends hands its ticks to its parent's reaped sum, but only if the parent waits for it; with SIGCHLD
    ignored they are lost to /proc. So the ticks of a vanished process stay in the total, and an equal amount of what
    the survivors later report as reaped is taken for its echo.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], _Process] = {}
        self._gone: dict[tuple[int, int], _Process] = {}
        self._awaited_ticks = 0
        self._total_ticks = 0

    def add(self, processes: list[_Process]) -> int:
        """Take a look's figures; return the total ticks so far."""
        now = {(process.pid, process.started_ticks): process for process in processes}
        own = reaped = 0
        for key, process in now.items():
            before = self._last.get(key) or self._returned(key)
            own += max(0, process.own_ticks - (before.own_ticks if before else 0))
            reaped += max(0, process.reaped_ticks - (before.reaped_ticks if before else 0))
        for key in self._last.keys() - now.keys():
            self._gone[key] = self._last[key]
            self._awaited_ticks += _ticks(self._last[key])
        while len(self._gone) > MAX_PROCESSES:
            del self._gone[next(iter(self._gone))]
        echo = min(reaped, self._awaited_ticks)
        self._awaited_ticks -= echo
        self._total_ticks += own + reaped - echo
        self._last = now
        return self._total_ticks

    def _returned(self, key: tuple[int, int]) -> _Process | None:
        """A process that one look missed, because it changed parents meanwhile, had not ended after all."""
        process = self._gone.pop(key, None)
        if process is not None:
            self._awaited_ticks = max(0, self._awaited_ticks - _ticks(process))
        return process


def _ticks(process: _Process) -> int:
    return process.own_ticks + process.reaped_ticks


def _process(pid: int, max_tasks: int) -> _Process | None:
    """Return the figures of one process, or None when it is gone. Field numbers: proc(5), /proc/pid/stat."""
    # The name in brackets is chosen by the process and may hold spaces and brackets: fields count from the last one.
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 22:
        return None
    threads = int(fields[17])
    return _Process(
        pid=pid,
        state=fields[0].decode("ascii", "replace"),
        threads=threads,
        started_ticks=int(fields[19]),
        own_ticks=int(fields[11]) + int(fields[12]),
        reaped_ticks=int(fields[13]) + int(fields[14]),
        rss_pages=int(fields[21]),
        tids=(pid,) if threads <= 1 else _tids(pid)[:max_tasks],
    )


def _tids(pid: int) -> tuple[int, ...]:
    try:
        return tuple(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return ()


def _children(process: _Process) -> Iterator[int]:
    for tid in process.tids:  # a child hangs below the thread that forked it
        for child in _read(f"/proc/{process.pid}/task/{tid}/children").split():
            yield int(child)


def _rss_pages(process: _Process) -> int:
    """Resident pages. A first thread that ended alone shows 0 while others still hold the memory: ask one of them."""
    if process.state != "Z" or process.threads == 1:
        return process.rss_pages
    fields = _living_task(process, "statm").split()
    return int(fields[1]) if len(fields) > 1 else process.rss_pages


def _pss_bytes(process: _Process) -> int | None:
    for line in _living_task(process, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return None


def _living_task(process: _Process, name: str) -> bytes:
    """Return the process's file `name` as one of its living threads shows it, empty when none does."""
    for tid in process.tids[:4]:  # only the first thread can linger as a zombie
        text = _read(f"/proc/{process.pid}/task/{tid}/{name}")
        if text and not text.startswith(b"0 0 0 0 0 0 0"):
            return text
    return b""


def _same_memory(pid: int, other: int) -> bool:
    """Ask the kernel whether two processes are one memory; False where it does not tell (kcmp(2))."""
    return _KCMP is not None and _libc.syscall(_KCMP, pid, other, _KCMP_VM, 0, 0) == 0


def _waits_on(task: str, link: str) -> bool:
    """Return True when the task is inside a call that ends once input comes to the pipe of this link text."""
    fields = _read(f"{task}/syscall").split()
    if len(fields) < 7:  # "running", or blocked outside a system call
        return False
    kind = _CALLS.get(int(fields[0]))
    if kind is None:
        return False
    first, second = int(fields[1], 16), int(fields[2], 16)
    return any(_link(task, fd) == link for fd in _awaited_fds(kind, task, first, second))


def _awaited_fds(kind: str, task: str, first: int, second: int) -> list[int]:
    """Return the descriptors from which the call with these two arguments waits to read, at most MAX_FDS."""
    if kind == READ:
        return [first]
    if kind == SELECT:
        return _select_fds(_memory(task, second, (min(first, 1024) + 7) // 8), first)
    if kind == POLL:
        return _poll_fds(_memory(task, first, min(second, MAX_FDS) * _POLLFD.size))
    return _epoll_fds(task, first)


def _select_fds(bits: bytes, count: int) -> list[int]:
    marks = int.from_bytes(bits, "little")
    return [fd for fd in range(min(count, len(bits) * 8)) if marks >> fd & 1][:MAX_FDS]


def _poll_fds(array: bytes) -> list[int]:
    whole = len(array) // _POLLFD.size * _POLLFD.size
    return [fd for fd, events, _ in _POLLFD.iter_unpack(array[:whole]) if events & _READABLE]


def _epoll_fds(task: str, epoll_fd: int) -> list[int]:
    """The `tfd:` lines of an epoll descriptor, proc(5) /proc/pid/fdinfo. An epoll inside an epoll is not followed."""
    found = []
    for line in _read(f"{task}/fdinfo/{epoll_fd}").splitlines():
        words = line.split()
        if len(words) >= 4 and words[0] == b"tfd:" and int(words[3], 16) & _READABLE:
            found.append(int(words[1]))
    return found[:MAX_FDS]


def _link(task: str, fd: int) -> str:
    """What a descriptor is. Asked of the task: a thread may have a table of descriptors of its own (clone(2))."""
    try:
        return os.readlink(f"{task}/fd/{fd}")
    except OSError:
        return ""


def _memory(task: str, address: int, size: int) -> bytes:
    """Return up to `size` bytes at an address that the task chose; empty where nothing is."""
    try:
        fd = os.open(f"{task}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(fd, size, address)
    except (OSError, OverflowError):
        return b""
    finally:
        os.close(fd)


def _read(path: str, max_bytes: int = 4096) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, max_bytes)
    except OSError:  # ESRCH: ended between open and read
        return b""
    finally:
        os.close(fd)
