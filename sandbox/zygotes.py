"""A zygote as the supervisor holds it: started, asked for children, ended. What it does inside is in zygote.py."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from . import command, seccomp, spawn
from .cgroup import Group
from .host import Host
from .pooled import Child, ChildLost

BORN_SECONDS = 10.0
READY_SECONDS = 60.0
"""Imports of a big package on a busy machine take long."""
_SAID_BYTES = 4096


@dataclass(frozen=True)
class Profile:
    """What the children of one zygote have in common."""

    site: Path
    """The folder of packages, /opt/hal9/site inside."""
    preimports: tuple[str, ...] = ("openai", "requests", "hal9")
    """What is imported ahead, where it is installed."""


class Zygote:
    """One zygote process. `close` ends it and every child it still has."""

    def __init__(self, host: Host, profile: Profile, on_death: Callable[["Zygote"], None]) -> None:
        """Start it, from the thread that outlives it. It can be asked for children once `ready` has returned.

        Raises: OSError.
        """
        self.forks = self.children = 0
        self.started = time.monotonic()
        self.is_dead = False
        self.complaint = ""
        """The last that it said on its standard error."""
        self._on_death = on_death
        self._loop = asyncio.get_running_loop()
        self._answers: deque[asyncio.Future[int]] = deque()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._bwrap, self._control, self._complaints = _start(host, profile)
        self.pidfd = os.pidfd_open(self._bwrap.pid)
        self._loop.add_reader(self._control, self._on_message)
        self._loop.add_reader(self._complaints, self._on_complaint)
        self._loop.add_reader(self.pidfd, self._die)

    async def ready(self) -> None:
        """Wait until it has imported what it should. Raises: ChildLost when it ended instead, TimeoutError."""
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.shield(self._ready)

    async def child(self, group: Group | None, on_close: Callable[[], None]) -> Child:
        """Return a new child, confined, in `group`, ready for its script; `on_close` is called when it is no more.

        Raises: ChildLost, TimeoutError; `on_close` is called then too.
        """

        def closed() -> None:
            self.children -= 1
            on_close()

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self.children += 1
        child: Child | None = None
        try:
            with theirs:
                answer = self._ask(theirs)
            async with asyncio.timeout(BORN_SECONDS):
                pidfd = await answer
            child = Child(pidfd, ours, group, closed)
            if group is not None:
                await asyncio.to_thread(group.add, child.pid)
            ours.send(b"go")
            await self._grown(child)
        except BaseException as error:
            if child is None:
                ours.close()
                closed()
            else:
                await asyncio.to_thread(child.close)
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise ChildLost(str(error)) from error
            raise
        return child

    def close(self) -> None:
        """End it, and with it all its children."""
        with suppress(ProcessLookupError, OSError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self._die()

    def _ask(self, theirs: socket.socket) -> "asyncio.Future[int]":
        if self.is_dead:
            raise ChildLost("the zygote has ended")
        answer: asyncio.Future[int] = self._loop.create_future()
        socket.send_fds(self._control, [b"child"], [theirs.fileno()])
        self._answers.append(answer)
        self.forks += 1
        return answer

    async def _grown(self, child: Child) -> None:
        readable = asyncio.Event()
        self._loop.add_reader(child.channel, readable.set)
        try:
            async with asyncio.timeout(BORN_SECONDS):
                await readable.wait()
        finally:
            self._loop.remove_reader(child.channel)
        words, fds, _, _ = socket.recv_fds(child.channel, _SAID_BYTES, 1)
        if words != b"ready" or not fds:
            raise ChildLost(words.decode("utf-8", "replace") or "it died while it was set up")
        child.listener_fd = fds[0]

    def _on_message(self) -> None:
        try:
            words, fds, _, _ = socket.recv_fds(self._control, _SAID_BYTES, 1)
        except BlockingIOError:
            return
        if not words:  # its death will be told by the pidfd
            self._loop.remove_reader(self._control)
        elif not self._ready.done():
            self._ready.set_result(None)
        else:
            answer = self._answers.popleft()
            if answer.done():  # who asked has given up; without its pidfd the child sees the channel close, and ends
                for fd in fds:
                    os.close(fd)
            elif fds:
                answer.set_result(fds[0])
            else:
                answer.set_exception(ChildLost(words.decode("utf-8", "replace")))

    def _on_complaint(self) -> None:
        data = os.read(self._complaints, _SAID_BYTES)
        if data:
            self.complaint = data.decode("utf-8", "replace").strip()
        else:
            self._loop.remove_reader(self._complaints)

    def _die(self) -> None:
        """Clear up after its death, once."""
        if self.is_dead:
            return
        self.is_dead = True
        for fd in (self._control.fileno(), self._complaints, self.pidfd):
            self._loop.remove_reader(fd)
        with suppress(BlockingIOError):
            self._on_complaint()
        self._bwrap.wait()
        self._control.close()
        os.close(self._complaints)
        os.close(self.pidfd)
        problem = ChildLost(f"the zygote has ended. {self.complaint}")
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(problem)
        if not self._ready.done():
            self._ready.set_exception(problem)
            self._ready.exception()  # it may be that nobody waits
        self._on_death(self)


def _start(host: Host, profile: Profile) -> tuple["subprocess.Popen[bytes]", socket.socket, int]:
    """Return bubblewrap's process, our end of the control socket, and of a pipe for complaints."""
    with ExitStack() as cleanup:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        cleanup.callback(theirs.close)
        read, write = os.pipe()
        cleanup.callback(os.close, write)
        options = command.zygote_options(host, profile.site)
        options_fd = spawn.memory_file("options", b"\0".join(map(os.fsencode, options)) + b"\0", cleanup)
        argv = command.argv(host, command.zygote_inside(host, theirs.fileno()), options_fd=options_fd)
        bwrap = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=write,
            pass_fds=(theirs.fileno(), options_fd),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
    ours.send(_setup(profile))
    ours.setblocking(False)
    os.set_blocking(read, False)
    return bwrap, ours, read


def _setup(profile: Profile) -> bytes:
    links = {name: os.readlink(f"/proc/self/ns/{name}") for name in command.NAMESPACES}
    told = {
        "preimports": profile.preimports,
        "filter": seccomp.program().hex(),
        "namespaces_outside": links,
        "uid": command.SANDBOX_UID,
    }
    return json.dumps(told).encode()
