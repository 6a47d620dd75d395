"""A child of a zygote as the host sees it: first one that waits for a script, then a run."""

import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from . import command, spawn
from .cgroup import Group
from .command import RunSpec
from .host import Host
from .process import readable

_OPEN_TREE = 428
_AT_FDCWD, _OPEN_TREE_CLONE = -100, 1
_END_SECONDS = 20.0
_KILLED_STATUS = 128 + signal.SIGKILL
_INIT_FAILED_STATUS = 111

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class ChildLost(Exception):
    """The child cannot be given a script: it has died, or its zygote with it."""


class PooledProcess:
    """A run in a child of a zygote. Used as process.Process is; `close` gives everything back."""

    def __init__(self, child: "Child", pipes: dict[str, int], inode: int) -> None:
        self.pid, self.pidfd = child.pid, child.pidfd
        """Of the namespaces' init: all of the run descends from it. The pidfd is readable once nothing is left."""
        self.stdin_fd, self.stdout_fd = pipes["stdin"], pipes["stdout"]
        self.stderr_fd, self.control_fd = pipes["stderr"], pipes["control"]
        self.stdin_pipe_inode = inode
        self.listener_fd = child.take_listener()
        """A socket that listens on 127.0.0.1:3128 inside the run. Close it with the run: it keeps a network alive."""
        self.group = child.group
        """The control group of the run; None where there are none."""
        self.leaves_orphans = False
        """The pidfd is the init's: with it all of the run is dead."""
        self._child = child
        self._status: int | None = None
        self._was_killed = self._is_silent = False

    @property
    def init_pid(self) -> int:
        """The namespaces' init, as a pid out here."""
        return self.pid

    @property
    def is_lost(self) -> bool:
        """True when a run has ended that nobody of ours ended, and whose init could not say how: its zygote died."""
        return self._is_silent and not self._was_killed and not self.was_out_of_memory

    @property
    def was_out_of_memory(self) -> bool:
        """True when the kernel has ended one of the run's processes, or all, at the limit of its group."""
        return self.group is not None and self.group.oom_kills() > 0

    def kill(self) -> None:
        """End the whole tree."""
        self._was_killed = True
        self._child.kill()

    def wait(self) -> int:
        """Block until nothing of the run is left; return its exit status, 128 + n after signal n."""
        if self._status is None:
            readable([self.pidfd], _END_SECONDS)
            said = self._child.exit_status()
            self._is_silent = said is None
            self._status = _KILLED_STATUS if said is None else said
        return self._status

    def close(self) -> None:
        """Kill what still runs, and close our ends. May be called twice."""
        if self.pidfd < 0:
            return
        if not readable([self.pidfd], 0):
            self.kill()
        self.wait()
        for fd in (self.stdin_fd, self.stdout_fd, self.stderr_fd, self.control_fd, self.listener_fd):
            if fd >= 0:
                os.close(fd)
        self.stdin_fd = self.stdout_fd = self.stderr_fd = self.control_fd = self.pidfd = self.listener_fd = -1
        self._child.close()

    def close_stdin(self) -> None:
        """Close our end of standard input: the script reads the end of the file."""
        if self.stdin_fd >= 0:
            os.close(self.stdin_fd)
            self.stdin_fd = -1


class Child:
    """A confined child that waits for a script. Owns its pidfd, channel, listener and group until `close`."""

    def __init__(self, pidfd: int, channel: socket.socket, group: Group | None, on_close: Callable[[], None]) -> None:
        self.pidfd, self.channel, self.group = pidfd, channel, group
        self.pid = host_pid(pidfd)
        self.listener_fd = -1
        self._on_close = on_close

    @property
    def is_alive(self) -> bool:
        """Whether it can still be given a script."""
        return self.pidfd >= 0 and not readable([self.pidfd], 0)

    def take_listener(self) -> int:
        """Hand over the listener's descriptor."""
        fd, self.listener_fd = self.listener_fd, -1
        return fd

    def assign(self, host: Host, spec: RunSpec, module: str = "runner") -> PooledProcess:
        """Give it its script and folders, in one message. `module` as for spawn.start: only the doctor's is another.

        Raises: ChildLost, SandboxUnavailable naming the layer that is missing, ValueError for a main or environment
        that cannot be, OSError when the machine has no descriptor left.
        """
        spawn.require(host, spec)
        command.check(spec)
        spawn.prepare(spec.folders)
        with ExitStack() as cleanup:
            ours, theirs, inode = spawn.pipes(host, cleanup)
            words = spawn.memory_file("words", _words(host, spec, module), cleanup)
            passed = [*(theirs[name] for name in ("stdin", "stdout", "stderr", "control")), words]
            for path in _folders(spec):
                passed.append(_detached(path))
                cleanup.callback(os.close, passed[-1])
            try:
                socket.send_fds(self.channel, [b"run"], passed)
            except OSError as error:
                raise ChildLost(str(error)) from error
            cleanup.pop_all()
        for fd in passed:
            os.close(fd)
        return PooledProcess(self, ours, inode)

    def exit_status(self) -> int | None:
        """Return what the init said of its end; a failure of ours while it started is 111, silence None."""
        with suppress(OSError):
            words = self.channel.recv(4096, socket.MSG_DONTWAIT).split()
            if words[:1] == [b"exit"]:
                return int(words[1])
            if words[:1] == [b"failed:"]:
                return _INIT_FAILED_STATUS
        return None

    def kill(self) -> None:
        """End it and all below it: the kernel turns the init's death into that of the namespace."""
        if self.pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Kill it, and close all that is ours. May be called twice."""
        if self.pidfd < 0:
            return
        self.kill()
        readable([self.pidfd], _END_SECONDS)
        os.close(self.pidfd)
        self.pidfd = -1
        self.channel.close()
        if self.listener_fd >= 0:
            os.close(self.take_listener())
        self._on_close()


def host_pid(pidfd: int) -> int:
    """Return the pid, as it is out here, behind a descriptor; -1 when that process has gone."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1


def _folders(spec: RunSpec) -> list[Path]:
    """Return the folders in the order in which the nursery attaches them."""
    folders = spec.folders
    scratch = folders.scratch
    return [folders.work, folders.storage, folders.user, folders.shared, scratch / "tmp", scratch / "shm"]


def _words(host: Host, spec: RunSpec, module: str) -> bytes:
    """Return what the runner is told. Not on a command line, and in no process that others descend from."""
    links = {name: os.readlink(f"/proc/self/ns/{name}") for name in command.NAMESPACES}
    argv = command.inside(host, spec, module, control_fd=3, namespaces=links)
    variables = command.environment(spec)
    own = sorted(set(spec.env) - command.own_variables())
    return json.dumps({"argv": argv, "variables": variables, "own": own, "is_runner": module == "runner"}).encode()


def _detached(path: Path) -> int:
    """Return a descriptor of a mount of `path` that is attached nowhere: who gets it needs no path of ours."""
    words = (_OPEN_TREE, _AT_FDCWD, os.fsencode(path), _OPEN_TREE_CLONE | os.O_CLOEXEC)
    fd = int(_libc.syscall(*(ctypes.c_long(word) if isinstance(word, int) else word for word in words)))
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"open_tree {path}: {os.strerror(number)}")
    return fd
