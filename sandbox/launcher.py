"""Starts runs for the supervisor: in a ready child of a zygote, else cold; each with its way out of the sandbox.

A zygote serves the runs with the packages that every bot has; a bot with packages of its own starts cold.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import replace

import structlog

from sandbox import cgroup_place, egress, policy
from sandbox.command import RunSpec
from sandbox.dialer import Dialer
from sandbox.egress import Egress, Outlet
from sandbox.host import Host
from sandbox.internal import Caller
from sandbox.launch import Process, launch
from sandbox.limits import Limits
from sandbox.pool import Pool
from sandbox.pooled import PooledProcess
from sandbox.record import ChatRecord
from sandbox.targets import Target
from sandbox.zygotes import Profile

log = structlog.get_logger()
AnyProcess = Process | PooledProcess
LISTENER_SECONDS = 5.0


def cold(host: Host, spec: RunSpec) -> Process:
    """Start a run without a zygote, with a listener for its way out."""
    return launch(host, spec, has_outlet=True)


class Launcher:
    """One for a supervisor, on its event loop: the thread that starts runs must outlive them."""

    def __init__(self, host: Host, limits: Limits, *, pool_size: int, trusted: frozenset[Target]) -> None:
        """Keep `pool_size` children ready; 0: start every run cold. `trusted` are let through the egress guard."""
        self._host = host
        groups = cgroup_place.find().groups if pool_size else None
        profile = Profile(host.runtime / "site")
        self._pool = Pool(host, profile, limits, size=pool_size, groups=groups, cold=cold) if pool_size else None
        self._groups = groups
        self._ways = Egress(Dialer(trusted))

    def begin(self) -> None:
        """Fill the pool in the background, and remove what a killed supervisor left."""
        if self._pool is not None:
            self._pool.begin()
        if self._groups is not None:
            asyncio.get_running_loop().run_in_executor(None, self._groups.sweep)

    async def close(self) -> None:
        """End the pool."""
        if self._pool is not None:
            await self._pool.close()

    async def start(self, spec: RunSpec) -> AnyProcess:
        """Start a run. Raises: SandboxUnavailable, ValueError, OSError as `launch` does."""
        spec = replace(spec, env={**spec.env, **egress.ENVIRONMENT})
        if self._pool is None or spec.environment is not None:
            return cold(self._host, spec)
        return await self._pool.start(spec)

    async def outlet(self, process: AnyProcess, record: ChatRecord, tell: Callable[[str], None]) -> Outlet | None:
        """Serve the run's way out, by the bot's policy; None where the run ended before it could have one.

        `tell` gets a line per connection for the author.
        """
        caller = Caller(record.chat, record.bot, record.stage, record.owner, policy.parse(record.network))
        try:
            listener = await _listener(process)
        except (ValueError, TimeoutError) as problem:
            log.warning("run without a way out", chat=record.chat, text=str(problem))
            return None
        return self._ways.open(listener, caller, tell)


    @staticmethod
    def without_outlet(process: AnyProcess) -> None:
        """Give a run no way out: whatever it tries is refused at once."""
        if isinstance(process, PooledProcess):
            fd, process.listener_fd = process.listener_fd, -1
            os.close(fd)
        elif process.way is not None:
            process.way.close()
            process.way = None


async def _listener(process: AnyProcess) -> socket.socket:
    if isinstance(process, PooledProcess):
        fd, process.listener_fd = process.listener_fd, -1
        return egress.listener_from(fd)
    channel, process.way = process.way, None
    if channel is None:
        raise ValueError("no channel")
    async with asyncio.timeout(LISTENER_SECONDS):
        return await egress.receive_listener(channel)
