"""What the supervisor sees of a run from outside, through /proc: its memory, its CPU time, whether it waits for input.

Looks only: nothing here signals, stops or writes to a process. All that is read is under the control of hostile code or
may be gone a moment later, so every read is bounded, a vanished task counts as absent, and nothing raises on a race.
The answers are hints and sums for this one run. Works as root, and unprivileged for the caller's own sandboxes: the
owner of a user namespace may inspect what runs below it (user_namespaces(7), ptrace(2) access mode checks).

Not seen: memory that no process maps (memfd and System V segments, which the system call filter has to refuse; tmpfs
files, which volumes bound; pipe and socket buffers), and CPU time of a child that lived between two looks while its
parent ignores SIGCHLD (wait(2)), which the wall clock bounds. Only a cgroup sees those.
"""

import os
import time
from dataclasses import dataclass

from sandbox import memory
from sandbox.blocked import waits_on
from sandbox.cputime import CpuAccount
from sandbox.procfs import process_tree

SECONDS_PER_TICK = 1 / os.sysconf("SC_CLK_TCK")

PSS_BUDGET_SECONDS = 0.05
PSS_PAUSE = 20
"""After a look at proportional memory, so many times its own duration passes until the next."""


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


class Tree:
    """A process and its descendants. The caller does not reap the root while it looks: its pid would be reused."""

    def __init__(self, root_pid: int) -> None:
        self._root_pid = root_pid
        self._cpu = CpuAccount()
        self._pss_bytes = self._pss_at_rss_bytes = 0
        self._pss_due = 0.0

    def pids(self) -> list[int]:
        """Return the root and its descendants, at most MAX_PROCESSES; empty when the root is gone."""
        return [process.pid for process in process_tree(self._root_pid)]

    def usage(self) -> Usage:
        """Return sums over the tree. CPU time includes ended processes and never decreases from call to call."""
        processes = process_tree(self._root_pid)
        rss_bytes = sum(memory.rss_bytes(process) for process in processes)
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
        processes = process_tree(self._root_pid)
        rss_bytes = sum(memory.rss_bytes(process) for process in processes)
        if time.monotonic() < self._pss_due:
            return self._pss_bytes + max(0, rss_bytes - self._pss_at_rss_bytes)
        begun = time.thread_time()
        self._pss_bytes, self._pss_at_rss_bytes = memory.pss_bytes(processes, begun + PSS_BUDGET_SECONDS), rss_bytes
        self._pss_due = time.monotonic() + PSS_PAUSE * (time.thread_time() - begun)
        return self._pss_bytes

    def shared_bytes(self) -> int:
        """Return the size of memory shared without a file, whether resident or not; slow, so look at Usage first.

        `mmap(MAP_SHARED | MAP_ANONYMOUS)`, then `madvise(MADV_DONTNEED)`: 200 MiB were in use, none of it in RSS or
        PSS. So such memory counts by its size, each piece once.
        """
        return memory.shared_bytes(process_tree(self._root_pid))

    def waits_for(self, stdin_pipe_inode: int) -> bool:
        """Return True when some task of the tree is blocked until the pipe with this inode has input."""
        link = f"pipe:[{stdin_pipe_inode}]"
        return any(
            waits_on(f"/proc/{process.pid}/task/{tid}", link)
            for process in process_tree(self._root_pid)
            if process.state == "S" or process.threads > 1
            for tid in process.tids
        )
