"""One run as the host sees it: its pipes, its end, and how it is ended."""

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterable
from contextlib import suppress

_INFO_SECONDS = 20.0
"""Bubblewrap reports after a few ms; on a machine that is overrun it may take longer."""


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
        self.way: socket.socket | None = None
        """Over it comes the listener of the run's way out; None: it has none, or somebody took it."""
        self.leaves_orphans = True
        """Whether `pidfd` becomes readable before all of the run is dead."""
        self.is_lost = self.was_out_of_memory = False
        """As of pooled.PooledProcess, which can tell."""
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
            readable([self._init[1]], _INFO_SECONDS)
        return status if status >= 0 else 128 - status

    def close(self) -> None:
        """Kill what still runs, and close our ends. May be called twice."""
        if self._bwrap.poll() is None:
            self.kill()
        if self.way is not None:
            self.way.close()
            self.way = None
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


def readable(fds: Iterable[int], seconds: float) -> list[int]:
    """Return those that can be read or have ended, after waiting for the first. Not select: numbers go over 1023."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(seconds * 1000)]


def _read_object(fd: int) -> bytes | None:
    """Return the JSON object bubblewrap writes, which comes in pieces; None when it died before."""
    text = b""
    while not text.rstrip().endswith(b"}"):
        piece = os.read(fd, 4096) if readable([fd], _INFO_SECONDS) else b""
        if not piece:
            return None
        text += piece
    return text
