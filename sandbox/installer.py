"""Look packages up and unpack them, in a sandbox of its own that reaches the package index and nothing else.

Three programs one after the other over one volume, each in a sandbox that is gone when it ends: uv resolves the list,
uv fetches and unpacks the wheels, Python compiles the modules. No code of a package or of a bot runs.
"""

import asyncio
import os
import re
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from sandbox import command, hostfs, install_command, package_index, seccomp, spawn
from sandbox.dialer import Dialer
from sandbox.egress import Egress, Outlet, receive_listener
from sandbox.host import Host
from sandbox.install_command import RESOLVED, SITE, InstallLimits
from sandbox.install_failures import Ending, PackagesFailed, failure
from sandbox.internal import Caller
from sandbox.package_index import PackageIndex
from sandbox.process import Process
from sandbox.requirements import Wanted, text
from sandbox.volumes import Volumes
from sandbox.watch import Tree

log = structlog.get_logger()

Tell = Callable[[str], None]
"""Takes a line of progress, without a newline."""

_LOOK_SECONDS = 0.5
_TELL_SECONDS = 3.0
_RESOLVED_BYTES, _LOG_BYTES = 1 << 20, 64 * 1024
_PINNED = re.compile(r"[a-z0-9][a-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True, slots=True)
class Tools:
    """What an installation needs of this machine."""

    host: Host
    volumes: Volumes
    index: PackageIndex
    uv: Path
    limits: InstallLimits
    dialer: Dialer


class Installation:
    """One list of requirements on its way to a folder of packages; in `async with`, from the long-lived thread."""

    def __init__(self, tools: Tools, wanted: tuple[Wanted, ...], tell: Tell) -> None:
        self._tools, self._wanted, self._tell = tools, wanted, tell
        self._ends_at = time.monotonic() + tools.limits.install_seconds
        self._volume: Path | None = None
        self._constraints = package_index.read_constraints(tools.index)
        self._certificates = package_index.read_certificates(tools.index)

    async def __aenter__(self) -> "Installation":
        limits = self._tools.limits
        # The cache and the folder share their files; what is compiled comes on top.
        size = {"size_bytes": limits.environment_bytes, "files": limits.environment_files}
        name = f"install-{secrets.token_hex(6)}"
        self._volume = await asyncio.to_thread(lambda: self._tools.volumes.create(name, **size))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._volume is not None:
            await asyncio.to_thread(self._tools.volumes.drop, self._volume)

    @property
    def site(self) -> Path:
        """What `unpack` has filled. Its contents are a stranger's: see site_copy.py."""
        return self._work / SITE

    @property
    def _work(self) -> Path:
        if self._volume is None:
            raise RuntimeError("an Installation is used in `async with`")
        return self._volume

    async def resolve(self) -> tuple[str, ...]:
        """Return `name==version` of all that the requirements need. Raises: PackagesFailed."""
        self._write(install_command.REQUIREMENTS, text(self._wanted).encode())
        if self._constraints is not None:
            self._write(install_command.CONSTRAINTS, self._constraints)
        program = install_command.resolve_argv(has_constraints=self._constraints is not None)
        await self._run(program, has_network=True)
        resolved = self._resolved()
        names = {line.partition("==")[0] for line in resolved}
        # A list that leaves out what was asked for would be another bot's list, under which this one's files would lie.
        if not {one.name for one in self._wanted} <= names:
            raise PackagesFailed("The packages could not be looked up: the list is not whole.")
        return resolved

    async def unpack(self, resolved: tuple[str, ...]) -> None:
        """Fill `site`. Raises: PackagesFailed."""
        self._write(RESOLVED, "".join(f"{line}\n" for line in resolved).encode())
        teller = asyncio.create_task(self._tell_size())
        try:
            await self._run(install_command.install_argv(), has_network=True)
        finally:
            teller.cancel()
        self._tell("packages: compiling")
        try:
            await self._run(install_command.compile_argv(), has_network=False)
        except PackagesFailed as problem:  # a file that is no Python, or too much of it: runs can do without
            log.info("packages not compiled", reason=str(problem))

    def _write(self, name: str, data: bytes) -> None:
        root = hostfs.open_root(self._work)
        try:
            hostfs.write_file(root, name, data, 0o644, self._tools.host.run_uid, self._tools.host.run_gid)
        finally:
            os.close(root)

    def _resolved(self) -> tuple[str, ...]:
        root = hostfs.open_root(self._work)
        try:
            lines = hostfs.read_file(root, RESOLVED, _RESOLVED_BYTES).decode("ascii").split("\n")
        except (OSError, ValueError, hostfs.Unsafe) as problem:
            raise PackagesFailed("The packages could not be looked up: there is no list.") from problem
        finally:
            os.close(root)
        found = sorted(line.strip() for line in lines if line.strip() and not line.startswith("#"))
        if not found or not all(_PINNED.fullmatch(line) for line in found):
            raise PackagesFailed("The packages could not be looked up: the list is no list of versions.")
        return tuple(found)

    async def _tell_size(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            there = os.statvfs(self._work)
            self._tell(f"packages: {(there.f_blocks - there.f_bfree) * there.f_frsize >> 20} MB so far")

    async def _run(self, program: list[str], *, has_network: bool) -> None:
        limits = self._tools.limits
        ending = await self._ending(program, has_network=has_network)
        if ending.status != 0 or ending.killed_for is not None:
            megabytes = limits.environment_bytes >> 20
            raise failure(ending, self._wanted, seconds=limits.install_seconds, megabytes=megabytes)

    async def _ending(self, program: list[str], *, has_network: bool) -> Ending:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) if has_network else (None, None)
        outlet: Outlet | None = None
        process = self._start(program, theirs)
        try:
            if ours is not None:
                outlet = await self._outlet(ours)
            return await self._watched(process)
        finally:
            await asyncio.to_thread(process.close)
            if outlet is not None:
                await outlet.close()

    async def _outlet(self, channel: socket.socket) -> Outlet | None:
        """Return the way out, once the sandbox has opened its end; None when it ended before: its log says why."""
        try:
            listener = await receive_listener(channel)
        except ValueError:
            return None
        index, limits = self._tools.index, self._tools.limits
        caller = Caller(chat="install", bot="", stage="install", owner="", policy=index.policy)
        # Trusted: the operator has named these hosts, and a mirror may well be in the server's own network.
        return Egress(self._tools.dialer).open(listener, caller, _note, caps=limits.caps, trusted=index.targets)

    async def _watched(self, process: Process) -> Ending:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        written = bytearray()

        def read(fd: int) -> None:
            data = os.read(fd, 65536)
            if not data:
                loop.remove_reader(fd)
            written.extend(data)
            del written[:-_LOG_BYTES]

        def end() -> None:
            loop.remove_reader(process.pidfd)
            ended.set()

        fds = (process.stdout_fd, process.stderr_fd)
        for fd in fds:
            loop.add_reader(fd, read, fd)
        loop.add_reader(process.pidfd, end)
        try:
            killed_for = await self._until_end(process, ended)
            status = await asyncio.to_thread(process.wait)
            await asyncio.sleep(0)  # the last that it wrote
        finally:
            for fd in (*fds, process.pidfd):
                loop.remove_reader(fd)
        for fd in fds:
            written.extend(_rest(fd))
        return Ending(status, written.decode("utf-8", "replace"), killed_for)

    async def _until_end(self, process: Process, ended: asyncio.Event) -> str | None:
        """Wait for the end, or bring it about; return why we did."""
        tree = Tree(process.pid)
        while True:
            try:
                await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
                return None
            except TimeoutError:
                pass
            is_late = time.monotonic() > self._ends_at
            if is_late or tree.usage().rss_bytes > self._tools.limits.memory_bytes:
                process.kill()
                return "time" if is_late else "memory"

    def _start(self, program: list[str], channel: socket.socket | None) -> Process:
        tools = self._tools
        with ExitStack() as cleanup:
            if channel is not None:
                cleanup.callback(channel.close)
            ours, theirs, inode = spawn.pipes(tools.host, cleanup)
            info_read, info_write = spawn._pipe(cleanup)
            seccomp_fd = spawn.memory_file("filter", seccomp.program(), cleanup)
            certificates_fd = spawn.memory_file("pem", self._certificates, cleanup) if self._certificates else None
            fds = install_command.Fds(seccomp_fd, info_write, certificates_fd)
            options = install_command.options(tools.host, tools.index, tools.uv, self._work, fds)
            options_fd = spawn.memory_file("options", b"\0".join(map(os.fsencode, options)) + b"\0", cleanup)
            links = {name: os.readlink(f"/proc/self/ns/{name}") for name in command.NAMESPACES}
            channel_fd = channel.fileno() if channel else None
            inside = install_command.inside(tools.host, program, tools.limits, channel_fd, links)
            passed = [fd for fd in (seccomp_fd, info_write, certificates_fd, options_fd, channel_fd) if fd is not None]
            child = spawn._started(command.argv(tools.host, inside, options_fd=options_fd), theirs, tuple(passed))
            cleanup.pop_all()
        if channel is not None:
            channel.close()
        for fd in {*theirs.values(), *passed} - {channel_fd}:
            os.close(fd)
        return Process(child, ours, info_read, inode)


def _rest(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""


def _note(line: str) -> None:
    if "allowed" not in line:
        log.info("package index", line=line)
