"""The processes below one process, as /proc shows them: bounded reads of what hostile code chose or has just left.

Whatever has vanished meanwhile counts as absent; nothing raises on a race.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

MAX_PROCESSES = 64
MAX_TASKS = 128
"""A run may have 32 of both together; more is looked at only as far as this, so that a look stays short."""


@dataclass(frozen=True, slots=True)
class Process:
    """The figures of one process at one look. `tids` are its threads, the first one first."""

    pid: int
    state: str
    threads: int
    started_ticks: int
    own_ticks: int
    reaped_ticks: int
    address_space_bytes: int
    rss_pages: int
    tids: tuple[int, ...]


def process_tree(root_pid: int) -> list[Process]:
    """Return the root and its descendants, breadth first, within the bounds; empty when the root is gone."""
    found: list[Process] = []
    pending = [root_pid]
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


def _process(pid: int, max_tasks: int) -> Process | None:
    """Return the figures of one process, or None when it is gone. Field numbers: proc(5), /proc/pid/stat."""
    # The name in brackets is chosen by the process and may hold spaces and brackets: fields count from the last one.
    fields = read_proc(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 22:
        return None
    threads = int(fields[17])
    return Process(
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


def _children(process: Process) -> Iterator[int]:
    for tid in process.tids:  # a child hangs below the thread that forked it
        for child in read_proc(f"/proc/{process.pid}/task/{tid}/children").split():
            yield int(child)


def living_task(process: Process, name: str, max_bytes: int = 4096) -> bytes:
    """Return the process's file `name` as one of its living threads shows it, empty when none does."""
    for tid in process.tids[:4]:  # only the first thread can linger as a zombie
        text = read_proc(f"/proc/{process.pid}/task/{tid}/{name}", max_bytes)
        if text and not text.startswith(b"0 0 0 0 0 0 0"):
            return text
    return b""


def read_proc(path: str, max_bytes: int = 4096) -> bytes:
    """Return the beginning of a file below /proc, empty when it is gone or closed to us."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    text = b""
    try:
        # A long list comes in pieces of about a page; a short one is whole in the first.
        while len(text) < max_bytes and (piece := os.read(fd, max_bytes - len(text))):
            text += piece
            if max_bytes <= 4096:
                break
    except OSError:  # ESRCH: ended between open and read
        pass
    finally:
        os.close(fd)
    return text
