"""Whether a task is blocked until a pipe has input: in read, select, poll or epoll, as its /proc file `syscall` says.

What a task waits for stands in its own memory and may be anything: it is read in bounded pieces, compared, and never
trusted further. A task that is gone waits for nothing.
"""

import os
import platform
import struct

from sandbox.procfs import read_proc

MAX_FDS = 64
"""Entries of one poll, select or epoll that are looked at; RLIMIT_NOFILE of a run is 64."""

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
_CALLS = {"x86_64": _CALLS_X86_64, "aarch64": _CALLS_AARCH64}.get(platform.machine(), {})

_POLLFD = struct.Struct("=ihh")
_READABLE = 0x001 | 0x040  # POLLIN | POLLRDNORM, and the same bits for epoll: poll.h


def waits_on(task: str, link: str) -> bool:
    """Return True when the task is inside a call that ends once input comes to the pipe of this link text."""
    fields = read_proc(f"{task}/syscall").split()
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
    for line in read_proc(f"{task}/fdinfo/{epoll_fd}", 16 << 10).splitlines():
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
