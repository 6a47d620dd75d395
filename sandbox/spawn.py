"""Start sandboxed processes, and end them. All but the doctor come through launch.py, which asks the doctor first."""

import os
import platform
import socket
import stat
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

from . import command, seccomp
from .command import Folders, RunSpec
from .host import Host, SandboxUnavailable
from .process import Process

_MOUNT_POINTS = (".storage", ".user", ".shared")
_SPARE_FILES = 16
"""Inodes a volume may have above its cap: its root, our mount points."""


def start(host: Host, spec: RunSpec, module: str = "runner", *, has_outlet: bool = False) -> Process:
    """Start `module` of the runtime with `spec`; everything but the doctor starts the runner.

    `has_outlet`: see launch.launch.

    Raises: SandboxUnavailable naming the layer that is missing, ValueError for a main or environment that cannot be,
    OSError when the machine has no process or descriptor left.
    """
    require(host, spec)
    command.check(spec)
    prepare(spec.folders)
    with ExitStack() as cleanup:
        ours, theirs, pipe_inode = pipes(host, cleanup)
        info_read, info_write = _pipe(cleanup)
        seccomp_fd = memory_file("filter", seccomp.program(), cleanup)
        options = command.options(host, spec, seccomp_fd=seccomp_fd, info_fd=info_write)
        options_fd = memory_file("options", b"\0".join(map(os.fsencode, options)) + b"\0", cleanup)
        links = {name: os.readlink(f"/proc/self/ns/{name}") for name in command.NAMESPACES}
        inside = command.inside(host, spec, module, control_fd=theirs["control"], namespaces=links)
        passed: tuple[int, ...] = (theirs["control"], seccomp_fd, options_fd, info_write)
        way, their_way = _channel(cleanup) if has_outlet else (None, None)
        if their_way is not None:
            inside.insert(inside.index("--"), f"outlet={their_way.fileno()}")
            passed = (*passed, their_way.fileno())
        child = _started(command.argv(host, inside, options_fd=options_fd), theirs, passed)
        cleanup.pop_all()
        for fd in (*theirs.values(), info_write, seccomp_fd, options_fd):
            os.close(fd)
        if their_way is not None:
            their_way.close()
        process = Process(child, ours, info_read, pipe_inode)
        process.way = way
        return process


def _channel(cleanup: ExitStack) -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        cleanup.callback(end.close)
    return ends


def _started(argv: list[str], ends: dict[str, int], passed: tuple[int, ...]) -> "subprocess.Popen[bytes]":
    """Start the command with these descriptors and no others; without `preexec_fn` or `user`, so that vfork serves."""
    return subprocess.Popen(
        argv,
        stdin=ends["stdin"],
        stdout=ends["stdout"],
        stderr=ends["stderr"],
        pass_fds=passed,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,  # Ctrl-C at the server's terminal must reach the supervisor, not each run
    )


def prepare(folders: Folders) -> None:
    """Make the mount points inside the work and scratch folders, as plain directories and nothing else.

    A symlink in their place, kept from an earlier run, would move a mount: so made and looked at by directory fd.
    """
    for folder, names, mode in ((folders.work, _MOUNT_POINTS, 0o755), (folders.scratch, ("tmp", "shm"), 0o1777)):
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for name in names:
                _make_directory(root, name, mode)
        finally:
            os.close(root)


def _make_directory(root: int, name: str, mode: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=root)
        made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        try:
            os.fchmod(made, mode)
        finally:
            os.close(made)
    if not stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
        raise SandboxUnavailable("volumes", f"{name} in the bot's folder is not a directory.", "Delete it.")


def require(host: Host, spec: RunSpec) -> None:
    """Refuse what is wrong already out here; the runner checks the rest from inside, before it starts the script."""
    if host.run_uid == 0 or host.run_gid == 0:
        raise SandboxUnavailable("uid", "Scripts would run as root.", "Give the sandbox a user id of its own.")
    if platform.machine() not in seccomp.ARCHITECTURES:
        sentence = f"There is no system call filter for {platform.machine()}."
        raise SandboxUnavailable("seccomp", sentence, "Use an x86-64 or aarch64 machine.")
    limits = spec.limits
    cap = (limits.folder_bytes, limits.folder_files)
    folders = spec.folders
    for path in (folders.work, folders.storage, folders.user, folders.shared):
        _require_caps(path, *cap)
    _require_caps(folders.scratch, limits.scratch_bytes, limits.scratch_files)


def _require_caps(path: Path, size_bytes: int, files: int) -> None:
    """Refuse a folder that is not a volume of its own with a size and an inode cap: one script could fill the disk."""
    there = os.statvfs(path)
    if not 0 < there.f_blocks * there.f_frsize <= size_bytes or not 0 < there.f_files <= files + _SPARE_FILES:
        raise SandboxUnavailable("volumes", f"The folder {path} has no size cap.", "Make it with sandbox.volumes.")
    if not there.f_flag & os.ST_NOSUID or not there.f_flag & os.ST_NODEV:
        sentence = f"The folder {path} may hold devices or setuid programs."
        raise SandboxUnavailable("volumes", sentence, "Make it with sandbox.volumes.")


def pipes(host: Host, cleanup: ExitStack) -> tuple[dict[str, int], dict[str, int], int]:
    """Return our ends, the run's ends, and the inode of the input pipe (how a blocked reader is recognised)."""
    ours, theirs = {}, {}
    theirs["stdin"], ours["stdin"] = _pipe(cleanup)
    for name in ("stdout", "stderr", "control"):
        ours[name], theirs[name] = _pipe(cleanup)
    if host.is_root:
        for name in ("stdin", "stdout", "stderr"):  # else a script could not open /dev/stdin or /dev/stdout
            os.fchown(theirs[name], host.run_uid, host.run_gid)
    for fd in ours.values():
        os.set_blocking(fd, False)
    return ours, theirs, os.fstat(theirs["stdin"]).st_ino


def _pipe(cleanup: ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for fd in ends:
        cleanup.callback(os.close, fd)
    return ends


def memory_file(name: str, data: bytes, cleanup: ExitStack) -> int:
    """Return a descriptor that reads `data` once. Fresh each time: bubblewrap consumes the shared file offset."""
    fd = os.memfd_create(name)
    cleanup.callback(os.close, fd)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
