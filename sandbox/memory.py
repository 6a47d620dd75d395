"""Memory of a process tree as /proc shows it: resident, proportional, and shared without being resident."""

import ctypes
import functools
import mmap
import os
import platform
import time
from collections.abc import Iterable

from sandbox.procfs import Process, living_task, read_proc

MAPS_BYTES = 256 << 10
"""About 2,600 mappings of one process; Python with openai and numpy has 600."""

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_KCMP = {"x86_64": 312, "aarch64": 272}.get(platform.machine())
_KCMP_VM = 1  # linux/kcmp.h

_libc = ctypes.CDLL(None)


def rss_bytes(process: Process) -> int:
    """Resident memory. A first thread that ended alone shows 0 while others still hold the memory: ask one of them."""
    pages = process.rss_pages
    if process.state == "Z" and process.threads > 1:
        fields = living_task(process, "statm").split()
        pages = int(fields[1]) if len(fields) > 1 else pages
    return pages * PAGE_BYTES


def pss_bytes(processes: Iterable[Process], deadline: float) -> int:
    """Return proportional memory, from the deadline (of `time.thread_time`) on resident memory."""
    total = 0
    counted: list[int] = []
    for process in processes:
        # subprocess starts children by vfork: until exec, parent and child are one memory under two pids.
        if any(_same_memory(process.pid, other) for other in counted):
            continue
        counted.append(process.pid)
        pss = _pss_of_one(process) if time.thread_time() < deadline else None
        total += rss_bytes(process) if pss is None else pss
    return total


def shared_bytes(processes: Iterable[Process]) -> int:
    """Return the size of memory shared without a file, whether resident or not, each piece once.

    A process whose list of mappings is too long to be read counts with all its untouched address space.
    """
    sizes: dict[bytes, int] = {}
    unread_bytes = 0
    for process in processes:
        mappings = living_task(process, "maps", MAPS_BYTES)
        if len(mappings) >= MAPS_BYTES:
            unread_bytes += max(0, process.address_space_bytes - rss_bytes(process))
        for inode, size in _shared_sizes(mappings).items():
            sizes[inode] = max(size, sizes.get(inode, 0))
    return sum(sizes.values()) + unread_bytes


def _pss_of_one(process: Process) -> int | None:
    for line in living_task(process, "smaps_rollup").splitlines():
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
        return next((line.split()[3] for line in lines if line.startswith(address)), b"00:01")


def _same_memory(pid: int, other: int) -> bool:
    """Ask the kernel whether two processes are one memory; False where it does not tell (kcmp(2))."""
    return _KCMP is not None and _libc.syscall(_KCMP, pid, other, _KCMP_VM, 0, 0) == 0
