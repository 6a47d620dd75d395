"""What the supervisor sees of a run from outside, through /proc: its memory, its CPU time, whether it waits for input.

Looks only: nothing here signals, stops or writes to a process. All that is read is under the control of hostile code or
may be gone a moment later, so every read is bounded, a vanished task counts as absent, and nothing raises on a race.
The answers are hints and sums for this one run. Works as root, and unprivileged for the caller's own sandboxes: the
owner of a user namespace may inspect what runs below it (user_namespaces(7), ptrace(2) access mode checks).

Not seen: memory that no process maps (memfd and System V segments, which the system call filter has to refuse; tmpfs
files, which volumes bound; pipe and socket buffers), and CPU time of a child that lived between two looks while its
parent ignores SIGCHLD (wait(2)), which the wall clock bounds. Only a cgroup sees those.
"""

import ctypes
import functools
import mmap
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.blocked import read_proc, waits_on

MAX_PROCESSES = 64
MAX_TASKS = 128
"""A run may have 32 of both together; more is looked at only as far as this, so that a look stays short."""

PSS_BUDGET_SECONDS = 0.05
PSS_PAUSE = 20
"""After a look at proportional memory, so many times its own duration passes until the next."""

MAPS_BYTES = 256 << 10
"""About 2,600 mappings of one process; Python with openai and numpy has 600."""

SECONDS_PER_TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_MACHINE = platform.machine()
_KCMP = {"x86_64": 312, "aarch64": 272}.get(_MACHINE)
_KCMP_VM = 1  # linux/kcmp.h

_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process tree uses. A page that two processes share counts twice; zombies count as processes.

    `untouched_bytes` is the address space without resident memory behind it; `Tree.shared_bytes` cannot be larger.
    """

    rss_bytes: int
    untouched_bytes: int
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
    address_space_bytes: int
    rss_pages: int
    tids: tuple[int, ...]


class Tree:
    """A process and its descendants. The caller does not reap the root while it looks: its pid would be reused."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._cpu = _CpuAccount()
        self._pss_bytes = self._pss_at_rss_bytes = 0
        self._pss_due = 0.0

    def pids(self) -> list[int]:
        """Return the root and its descendants, at most MAX_PROCESSES; empty when the root is gone."""
        return [process.pid for process in self._processes()]

    def usage(self) -> Usage:
        """Return sums over the tree. CPU time includes ended processes and never decreases from call to call."""
        processes = self._processes()
        rss_bytes = sum(_rss_bytes(process) for process in processes)
        return Usage(
            rss_bytes=rss_bytes,
            untouched_bytes=max(0, sum(process.address_space_bytes for process in processes) - rss_bytes),
            cpu_seconds=self._cpu.add(processes) * SECONDS_PER_TICK,
            processes=len(processes),
            threads=sum(process.threads for process in processes),
        )

    def pss_bytes(self) -> int:
        """Return resident memory with shared pages divided among their users; slow (page tables are walked).

        A process whose figure cannot be read counts with its resident size, so that hiding gains nothing. Walking costs
        8 ms for 600 MiB, but 24 ms for 3.5 GiB that were only read, in each process: hence a budget for one call, after
        which resident sizes count, and after a costly call a pause, in which growth counts in full.
        """
        processes = self._processes()
        rss_bytes = sum(_rss_bytes(process) for process in processes)
        if time.monotonic() < self._pss_due:
            return self._pss_bytes + max(0, rss_bytes - self._pss_at_rss_bytes)
        begun = time.thread_time()
        self._pss_bytes, self._pss_at_rss_bytes = _pss_of_all(processes, begun + PSS_BUDGET_SECONDS), rss_bytes
        self._pss_due = time.monotonic() + PSS_PAUSE * (time.thread_time() - begun)
        return self._pss_bytes

    def shared_bytes(self) -> int:
        """Return the size of memory shared without a file, whether resident or not; slow, so look at Usage first.

        `mmap(MAP_SHARED | MAP_ANONYMOUS)`, then `madvise(MADV_DONTNEED)`: 200 MiB were in use, none of it in RSS or
        PSS. So such memory counts by its size, each piece once. A process whose list of mappings is too long to be
        read counts with all its untouched address space.
        """
        sizes: dict[bytes, int] = {}
        unread_bytes = 0
        for process in self._processes():
            mappings = _living_task(process, "maps", MAPS_BYTES)
            if len(mappings) >= MAPS_BYTES:
                unread_bytes += max(0, process.address_space_bytes - _rss_bytes(process))
            for inode, size in _shared_sizes(mappings).items():
                sizes[inode] = max(size, sizes.get(inode, 0))
        return sum(sizes.values()) + unread_bytes

    def waits_for(self, stdin_pipe_inode: int) -> bool:
        """Return True when some task of the tree is blocked until the pipe with this inode has input."""
        link = f"pipe:[{stdin_pipe_inode}]"
        return any(
            waits_on(f"/proc/{process.pid}/task/{tid}", link)
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
    fields = read_proc(f"/proc/{pid}/stat").rpartition(b")")[2].split()
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
        address_space_bytes=int(fields[20]),
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
        for child in read_proc(f"/proc/{process.pid}/task/{tid}/children").split():
            yield int(child)


def _rss_bytes(process: _Process) -> int:
    """Resident memory. A first thread that ended alone shows 0 while others still hold the memory: ask one of them."""
    pages = process.rss_pages
    if process.state == "Z" and process.threads > 1:
        fields = _living_task(process, "statm").split()
        pages = int(fields[1]) if len(fields) > 1 else pages
    return pages * PAGE_BYTES


def _pss_of_all(processes: list[_Process], deadline: float) -> int:
    """Return proportional memory, from the deadline (of `time.thread_time`) on resident memory."""
    total = 0
    counted: list[int] = []
    for process in processes:
        # subprocess starts children by vfork: until exec, parent and child are one memory under two pids.
        if any(_same_memory(process.pid, other) for other in counted):
            continue
        counted.append(process.pid)
        pss = _pss_bytes(process) if time.thread_time() < deadline else None
        total += _rss_bytes(process) if pss is None else pss
    return total


def _pss_bytes(process: _Process) -> int | None:
    for line in _living_task(process, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return None


def _shared_sizes(mappings: bytes) -> dict[bytes, int]:
    """Return inode → mapped bytes for what lies on the kernel's own unnamed tmpfs (proc(5), /proc/pid/maps)."""
    sizes: dict[bytes, int] = {}
    for line in mappings.splitlines():
        words = line.split(None, 5)
        if len(words) < 5 or words[3] != _shared_device():
            continue
        start, _, end = words[0].partition(b"-")
        sizes[words[4]] = sizes.get(words[4], 0) + int(end, 16) - int(start, 16)
    return sizes


@functools.cache
def _shared_device() -> bytes:
    """Return the device number under which unnamed shared memory is listed, learnt from a piece of our own."""
    with mmap.mmap(-1, PAGE_BYTES) as piece:
        address = b"%x-" % ctypes.addressof(ctypes.c_char.from_buffer(piece))
        lines = read_proc("/proc/self/maps", MAPS_BYTES).splitlines()
        return next(line.split()[3] for line in lines if line.startswith(address))


def _living_task(process: _Process, name: str, max_bytes: int = 4096) -> bytes:
    """Return the process's file `name` as one of its living threads shows it, empty when none does."""
    for tid in process.tids[:4]:  # only the first thread can linger as a zombie
        text = read_proc(f"/proc/{process.pid}/task/{tid}/{name}", max_bytes)
        if text and not text.startswith(b"0 0 0 0 0 0 0"):
            return text
    return b""


def _same_memory(pid: int, other: int) -> bool:
    """Ask the kernel whether two processes are one memory; False where it does not tell (kcmp(2))."""
    return _KCMP is not None and _libc.syscall(_KCMP, pid, other, _KCMP_VM, 0, 0) == 0
