"""The packages that a bot's requirements.txt asks for: found where they are installed already, else installed once.

All that want the same list wait for the same installation and see its progress. It goes on though nobody waits any
more, within its time: whoever asks next finds it done.
"""

import asyncio
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from sandbox import package_index, requirements, runtime
from sandbox.dialer import Dialer
from sandbox.environments import KEPT_SECONDS, Environments, NoRoom, name_of
from sandbox.host import Host
from sandbox.install_command import InstallLimits
from sandbox.install_failures import PackagesFailed
from sandbox.installer import Installation, Tell, Tools
from sandbox.limits import GIB, MIB
from sandbox.package_index import BadIndex, PackageIndex
from sandbox.requirements import BadRequirements, Wanted
from sandbox.site_copy import TooMuch
from sandbox.volumes import Volumes

log = structlog.get_logger()

AT_ONCE = 2
"""Installations; each may take as much memory as an environment may have."""
COLLECT_SECONDS = 86_400.0
_LOCK_SECONDS = 0.25
_DISTRIBUTION = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)\.dist-info")


@dataclass(frozen=True, slots=True)
class PackageSettings:
    """What the operator decides."""

    are_on: bool = True
    index_url: str | None = None
    """None: as pip is configured on this machine, else PyPI."""
    file_hosts: tuple[str, ...] = ()
    most_bytes: int = 8 * GIB
    """All environments together."""
    kept_seconds: float = KEPT_SECONDS
    free_disk_bytes: int = 512 * MIB
    """With less free disk nothing is installed."""
    limits: InstallLimits = field(default_factory=InstallLimits)


class _Job:
    """One installation that goes on, and those who wait for it."""

    def __init__(self, start: Callable[[Tell], "asyncio.Task[Path]"]) -> None:
        self._listeners: list[Tell] = []
        self._lines: list[str] = []
        self.task = start(self._tell)

    async def wait(self, tell: Tell) -> Path:
        """Return the site."""
        for line in self._lines:
            tell(line)
        self._listeners.append(tell)
        try:
            return await asyncio.shield(self.task)
        finally:
            self._listeners.remove(tell)

    def _tell(self, line: str) -> None:
        self._lines = [*self._lines, line][-20:]
        for tell in self._listeners:
            tell(line)


class Packages:
    """The environments of one server. Use it from the event loop of the one long-lived thread."""

    def __init__(
        self, host: Host, volumes: Volumes, settings: PackageSettings, *, dialer: Dialer | None = None
    ) -> None:
        self._host, self._volumes, self._settings = host, volumes, settings
        self._dialer = dialer or Dialer()
        most_bytes, kept_seconds = settings.most_bytes, settings.kept_seconds
        self._environments = Environments(host.state, most_bytes=most_bytes, kept_seconds=kept_seconds)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._jobs: dict[str, _Job] = {}
        self._index: PackageIndex | None = None
        self._finding = asyncio.Lock()
        self._given: dict[str, str] | None = None
        self._collect_at = 0.0

    async def environment(self, data: bytes | None, tell: Tell) -> Path | None:
        """Return the site that a requirements.txt asks for; None: nothing beyond what every bot has.

        `data` None: there is no such file. `tell` gets lines of progress while it is installed. Raises: PackagesFailed.
        """
        wanted = self._wanted(data) if data else ()
        if not wanted:
            return None
        if not self._settings.are_on:
            tell(f"packages: this server installs none, so {requirements.FILE} is not used")
            return None
        index = await self._find_index()
        asked = hashlib.sha256(f"{_circumstances(index)}\n{requirements.text(wanted)}".encode()).hexdigest()[:32]
        found = await asyncio.to_thread(self._environments.answer, asked)
        if found is not None:
            return found
        job = self._jobs.get(asked)
        if job is None or job.task.done():
            job = self._jobs[asked] = _Job(lambda tell: self._begin(asked, index, wanted, tell))
        return await job.wait(tell)

    async def close(self) -> None:
        """End what is being installed."""
        tasks = [job.task for job in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def collect(self) -> None:
        """Remove what was unused for long, once a day; call it as often as wanted."""
        if time.monotonic() < self._collect_at:
            return
        self._collect_at = time.monotonic() + COLLECT_SECONDS
        removed = await asyncio.to_thread(self._environments.collect)
        if removed:
            log.info("environments removed", count=removed)

    def _wanted(self, data: bytes) -> tuple[Wanted, ...]:
        """Return what the runtime's own packages do not give already."""
        if self._given is None:
            self._given = distributions(self._host.runtime / "site")
        try:
            return requirements.missing(requirements.parse(data), self._given)
        except BadRequirements as problem:
            raise PackagesFailed(str(problem), line=problem.line) from problem

    async def _find_index(self) -> PackageIndex:
        async with self._finding:
            if self._index is None:
                settings = self._settings
                found = await asyncio.to_thread(package_index.find, settings.index_url, settings.file_hosts)
                try:
                    _ = found.targets
                except BadIndex as problem:
                    raise PackagesFailed(f"{problem} Tell the operator of this server.") from problem
                self._index = found
        return self._index

    def _begin(self, asked: str, index: PackageIndex, wanted: tuple[Wanted, ...], tell: Tell) -> "asyncio.Task[Path]":
        task = asyncio.create_task(self._build(asked, index, wanted, tell), name=f"packages-{asked}")
        task.add_done_callback(lambda done: self._jobs.pop(asked, None))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be that nobody waits
        return task

    async def _build(self, asked: str, index: PackageIndex, wanted: tuple[Wanted, ...], tell: Tell) -> Path:
        begun = time.monotonic()
        lock = await self._lock(asked, tell)
        try:
            found = await asyncio.to_thread(self._environments.answer, asked)
            if found is None:
                async with self._places:
                    found = await self._install(asked, index, wanted, tell)
        finally:
            os.close(lock)
        tell(f"packages: ready in {time.monotonic() - begun:.1f} s")
        log.info("environment ready", site=str(found), seconds=round(time.monotonic() - begun, 1))
        return found

    async def _lock(self, asked: str, tell: Tell) -> int:
        is_first = True
        while (lock := self._environments.try_lock(asked)) is None:
            if is_first:
                tell("packages: another installation goes first")
                is_first = False
            await asyncio.sleep(_LOCK_SECONDS)
        return lock

    async def _install(self, asked: str, index: PackageIndex, wanted: tuple[Wanted, ...], tell: Tell) -> Path:
        limits = self._settings.limits
        if shutil.disk_usage(self._host.state).free < self._settings.free_disk_bytes:
            raise PackagesFailed("The server is short of disk space, so no packages are installed. Tell its operator.")
        tools = Tools(self._host, self._volumes, index, self._uv(), limits, self._dialer)
        tell(f"packages: looking up {_listed([one.text for one in wanted])}")
        async with Installation(tools, wanted, tell) as installation:
            resolved = await installation.resolve()
            name = name_of(resolved, _circumstances(index))
            found = await asyncio.to_thread(self._environments.site, name)
            if found is None:
                tell(f"packages: fetching {_listed([line.replace('==', ' ') for line in resolved])}")
                await installation.unpack(resolved)
                found = await asyncio.to_thread(self._add, name, resolved, installation.site)
        await asyncio.to_thread(self._environments.remember, asked, name)
        return found

    def _add(self, name: str, resolved: tuple[str, ...], unpacked: Path) -> Path:
        limits = self._settings.limits
        try:
            return self._environments.add(name, resolved, unpacked, limits.environment_bytes)
        except TooMuch as problem:
            megabytes = limits.environment_bytes >> 20
            sentence = f"The packages are more than the {megabytes} MB that an environment may have. Ask for fewer."
            raise PackagesFailed(sentence) from problem
        except NoRoom as problem:
            sentence = "The server has no room for more packages. Try again tomorrow, or tell its operator."
            raise PackagesFailed(sentence) from problem
        except OSError as problem:
            log.exception("environment not kept", name=name)
            raise PackagesFailed("The packages could not be kept: the server's disk refused.") from problem

    def _uv(self) -> Path:
        uv = runtime.uv_program(self._host.state)
        if not uv.is_file():
            raise PackagesFailed("This server has nothing to install packages with. Its operator runs: make setup")
        return uv


def distributions(site: Path) -> dict[str, str]:
    """Return the distributions in a site folder, normal name → version."""
    found = (_DISTRIBUTION.fullmatch(path.name) for path in site.iterdir())
    return {match["name"].lower().replace("_", "-").replace(".", "-"): match["version"] for match in found if match}


def _circumstances(index: PackageIndex) -> str:
    """Return what else decides the files of an environment: wheels are for one interpreter and one machine."""
    return f"{os.path.basename(os.path.realpath(runtime.PYTHON))} {platform.machine()} {index.name}"


def _listed(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
