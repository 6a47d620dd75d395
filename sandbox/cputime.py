"""CPU time of a process tree whose processes come and go."""

from sandbox.procfs import MAX_PROCESSES, Process


class CpuAccount:
    """Clock ticks over the life of a tree.

    A process that ends hands its ticks to its parent's reaped sum, but only if the parent waits for it; with SIGCHLD
    ignored they are lost to /proc. So the ticks of a vanished process stay in the total, and an equal amount of what
    the survivors later report as reaped is taken for its echo.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], Process] = {}
        self._gone: dict[tuple[int, int], Process] = {}
        self._awaited_ticks = 0
        self._total_ticks = 0

    def add(self, processes: list[Process]) -> int:
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

    def _returned(self, key: tuple[int, int]) -> Process | None:
        """A process that one look missed, because it changed parents meanwhile, had not ended after all."""
        process = self._gone.pop(key, None)
        if process is not None:
            self._awaited_ticks = max(0, self._awaited_ticks - _ticks(process))
        return process


def _ticks(process: Process) -> int:
    return process.own_ticks + process.reaped_ticks
