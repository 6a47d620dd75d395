"""The system call filter of a run: an allow-list compiled to classic BPF, as seccomp(2) describes.

Unknown numbers get ENOSYS, so that libraries fall back; known but refused calls get EPERM. A call of another
architecture (i386 on x86-64) kills. What is refused, and why, stands in syscalls.py.
"""

import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from . import syscalls

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97

_LOAD, _JEQ, _JGT, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24  # offsets in struct seccomp_data, little-endian

CLONE_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: a new user namespace opens most kernel holes."""
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into the terminal of whoever started us
_PERSONALITIES = (0, 0xFFFFFFFF)  # others switch off address randomisation or change system call behaviour


@dataclass(frozen=True, slots=True)
class Architecture:
    """One machine the filter can be made for."""

    audit: int
    column: int
    x32_bit: int | None


ARCHITECTURES = {
    "x86_64": Architecture(audit=0xC000003E, column=0, x32_bit=0x40000000),
    "aarch64": Architecture(audit=0xC00000B7, column=1, x32_bit=None),
}

_Instruction = tuple[int, str | int, str | int, int]
"""Operation code, jump when true, jump when false (a label, or instructions to skip), constant."""


class _Program:
    """Instructions with labels; jumps of classic BPF only go forward, by at most 255."""

    def __init__(self) -> None:
        self._code: list[_Instruction] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def add(self, code: int, constant: int, true: str | int = 0, false: str | int = 0) -> None:
        self._code.append((code, true, false, constant))

    def assemble(self) -> bytes:
        return b"".join(
            struct.pack("<HBBI", code, self._offset(true, at), self._offset(false, at), constant)
            for at, (code, true, false, constant) in enumerate(self._code)
        )

    def _offset(self, target: str | int, at: int) -> int:
        return target if isinstance(target, int) else self._labels[target] - at - 1


@cache
def program(machine: str | None = None) -> bytes:
    """Return the filter for `machine` (default: this one) as bytes of `struct sock_filter[]`.

    Raises KeyError for a machine without a number table: then nothing may run.
    """
    architecture = ARCHITECTURES[machine or platform.machine()]
    numbers = syscalls.numbers(architecture.column)
    code = _Program()
    code.add(_LOAD, _ARCHITECTURE)
    code.add(_JEQ, architecture.audit, true=1)
    code.add(_RETURN, KILL_PROCESS)
    code.add(_LOAD, _NUMBER)
    if architecture.x32_bit is not None:
        code.add(_JGE, architecture.x32_bit, true="enosys")
    for name in ("clone", "socket", "socketpair", "ioctl", "personality"):
        code.add(_JEQ, numbers[name], true=name)
    for name in syscalls.ABSENT:
        code.add(_JEQ, syscalls.ABSENT[name][architecture.column], true="enosys")
    code.add(_JGT, syscalls.LAST_KNOWN, true="enosys")
    _allow_ranges(code, numbers.values())
    _argument_checks(code)
    return code.assemble()


def _allow_ranges(code: _Program, numbers: Iterable[int]) -> None:
    """Compare with each run of consecutive allowed numbers, in rising order; what falls between two is refused."""
    ordered = sorted(numbers)
    starts = [n for n in ordered if n - 1 not in ordered]
    ends = [n for n in ordered if n + 1 not in ordered]
    for start, end in zip(starts, ends, strict=True):
        code.add(_JGE, start, false="eperm")
        code.add(_JGT, end, false="allow")
    code.label("eperm")
    code.add(_RETURN, _ERRNO | EPERM)


def _argument_checks(code: _Program) -> None:
    """Only the low 32 bits of an argument are compared: the kernel takes these arguments as 32-bit integers too."""
    code.label("clone")
    code.add(_LOAD, _ARGUMENT_0)
    code.add(_JSET, CLONE_NAMESPACES, true="refuse", false="allow")
    code.label("socket")
    code.label("socketpair")
    code.add(_LOAD, _ARGUMENT_0)
    for family in _FAMILIES:
        code.add(_JEQ, family, true="allow")
    code.add(_RETURN, _ERRNO | EAFNOSUPPORT)
    code.label("ioctl")
    code.add(_LOAD, _ARGUMENT_1)
    for request in _TERMINAL_INJECTION:
        code.add(_JEQ, request, true="refuse")
    code.add(_RETURN, ALLOW)
    code.label("personality")
    code.add(_LOAD, _ARGUMENT_0)
    for persona in _PERSONALITIES:
        code.add(_JEQ, persona, true="allow")
    code.label("refuse")
    code.add(_RETURN, _ERRNO | EPERM)
    code.label("enosys")
    code.add(_RETURN, _ERRNO | ENOSYS)
    code.label("allow")
    code.add(_RETURN, ALLOW)
