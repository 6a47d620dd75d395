"""What a run uses, looked at from outside again and again, and whether it waits without saying so.

Between looks a script can overshoot: these are the limits that no kernel setting expresses for a whole tree.
"""

import time

from sandbox.limits import Limits
from sandbox.watch import Tree

QUIET_SECONDS = 0.1
"""A script that printed nothing for this long and is blocked reading standard input is waiting."""
SAMPLE_SECONDS = 0.25
SLOWEST_SAMPLE_SECONDS = 1.0


class Guard:
    """Watches the processes below `pid`."""

    def __init__(self, pid: int, stdin_pipe_inode: int, limits: Limits) -> None:
        self.peak_memory_bytes: int | None = None
        self._tree = Tree(pid)
        self._inode, self._limits = stdin_pipe_inode, limits
        self._next_sample = 0.0
        self._turn_started = time.monotonic()
        self._turn_cpu = 0.0

    def begin_turn(self) -> None:
        """Start the turn's own limits of CPU and wall time."""
        self._turn_started = time.monotonic()
        self._turn_cpu = self._tree.usage().cpu_seconds

    def sample(self) -> None:
        """Note the memory in use now."""
        self.peak_memory_bytes = max(self.peak_memory_bytes or 0, self._tree.usage().rss_bytes)

    def offence(self, now: float, waiting_since: float | None) -> str | None:
        """Return the end reason of a run that uses more than it may, when it is time to look again; else None."""
        if now < self._next_sample:
            return None
        self._next_sample = now + (SAMPLE_SECONDS if waiting_since is None else SLOWEST_SAMPLE_SECONDS)
        usage, limits = self._tree.usage(), self._limits
        self.peak_memory_bytes = max(self.peak_memory_bytes or 0, usage.rss_bytes)
        if usage.rss_bytes > limits.memory_bytes and self._tree.pss_bytes() > limits.memory_bytes:
            return "out_of_memory"
        if usage.untouched_bytes > limits.memory_bytes and self._tree.shared_bytes() > limits.memory_bytes:
            return "out_of_memory"  # shared memory that no page table of the script shows
        if usage.cpu_seconds - self._turn_cpu > limits.cpu_turn_seconds:
            return "timed_out"
        if waiting_since is None:
            return "timed_out" if now - self._turn_started > limits.turn_seconds else None
        return "idle" if now - waiting_since > limits.idle_seconds else None

    def waits_for_input(self) -> bool:
        """Say whether a task of the run is blocked on its standard input."""
        return self._tree.waits_for(self._inode)

    @staticmethod
    def pause_seconds(quiet_seconds: float, is_waiting: bool) -> float:
        """Return when to look again: soon after output, rarely at a script that works or waits in silence."""
        if is_waiting:
            return SAMPLE_SECONDS
        return min(max(QUIET_SECONDS, quiet_seconds / 4), SAMPLE_SECONDS)
