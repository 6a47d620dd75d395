"""The system call filter as a program, run by a small interpreter of classic BPF: both machines, without a kernel."""

import struct

import pytest

from sandbox import seccomp, syscalls

KILL, ALLOW = seccomp.KILL_PROCESS, seccomp.ALLOW
EPERM, ENOSYS, EAFNOSUPPORT = (0x00050000 | number for number in (1, 38, 97))
MACHINES = sorted(seccomp.ARCHITECTURES)
X86_64, AARCH64 = 0xC000003E, 0xC00000B7
I386 = 0x40000003


def verdict(program: bytes, number: int, *arguments: int, architecture: int) -> int:
    """Return what the filter answers to a system call."""
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *(*arguments, *[0] * (6 - len(arguments))))
    code = list(struct.iter_unpack("<HBBI", program))
    at = accumulator = 0
    while True:
        operation, true, false, constant = code[at]
        if operation == 0x06:
            return int(constant)
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, constant)
            at += 1
            continue
        holds = {
            0x15: accumulator == constant,
            0x25: accumulator > constant,
            0x35: accumulator >= constant,
            0x45: bool(accumulator & constant),
        }[operation]
        at += 1 + (true if holds else false)


def ask(machine: str, name: str, *arguments: int) -> int:
    """Return the answer to a call by name on a machine."""
    architecture = seccomp.ARCHITECTURES[machine]
    number = syscalls.numbers(architecture.column)[name]
    return verdict(seccomp.program(machine), number, *arguments, architecture=architecture.audit)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_gets_the_answer_of_the_table(machine: str) -> None:
    architecture = seccomp.ARCHITECTURES[machine]
    allowed = syscalls.numbers(architecture.column)
    special = {allowed[name] for name in ("clone", "socket", "socketpair", "ioctl", "personality")}
    absent = {pair[architecture.column] for pair in syscalls.ABSENT.values()}
    program = seccomp.program(machine)
    for number in range(600):
        answer = verdict(program, number, architecture=architecture.audit)
        if number in absent or number > syscalls.LAST_KNOWN:
            assert answer == ENOSYS, number
        elif number not in special:
            assert answer == (ALLOW if number in allowed.values() else EPERM), number


@pytest.mark.parametrize("machine", MACHINES)
def test_other_architectures_are_killed(machine: str) -> None:
    for audit in (X86_64, AARCH64, I386, 0):
        if audit != seccomp.ARCHITECTURES[machine].audit:
            assert verdict(seccomp.program(machine), 0, architecture=audit) == KILL


def test_x32_numbers_are_absent() -> None:
    program = seccomp.program("x86_64")
    for number in (0x40000000, 0x40000000 | 59, 0xFFFFFFFF):
        assert verdict(program, number, architecture=X86_64) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("flag", [1 << 17, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30])
def test_clone_with_a_namespace_is_refused(machine: str, flag: int) -> None:
    assert ask(machine, "clone", flag | 17) == EPERM
    assert ask(machine, "clone", (1 << 40) | flag) == EPERM  # the kernel looks at the low half, and so do we
    assert ask(machine, "clone", 17) == ALLOW
    assert ask(machine, "clone", 0x3D0F00) == ALLOW  # a thread


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_only_three_socket_families(machine: str, call: str) -> None:
    allowed = {family for family in range(64) if ask(machine, call, family) == ALLOW}
    assert allowed == {1, 2, 10}
    assert ask(machine, call, 16) == EAFNOSUPPORT
    assert ask(machine, call, (1 << 32) | 16) == EAFNOSUPPORT


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_can_be_typed_into_a_terminal(machine: str) -> None:
    for request in (0x5412, 0x541C, (7 << 32) | 0x5412):
        assert ask(machine, "ioctl", 0, request) == EPERM
    assert ask(machine, "ioctl", 0, 0x5401) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_personality_can_only_be_asked(machine: str) -> None:
    assert ask(machine, "personality", 0xFFFFFFFF) == ALLOW
    assert ask(machine, "personality", 0) == ALLOW
    assert ask(machine, "personality", 0x0040000) == EPERM


def test_unknown_machine_has_no_filter() -> None:
    with pytest.raises(KeyError):
        seccomp.program("riscv64")


@pytest.mark.parametrize("machine", MACHINES)
def test_jumps_fit_into_a_byte(machine: str) -> None:
    program = seccomp.program(machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 < 256
