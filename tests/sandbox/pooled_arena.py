"""The arena process with a pool: `launch` there takes a child of a zygote, so that every test can be run both ways."""

import asyncio
import sys
from dataclasses import replace

from sandbox import cgroup_place
from sandbox.command import RunSpec
from sandbox.host import Host
from sandbox.limits import Limits
from sandbox.pool import Pool
from sandbox.pooled import PooledProcess
from sandbox.zygotes import Profile
from tests.sandbox import arena, scenes


class Nursery:
    """A pool whose event loop runs only while something is asked of it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._pool: Pool | None = None

    def launch(self, host: Host, spec: RunSpec) -> PooledProcess:
        """Start a run in the pool. Its group has memory to spare, since some tests go to the limit of address space."""
        spec = replace(spec, limits=replace(spec.limits, memory_bytes=8 << 30))
        process = self._loop.run_until_complete(self._start(host, spec))
        assert isinstance(process, PooledProcess)
        return process

    async def _start(self, host: Host, spec: RunSpec) -> object:
        if self._pool is None:
            groups = cgroup_place.find().groups
            self._pool = Pool(host, Profile(host.runtime / "site"), Limits(), size=1, groups=groups)
            assert await self._pool.open()
        process = await self._pool.start(spec)
        while self._pool.ready < 1:  # nothing of the pool is under way while the loop stands still
            await asyncio.sleep(0.01)
        return process

    def close(self) -> None:
        """End the pool."""
        if self._pool is not None:
            self._loop.run_until_complete(self._pool.close())
        self._loop.close()


def main() -> None:
    """Be the arena process."""
    nursery = Nursery()
    for module in (arena, scenes):
        vars(module)["launch"] = nursery.launch
    arena.main()
    nursery.close()


def argv() -> list[str]:
    """Return how the process is started (Arena adds words that do not matter)."""
    return [sys.executable, "-c", "from tests.sandbox.pooled_arena import main; main()"]
