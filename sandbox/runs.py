"""What a chat needs to have a run: a place, folders, a process; and what is kept of it afterwards.

Shared by all chats of one supervisor. Every launch happens on the event loop's own thread, the one thread that lives as
long as the process: the kernel's parent-death signal follows the thread that started a child.
"""

import asyncio
import mimetypes
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import structlog

from sandbox import folders as folder_store
from sandbox.capacity import Capacity, Keys, Slots
from sandbox.egress import Outlet
from sandbox.folders import FolderStore, Latest, Mounted, OpenFolders
from sandbox.host import Host
from sandbox.install_failures import PackagesFailed
from sandbox.launch import RunSpec
from sandbox.launcher import Launcher
from sandbox.limits import Limits
from sandbox.manifest import welcome_of
from sandbox.packages import Packages
from sandbox.record import Blobs, ChatRecord, FolderKey, Recorder
from sandbox.refused import Refused
from sandbox.requirements import FILE as REQUIREMENTS
from sandbox.run import Listener, Run
from sandbox.targets import Target
from sandbox.turns import Turns
from sandbox.volumes import Volumes

log = structlog.get_logger()
FILES_PER_TURN = 50
EVICTION_SECONDS = 3.0
SETTINGS_FILES = ("hal9.yaml", "coworker.yaml")


@dataclass(frozen=True, slots=True)
class Setup:
    """What the composition root hands to the supervisor."""

    host: Host
    limits: Limits
    capacity: Capacity
    recorder: Recorder
    blobs: Blobs
    volumes: Volumes
    spool: Path
    """A folder of ours for the logs of open turns."""
    packages: Packages | None = None
    """What installs the packages that bots ask for; None: nothing does, and requirements.txt is not looked at."""
    new_chats_per_minute: int = 30
    """For one address."""
    free_disk_bytes: int = 512 << 20
    """With less free disk no new chat begins."""
    pool_size: int = 4
    """Sandboxes that are ready before they are needed; 0: none."""
    trusted: frozenset[Target] = frozenset()
    """What the egress guard lets through whatever its address."""


@dataclass(slots=True)
class Started:
    """A run and all that belongs to it until it is finished."""

    record: ChatRecord
    run: Run
    folders: OpenFolders
    outlet: Outlet | None = None
    """Its way to the network; also `http://hal9.internal/`."""
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)


    def begin_turn(self) -> None:
        """Start the turn's own limits."""
        self.run.begin_turn()
        if self.outlet is not None:
            self.outlet.begin_turn()

    async def close_outlet(self) -> None:
        """End all connections. Until then the network of the run stays alive."""
        if self.outlet is not None:
            await self.outlet.close()


class Runs:
    """Starts, publishes, snapshots and finishes runs."""

    def __init__(self, setup: Setup, folders: FolderStore, launcher: Launcher) -> None:
        self.recorder, self.limits, self.spool = setup.recorder, setup.limits, setup.spool
        self.slots = Slots(setup.capacity)
        self.evict: Callable[[str, str], None] = lambda chat, reason: None
        self._folders, self._launcher, self._packages = folders, launcher, setup.packages
        self._welcomes: dict[str, str | None] = {}

    async def admit(self, chat: str, keys: Keys) -> None:
        """Take a place for a run of `chat`, ending the longest-waiting one where it is full. Raises Refused."""
        if self._folders.used_bytes() > self.limits.volumes_bytes:
            await self._folders.drop_idle(0.0)
            if self._folders.used_bytes() > self.limits.volumes_bytes:
                raise Refused("busy", 30)
        deadline = time.monotonic() + EVICTION_SECONDS
        while (group := self.slots.full_group(chat, keys)) is not None:
            victim = self.slots.longest_waiting(group)
            if victim is None or time.monotonic() > deadline:
                raise Refused("busy", 30)
            self.evict(victim, "idle")
            self.slots.set_waiting(victim, None)
            await self._wait_for_room(chat, keys, deadline)
        self.slots.take(chat, keys)

    async def _wait_for_room(self, chat: str, keys: Keys, deadline: float) -> None:
        while self.slots.full_group(chat, keys) is not None and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    async def welcome(self, record: ChatRecord) -> str | None:
        """Return what a version shows instead of its opening, or None."""
        if record.manifest not in self._welcomes:
            if len(self._welcomes) > 1_000:
                self._welcomes.clear()
            self._welcomes[record.manifest] = await asyncio.to_thread(self._read_welcome, record.manifest)
        return self._welcomes[record.manifest]

    def _read_welcome(self, manifest: str) -> str | None:
        for name in SETTINGS_FILES:
            data = self._folders.read_version_file(manifest, name)
            if data is not None:
                return welcome_of(data)
        return None

    async def start(self, record: ChatRecord, listener: Listener, environment: Path | None) -> Started:
        """Mount the folders and start the script, with the packages in `environment`. Raises what `launch` raises."""
        folders = await self._open_folders(record)
        try:
            main = await asyncio.to_thread(self._folders.version_main, record.manifest)
            spec = RunSpec(main, folders.paths(), self.limits, {}, environment=environment)
            process = await self._launcher.start(spec)
        except BaseException:
            await self._close_folders(folders)
            raise
        started = Started(record, Run(process, self.limits, listener), folders)
        started.outlet = await self._launcher.outlet(
            process, record, lambda line: listener.on_console(f"network: {line}\n")
        )
        started.shown = folder_store.visible_files(folders.storage.entries)
        log.info("run started", chat=record.chat, pid=process.pid)
        return started

    async def prepare(self, record: ChatRecord, listener: Listener, keys: Keys) -> Path | None:
        """Take a place, and install the packages that the script asks for where they are not yet; return their folder.

        May be cancelled: the installation goes on for the next one who asks. Raises: PackagesFailed.
        """
        self.slots.take(record.chat, keys)
        try:
            return await self.environment(record.manifest, lambda line: listener.on_console(f"{line}\n"))
        except PackagesFailed as problem:
            if problem.log:
                listener.on_console(f"{problem.log}\n")
            raise

    async def environment(self, manifest: str, tell: Callable[[str], None]) -> Path | None:
        """Return the folder of packages that a version asks for, None: it asks for nothing that is not there anyway.

        `tell` gets lines of progress while they are installed. Raises: PackagesFailed.
        """
        if self._packages is None:
            return None
        data = await asyncio.to_thread(self._folders.read_version_file, manifest, REQUIREMENTS)
        return await self._packages.environment(data, tell)

    async def publish_files(self, started: Started, turns: Turns) -> None:
        """Send `file` frames for what the turn wrote to `.storage`."""
        storage = started.folders.storage
        manifest = await self._folders.snapshot(storage)
        turns.folders["storage"] = manifest
        visible = folder_store.visible_files(storage.entries)
        changed = [path for path, content in visible.items() if started.shown.get(path) != content]
        started.shown = visible
        if changed and manifest is not None:
            await self._publish(started.record.chat, turns, manifest, _entry_points(changed, visible), visible)

    async def _publish(
        self, chat: str, turns: Turns, manifest: str, paths: list[str], visible: dict[str, tuple[str, int]]
    ) -> None:
        key = secrets.token_urlsafe(16)
        await asyncio.wrap_future(self.recorder.publish(key, chat, turns.number, manifest))
        for path in paths[:FILES_PER_TURN]:
            turns.emit_file(path, _url(key, path), _type(path), visible[path][1])

    async def snapshot(self, started: Started, turns: Turns) -> None:
        """Keep the folders as they are now; `.user` and `.shared` at most every two seconds."""
        for name, folder in started.folders.named().items():
            shared = name in ("user", "shared")
            if not shared or time.monotonic() - folder.snapshot_at > folder_store.SNAPSHOT_SECONDS:
                await self._folders.snapshot(folder)
            turns.folders[name] = folder.manifest
        self._keep(started.record, started.folders)

    async def finish(self, started: Started, turns: Turns) -> None:
        """Snapshot and give back the folders of a run that has ended."""
        await started.close_outlet()
        await self._close_folders(started.folders)
        for name, folder in started.folders.named().items():
            turns.folders[name] = folder.manifest
        self._keep(started.record, started.folders)
        run = started.run
        log.info("run exited", chat=started.record.chat, status=run.exit_status, killed_for=run.killed_for)

    async def abandon(self, started: Started) -> None:
        """End a run after a failure of ours, whatever state it is in."""
        started.run.kill("lost")
        await started.close_outlet()
        await self._close_folders(started.folders)

    def _keep(self, record: ChatRecord, folders: OpenFolders) -> None:
        base, work, storage = folders.work.version, folders.work.manifest, folders.storage.manifest
        if (base, work, storage) != (record.work_base, record.work_hash, record.storage_hash):
            record.work_base, record.work_hash, record.storage_hash = base, work, storage
            changes = {"work_base": base, "work_hash": work, "storage_hash": storage}
            self.recorder.update(record.chat, changes)
        for folder, key in ((folders.user, user_key(record)), (folders.shared, shared_key(record))):
            if folder.manifest is not None and folder.manifest != folder.kept:
                folder.kept = folder.manifest
                self.recorder.keep_folder(key, folder.manifest)

    async def _open_folders(self, record: ChatRecord) -> OpenFolders:
        scratch = await asyncio.to_thread(self._folders.new_scratch)
        work = await self._open_work(record)
        storage = await self._folders.open(f"storage-{record.chat}", _kept(record.storage_hash))
        user = await self._open_shared(user_key(record))
        shared = await self._open_shared(shared_key(record))
        return OpenFolders(work, storage, user, shared, scratch)

    async def _open_work(self, record: ChatRecord) -> Mounted:
        work = await self._folders.open(f"work-{record.chat}", _kept(record.work_hash), folder_store.MOUNT_POINTS)
        if work.version != record.manifest:
            base = work.version or record.work_base
            old = await asyncio.to_thread(self._folders.version_files, base) if base else {}
            new = await asyncio.to_thread(self._folders.version_files, record.manifest)
            await self._folders.set_version(work, old, new)
            work.version = record.manifest
        return work

    async def _open_shared(self, key: FolderKey) -> Mounted:
        async def latest() -> str | None:
            return await asyncio.wrap_future(self.recorder.folder(key))

        return await self._folders.open(f"{key.scope}-{key.bot}-{key.stage}-{key.owner}", latest)

    async def _close_folders(self, folders: OpenFolders) -> None:
        for folder in folders.named().values():
            await self._folders.close(folder)
        await asyncio.to_thread(self._folders.drop_scratch, folders.scratch)


def _kept(manifest: str | None) -> Latest:
    async def latest() -> str | None:
        return manifest

    return latest


def user_key(record: ChatRecord) -> FolderKey:
    """Return the key of the visitor's (or author's) folder with this bot."""
    return FolderKey(record.bot, record.stage, "user", record.owner)


def shared_key(record: ChatRecord) -> FolderKey:
    """Return the key of the folder of everyone with this bot."""
    return FolderKey(record.bot, record.stage, "shared", "")


def _entry_points(changed: list[str], visible: dict[str, tuple[str, int]]) -> list[str]:
    """Return what is announced: a folder with an index.html is one site, shown by that page alone."""
    sites = {path.rpartition("/")[0] for path in visible if path.rpartition("/")[2] == "index.html"}
    found = {f"{site}/index.html".lstrip("/") for site in sites if any(_inside(path, site) for path in changed)}
    return sorted(found | {path for path in changed if not any(_inside(path, site) for site in sites)})


def _inside(path: str, folder: str) -> bool:
    return folder == "" or path.startswith(folder + "/")


def _url(key: str, path: str) -> str:
    return f"/f/{key}/{quote(path.encode('utf-8', 'surrogateescape'))}"


def _type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
