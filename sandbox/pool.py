"""Children of a zygote kept ready, so that a run starts in the time of a message, and what happens when none is.

Everything runs on the event loop's own thread, which outlives all runs: the kernel's parent-death signal follows the
thread that started a zygote. Only control groups are made and removed in other threads.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from . import cgroup
from .cgroup import Group, Groups
from .command import RunSpec
from .host import Host
from .launch import Process, launch
from .limits import Limits
from .pooled import Child, ChildLost, PooledProcess
from .zygotes import Profile, Zygote

log = structlog.get_logger()
RECYCLE_SECONDS, RECYCLE_FORKS = 3600.0, 1000
"""Children of one zygote have their address layout and hash seed in common: not for ever."""
REFILL_PAUSE_SECONDS = 0.03
"""The run that has just left the pool goes first."""
_FIRST_BACK_OFF_SECONDS, _LONGEST_BACK_OFF_SECONDS = 0.1, 30.0
_SOUND_SECONDS = 60.0
"""A zygote that lived so long was not a failure."""

ColdStart = Callable[[Host, RunSpec], Process]


class Pool:
    """Ready children for the runs of one profile. `open` or `begin`, then `start` as often as wanted, then `close`."""

    def __init__(
        self,
        host: Host,
        profile: Profile,
        limits: Limits,
        *,
        size: int = 4,
        groups: Groups | None = None,
        cold: ColdStart = launch,
    ) -> None:
        """Take `limits` as those most runs will have; `cold` starts a run where there is no zygote."""
        self._host, self._profile, self._size, self._cold = host, profile, size, cold
        self._groups, self._bounds = groups, cgroup.bounds(limits)
        self._loop = asyncio.get_running_loop()
        self._idle: deque[Child] = deque()
        self._zygote: Zygote | None = None
        self._retired: list[Zygote] = []
        self._wanted, self._filled = asyncio.Event(), asyncio.Event()
        self._failures = 0
        self._keeper: asyncio.Task[None] | None = None
        self._removals: set[asyncio.Future[None]] = set()

    @property
    def ready(self) -> int:
        """How many children wait for a script."""
        return len(self._idle)

    @property
    def is_warm(self) -> bool:
        """Whether there is a zygote; else runs start cold."""
        return self._zygote is not None

    def begin(self) -> None:
        """Start the zygote and fill the pool, in the background; until then runs start cold."""
        if self._keeper is None:
            self._wanted.set()
            self._keeper = self._loop.create_task(self._keep(), name="zygote-pool")

    async def open(self, seconds: float = 60.0) -> bool:
        """Begin, and wait until the pool is full; False when it is not after so many seconds."""
        self.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        return self._filled.is_set()

    async def start(self, spec: RunSpec) -> PooledProcess | Process:
        """Start a run: in a ready child, else in a new one, else without a zygote.

        Raises: SandboxUnavailable, ValueError, OSError as launch.launch does.
        """
        while (child := self._take() or await self._on_demand()) is not None:
            try:
                await self._bound(child, spec.limits)
                return child.assign(self._host, spec)
            except ChildLost as problem:
                log.warning("child lost", text=str(problem))
                child.close()
            except BaseException:
                self._idle.append(child)  # it was told nothing yet
                raise
        return self._cold(self._host, spec)

    async def close(self) -> None:
        """End the ready children and the zygotes, and with these every run that is left."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._drop_idle()
        zygotes = [*self._retired, *([self._zygote] if self._zygote else [])]
        self._zygote = None
        for zygote in zygotes:
            zygote.close()
        await asyncio.gather(*self._removals, return_exceptions=True)
        if self._groups is not None:
            await asyncio.to_thread(self._groups.close)

    # Taking.

    def _take(self) -> Child | None:
        self._wanted.set()
        while self._idle:
            child = self._idle.popleft()
            if child.is_alive:
                return child
            child.close()
        return None

    async def _on_demand(self) -> Child | None:
        if self._zygote is None:
            return None
        try:
            return await self._new_child(self._zygote)
        except (ChildLost, TimeoutError, OSError) as problem:
            log.warning("no child to be had", text=str(problem))
            return None

    async def _bound(self, child: Child, limits: Limits) -> None:
        wanted = cgroup.bounds(limits)
        if child.group is not None and wanted != self._bounds:
            await asyncio.to_thread(child.group.apply, wanted)

    # Keeping it full.

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_to_recycling()):  # wait_for can swallow a cancellation (3.11)
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._renew()
                await self._fill()
            except (ChildLost, TimeoutError, OSError) as problem:
                log.error("no zygote", text=str(problem))
                self._note_failure()

    def _seconds_to_recycling(self) -> float:
        age = time.monotonic() - self._zygote.started if self._zygote else 0.0
        return max(0.0, RECYCLE_SECONDS - age)

    async def _renew(self) -> None:
        """See that there is a zygote, and not an old one."""
        old = self._zygote
        if old is not None and self._seconds_to_recycling() > 0 and old.forks < RECYCLE_FORKS:
            return
        if self._failures:
            await asyncio.sleep(min(_FIRST_BACK_OFF_SECONDS * 2**self._failures, _LONGEST_BACK_OFF_SECONDS))
        self._zygote = await self._new_zygote()
        self._drop_idle()
        if old is not None and not old.is_dead:
            self._retired.append(old)
            self._close_retired()

    async def _new_zygote(self) -> Zygote:
        """Start one; where an import ahead breaks it, one that imports nothing."""
        profiles = (
            [self._profile, replace(self._profile, preimports=())] if self._profile.preimports else [self._profile]
        )
        for profile in profiles:
            zygote = Zygote(self._host, profile, self._on_zygote_death)
            try:
                await zygote.ready()
                return zygote
            except BaseException as problem:
                log.error("zygote did not come up", preimports=profile.preimports, text=str(problem))
                zygote.close()
                if profile is profiles[-1] or not isinstance(problem, (ChildLost, TimeoutError)):
                    raise
        raise AssertionError("unreachable")

    async def _fill(self) -> None:
        while self._zygote is not None and len(self._idle) < self._size:
            await asyncio.sleep(REFILL_PAUSE_SECONDS)
            zygote = self._zygote
            child = await self._new_child(zygote)
            if zygote is self._zygote and len(self._idle) < self._size:
                self._idle.append(child)
            else:
                child.close()
        self._filled.set()

    async def _new_child(self, zygote: Zygote) -> Child:
        group = None if self._groups is None else await asyncio.to_thread(self._groups.create, self._bounds)
        return await zygote.child(group, lambda: self._on_child_close(group))

    def _note_failure(self) -> None:
        """The next zygote, or the next try to get a child, comes later and later."""
        self._failures = min(self._failures + 1, 20)
        self._filled.clear()
        self._wanted.set()

    # Letting go.

    def _on_child_close(self, group: Group | None) -> None:
        if group is not None and not self._loop.is_closed():
            removal = self._loop.run_in_executor(None, _remove, group)
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)
        self._close_retired()

    def _on_zygote_death(self, zygote: Zygote) -> None:
        if zygote in self._retired:
            self._retired.remove(zygote)
        if zygote is not self._zygote:
            return
        log.error("zygote died", children=zygote.children, forks=zygote.forks, text=zygote.complaint)
        self._zygote = None
        if time.monotonic() - zygote.started > _SOUND_SECONDS:
            self._failures = 0
        self._drop_idle()
        self._note_failure()

    def _close_retired(self) -> None:
        for zygote in [retired for retired in self._retired if retired.children == 0]:
            zygote.close()

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _remove(group: Group) -> None:
    try:
        group.remove()
    except OSError as problem:
        log.warning("control group stays", text=str(problem))
