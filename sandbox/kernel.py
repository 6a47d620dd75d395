"""System calls that Python has no function for, as the zygote and the inits of its children need them.

Runs inside the sandbox, in processes that never run a bot's code.
"""

import ctypes
import os
import platform
import struct

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 28, 38, 47

_CLONE, _PIVOT_ROOT = {"x86_64": (56, 155), "aarch64": (220, 41)}[platform.machine()]
_MOVE_MOUNT = 429
_CLONE_PIDFD = 0x1000
_AT_FDCWD, _MOVE_MOUNT_F_EMPTY_PATH, _MNT_DETACH = -100, 4, 2
_SECCOMP_MODE_FILTER, _AMBIENT_CLEAR_ALL = 2, 4
_SECUREBITS_LOCKED = 0x2F  # NOROOT and NO_SETUID_FIXUP set, they and KEEP_CAPS locked: root means nothing from here on
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.PyDLL(None, use_errno=True)
"""Keeps the interpreter's lock through a call, as os.fork does: a clone must not come back without it."""
_libc.syscall.restype = ctypes.c_long


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def clone(flags: int, signal_number: int) -> tuple[int, int]:
    """Fork with new namespaces; return (pid, pidfd) in the parent and (0, -1) in the child.

    The caller has one thread, which keeps the interpreter's lock: then nothing needs putting right in the child, and
    the hooks of os.fork, which would write to 0.7 MB of its memory, are left to the fork that makes the script's
    process. Until then the C library believes in the parent's thread id: raise(3) would not work. Raises: OSError.
    """
    pidfd = ctypes.c_int(-1)
    words = (_CLONE, flags | _CLONE_PIDFD | signal_number, 0)
    pid = _libc.syscall(*map(ctypes.c_long, words), ctypes.byref(pidfd), ctypes.c_long(0), ctypes.c_long(0))
    if pid == 0:
        return 0, -1
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"clone: {os.strerror(number)}")
    os.set_inheritable(pidfd.value, False)
    return pid, pidfd.value


def unshare(flags: int) -> None:
    """Get a namespace of our own. Raises: OSError."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount, as mount(2) does. Raises: OSError."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    _check(_libc.mount(*words[:3], ctypes.c_ulong(flags), words[3]), f"mount {target}")


def attach(mount_fd: int, target: str) -> None:
    """Attach a detached mount. A symlink at the end of `target` is not followed. Raises: OSError."""
    where = ctypes.c_char_p(os.fsencode(target))
    words = (ctypes.c_long(_MOVE_MOUNT), ctypes.c_long(mount_fd), ctypes.c_char_p(b""), ctypes.c_long(_AT_FDCWD))
    _check(_libc.syscall(*words, where, ctypes.c_long(_MOVE_MOUNT_F_EMPTY_PATH)), f"attach {target}")


def enter_root(folder: str) -> None:
    """Make the mount at `folder` the root of this mount namespace; nothing of the old tree stays. Raises: OSError."""
    os.chdir(folder)
    here = ctypes.c_char_p(b".")
    _check(_libc.syscall(ctypes.c_long(_PIVOT_ROOT), here, here), "pivot_root")  # pivot_root(2): "." over "."
    _check(_libc.umount2(here, _MNT_DETACH), "unmount the old root")
    os.chdir("/")


def drop_rights() -> None:
    """Make sure that no program and no user id gives rights again; those held now stay. Raises: OSError."""
    control(PR_SET_NO_NEW_PRIVS, 1)
    control(PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    capability = 0
    while _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) == 0:
        capability += 1
    control(PR_SET_SECUREBITS, _SECUREBITS_LOCKED)


def drop_capabilities() -> None:
    """Give up all capabilities. Raises: OSError."""
    header = struct.pack("II", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


class Filter:
    """A system call filter, `program` as seccomp.py makes it, ready to be set."""

    def __init__(self, program: bytes) -> None:
        self._code = ctypes.create_string_buffer(program, len(program))
        self._described = _Program(len(program) // 8, ctypes.addressof(self._code))

    def set(self) -> None:
        """Filter our system calls from now on, those of children too. Raises: OSError."""
        pointer = ctypes.byref(self._described)
        _check(_libc.prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, pointer, 0, 0), "seccomp")


def control(option: int, value: int) -> None:
    """Call prctl(2). Raises: OSError."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
