"""Start sandboxed processes, and end them. All but the doctor come through launch.py, which asks the doctor first."""

import json
import os
import select
import signal
import stat
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

from . import command, seccomp
from .command import Folders, RunSpec
from .host import Host, SandboxUnavailable

_MOUNT_POINTS = (".storage", ".user", ".shared")
_INFO_SECONDS = 20.0
"""Bubblewrap reports after a few ms; on a machine that is overrun it may take longer."""
_SPARE_FILES = 16
"""Inodes a volume may have above its cap: its root, our mount points."""


class Process:
    """A run. Our ends of its pipes are non-blocking and close-on-exec; `close` gives everything back."""

    def __init__(self, bwrap: "subprocess.Popen[bytes]", pipes: dict[str, int], info_fd: int, inode: int) -> None:
        self.pid = bwrap.pid
        """Of bubblewrap's outer process, our child. The script and all it starts descend from `init_pid`."""
        self.pidfd = os.pidfd_open(bwrap.pid)
        """Readable once the run has ended (poll); then call `wait`."""
        self.stdin_fd, self.stdout_fd = pipes["stdin"], pipes["stdout"]
        self.stderr_fd, self.control_fd = pipes["stderr"], pipes["control"]
        self.stdin_pipe_inode = inode
        self._bwrap = bwrap
        self._info_fd = info_fd
        self._init: tuple[int, int] | None = None

    @property
    def init_pid(self) -> int | None:
        """The namespace's init, as a pid out here: the ancestor of all of the run. None when it never came to be.

        Known at once after READY; before that it blocks until bubblewrap has made the namespaces (a few ms).
        """
        self._find_init()
        return self._init[0] if self._init else None

    def kill(self) -> None:
        """End the whole tree. Killing the namespace's init is what the kernel turns into the death of all inside it."""
        self._find_init()
        if self._init is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init[1], signal.SIGKILL)
        else:
            self._kill_outer()

    def wait(self) -> int:
        """Block until nothing of the run is left; return its exit status, 128 + n after signal n."""
        self._find_init()
        status = self._bwrap.wait()
        if self._init is not None:  # bubblewrap leaves once the script itself has ended, before its daemons are dead
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init[1], signal.SIGKILL)
            select.select([self._init[1]], [], [], _INFO_SECONDS)
        return status if status >= 0 else 128 - status

    def close(self) -> None:
        """Kill what still runs, and close our ends. May be called twice."""
        if self._bwrap.poll() is None:
            self.kill()
        self.wait()
        own = [self.stdin_fd, self.stdout_fd, self.stderr_fd, self.control_fd, self.pidfd, self._info_fd]
        for fd in own + ([self._init[1]] if self._init else []):
            if fd >= 0:
                os.close(fd)
        self.stdin_fd = self.stdout_fd = self.stderr_fd = self.control_fd = self.pidfd = self._info_fd = -1
        self._init = None

    def close_stdin(self) -> None:
        """Close our end of standard input: the script reads the end of the file."""
        if self.stdin_fd >= 0:
            os.close(self.stdin_fd)
            self.stdin_fd = -1

    def _kill_outer(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def _find_init(self) -> None:
        """Read bubblewrap's report and open the init by pidfd: a bare number could come to mean another process."""
        if self._info_fd < 0:
            return
        text = _read_object(self._info_fd)
        os.close(self._info_fd)
        self._info_fd = -1
        if text is None:
            return
        info = json.loads(text)
        pid = int(info["child-pid"])
        with suppress(OSError):
            pidfd = os.pidfd_open(pid)
            if info.get("pid-namespace") in (None, os.stat(f"/proc/{pid}/ns/pid").st_ino):
                self._init = (pid, pidfd)
            else:
                os.close(pidfd)


def start(host: Host, spec: RunSpec, module: str = "runner") -> Process:
    """Start `module` of the runtime with `spec`; everything but the doctor starts the runner.

    Raises: SandboxUnavailable naming the layer that is missing, ValueError for a main or environment that cannot be,
    OSError when the machine has no process or descriptor left.
    """
    _require(host, spec)
    command.check(spec)
    prepare(spec.folders)
    with ExitStack() as cleanup:
        ours, theirs, pipe_inode = _pipes(host, cleanup)
        info_read, info_write = _pipe(cleanup)
        seccomp_fd = _memory_file("filter", seccomp.program(), cleanup)
        options = command.options(host, spec, seccomp_fd=seccomp_fd, info_fd=info_write)
        options_fd = _memory_file("options", b"\0".join(map(os.fsencode, options)) + b"\0", cleanup)
        links = {name: os.readlink(f"/proc/self/ns/{name}") for name in command.NAMESPACES}
        inside = command.inside(host, spec, module, control_fd=theirs["control"], namespaces=links)
        child = subprocess.Popen(
            command.argv(host, inside, options_fd=options_fd),
            stdin=theirs["stdin"],
            stdout=theirs["stdout"],
            stderr=theirs["stderr"],
            pass_fds=(theirs["control"], seccomp_fd, options_fd, info_write),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,  # Ctrl-C at the server's terminal must reach the supervisor, not each run
        )
        cleanup.pop_all()
        for fd in (*theirs.values(), info_write, seccomp_fd, options_fd):
            os.close(fd)
        return Process(child, ours, info_read, pipe_inode)


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


def _require(host: Host, spec: RunSpec) -> None:
    """Refuse what is wrong already out here; the runner checks the rest from inside, before it starts the script."""
    if host.run_uid == 0 or host.run_gid == 0:
        raise SandboxUnavailable("uid", "Scripts would run as root.", "Give the sandbox a user id of its own.")
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


def _pipes(host: Host, cleanup: ExitStack) -> tuple[dict[str, int], dict[str, int], int]:
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


def _memory_file(name: str, data: bytes, cleanup: ExitStack) -> int:
    """Return a descriptor that reads `data` once. Fresh each time: bubblewrap consumes the shared file offset."""
    fd = os.memfd_create(name)
    cleanup.callback(os.close, fd)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _read_object(fd: int) -> bytes | None:
    """Return the JSON object bubblewrap writes, which comes in pieces; None when it died before."""
    text = b""
    while not text.rstrip().endswith(b"}"):
        ready, _, _ = select.select([fd], [], [], _INFO_SECONDS)
        piece = os.read(fd, 4096) if ready else b""
        if not piece:
            return None
        text += piece
    return text
