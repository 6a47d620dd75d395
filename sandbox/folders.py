"""The folders of chats: mounted while a run needs them, kept as snapshots in between.

`work` and `.storage` belong to a chat, `.user` and `.shared` to a bot and stage; the latter two are live, so runs that
have one in common bind the same mount. A folder stays mounted for LINGER_SECONDS after its last run, since the next
message of a stateless bot usually comes soon. Methods that touch files run in worker threads, one at a time per folder.
"""

import asyncio
import json
import os
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import hostfs
from sandbox.host import Host
from sandbox.launch import Folders
from sandbox.limits import Limits
from sandbox.record import Blobs
from sandbox.volumes import Volumes

LINGER_SECONDS = 30.0
SNAPSHOT_SECONDS = 2.0
GLANCE_FILES = 32
MOUNT_POINTS = frozenset({".storage", ".user", ".shared"})


Latest = Callable[[], Awaitable[str | None]]
"""Finds the manifest of a folder's latest snapshot; None: nothing was ever kept."""


async def nothing() -> None:
    """The `Latest` of a new folder."""


def canonical(value: object) -> bytes:
    """Return the one JSON text of a manifest; its sha256 names it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class _ChangedError(Exception):
    """A file has contents that were not seen before."""


def _refuse(data: bytes) -> str:
    raise _ChangedError


@dataclass(slots=True)
class Mounted:
    """A folder on a tmpfs of its own. `manifest` is its latest snapshot, None: nothing was ever kept."""

    name: str
    path: Path
    root_fd: int
    manifest: str | None
    skip: frozenset[str]
    version: str | None = None
    """Of a work folder: the version whose files it holds; None when only its snapshot knows."""
    kept: str | None = None
    """Of `.user` and `.shared`: the snapshot that is on record as the latest."""
    users: int = 0
    entries: dict[str, hostfs.Entry] = field(default_factory=dict)
    known: hostfs.ScanCache = field(default_factory=hostfs.ScanCache)
    snapshot_at: float = 0.0
    idle_since: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class FolderStore:
    """All mounted folders of this supervisor."""

    def __init__(self, host: Host, volumes: Volumes, blobs: Blobs, limits: Limits) -> None:
        self._host, self._volumes, self._blobs, self._limits = host, volumes, blobs, limits
        self._mounted: dict[str, Mounted] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._scratch = 0

    async def open(self, name: str, latest: Latest, skip: frozenset[str] = frozenset()) -> Mounted:
        """Mount folder `name`, restored from its `latest` snapshot, or join the users it has. Pair with `close`.

        `latest` is asked only when the folder is not mounted: its contents are newer than any record.
        """
        lock = self._opening.setdefault(name, asyncio.Lock())
        async with lock:
            folder = self._mounted.get(name)
            if folder is None:
                folder = await asyncio.to_thread(self._mount, name, await latest(), skip)
                self._mounted[name] = folder
            folder.users += 1
            return folder

    async def snapshot(self, folder: Mounted) -> str | None:
        """Return the manifest of the folder as it is; None for a folder that is empty and always was."""
        async with folder.lock:
            if not self._is_unchanged(folder):
                await asyncio.to_thread(self._snapshot, folder)
            return folder.manifest

    async def close(self, folder: Mounted) -> str | None:
        """Give up one use; return the snapshot taken at the last one, else the latest."""
        folder.users -= 1
        if folder.users == 0:
            async with folder.lock:
                await asyncio.to_thread(self._snapshot, folder, full=True)
            folder.idle_since = time.monotonic()
        return folder.manifest

    async def discard(self, folder: Mounted) -> None:
        """Unmount a folder that only one use ever had, keeping nothing."""
        self._mounted.pop(folder.name, None)
        self._opening.pop(folder.name, None)
        await asyncio.to_thread(self._unmount, folder)

    async def drop_idle(self, linger_seconds: float = LINGER_SECONDS) -> None:
        """Unmount what no run has used for a while; its snapshot is stored."""
        now = time.monotonic()
        for name, folder in list(self._mounted.items()):
            async with self._opening.setdefault(name, asyncio.Lock()):
                if folder.users == 0 and now - folder.idle_since >= linger_seconds:
                    del self._mounted[name]
                    await asyncio.to_thread(self._unmount, folder)
            if name not in self._mounted:
                self._opening.pop(name, None)

    async def set_version(self, work: Mounted, old: dict[str, str], new: dict[str, str]) -> None:
        """Bring a work folder from the files of version `old` to those of `new` (path -> sha256).

        A path that the author changed gets the author's file; one the author removed goes unless the chat changed it;
        all else in the folder is the chat's and stays.
        """
        async with work.lock:
            await asyncio.to_thread(self._set_version, work, old, new)

    def used_bytes(self) -> int:
        """Return what all mounted folders hold together."""
        total = 0
        for folder in self._mounted.values():
            found = os.statvfs(folder.path)
            total += (found.f_blocks - found.f_bfree) * found.f_frsize
        return total

    def new_scratch(self) -> Path:
        """Mount an empty folder for one run's temporary files; `drop_scratch` ends it."""
        self._scratch += 1
        limits = self._limits
        name = f"scratch-{self._scratch}-{secrets.token_hex(4)}"
        path = self._volumes.create(name, size_bytes=limits.scratch_bytes, files=limits.scratch_files)
        return path

    def drop_scratch(self, path: Path) -> None:
        """Unmount a scratch folder."""
        self._volumes.drop(path)

    def version_files(self, manifest: str) -> dict[str, str]:
        """Return the files (path -> sha256) of a version."""
        return dict(json.loads(self._blobs.get(manifest))["files"])

    def version_main(self, manifest: str) -> str:
        """Return the main file of a version."""
        return str(json.loads(self._blobs.get(manifest))["main"])

    def read_version_file(self, manifest: str, path: str) -> bytes | None:
        """Return the contents of one file of a version, or None where there is none."""
        sha = self.version_files(manifest).get(path)
        return self._blobs.get(sha) if sha else None

    def close_all(self) -> None:
        """Unmount everything; snapshots are the caller's business."""
        for folder in self._mounted.values():
            self._unmount(folder)
        self._mounted.clear()

    def _mount(self, name: str, manifest: str | None, skip: frozenset[str]) -> Mounted:
        limits = self._limits
        safe = name.replace("/", "-")
        path = self._volumes.create(
            f"{safe}-{secrets.token_hex(4)}", size_bytes=limits.folder_bytes, files=limits.folder_files
        )
        folder = Mounted(name, path, hostfs.open_root(path), manifest, skip, kept=manifest)
        try:
            if manifest is not None:
                folder.entries = read_entries(self._blobs.get(manifest))
                hostfs.restore(folder.root_fd, folder.entries, self._blobs.get, self._host.run_uid, self._host.run_gid)
        except BaseException:
            self._unmount(folder)
            raise
        return folder

    def _unmount(self, folder: Mounted) -> None:
        os.close(folder.root_fd)
        self._volumes.drop(folder.path)

    def _is_unchanged(self, folder: Mounted) -> bool:
        """Say quickly whether a small folder is as it was; a thread would cost more than looking."""
        if len(folder.entries) > GLANCE_FILES:
            return False
        try:
            entries = hostfs.scan(folder.root_fd, skip=folder.skip, known=folder.known, put=_refuse)
        except _ChangedError:
            return False
        folder.snapshot_at = time.monotonic()
        return entries == folder.entries

    def _snapshot(self, folder: Mounted, *, full: bool = False) -> None:
        """Put the folder as it is into blobs. `full` trusts no time stamp: writes to a mapped file leave none."""
        put = self._blobs.put
        entries = hostfs.scan(folder.root_fd, skip=folder.skip, known=folder.known, put=put, full=full)
        folder.snapshot_at = time.monotonic()
        if entries != folder.entries or (folder.manifest is None and entries):
            folder.entries = entries
            folder.manifest = put(canonical({"entries": entries}))

    def _set_version(self, work: Mounted, old: dict[str, str], new: dict[str, str]) -> None:
        self._snapshot(work)
        host = self._host
        for path, sha in old.items():
            entry = work.entries.get(path)
            if path not in new and entry is not None and entry[:2] == ("file", sha):
                hostfs.remove(work.root_fd, path)
        for path, sha in new.items():
            if old.get(path) != sha:
                data = self._blobs.get(sha)
                hostfs.write_file(work.root_fd, path, data, 0o644, host.run_uid, host.run_gid)


def read_entries(manifest: bytes) -> dict[str, hostfs.Entry]:
    """Return the entries of a folder snapshot."""
    return {path: tuple(entry) for path, entry in json.loads(manifest)["entries"].items()}


@dataclass(slots=True)
class OpenFolders:
    """The five folders of one run."""

    work: Mounted
    storage: Mounted
    user: Mounted
    shared: Mounted
    scratch: Path

    def paths(self) -> Folders:
        """Return where they are, for the launch."""
        return Folders(self.work.path, self.storage.path, self.user.path, self.shared.path, self.scratch)

    def named(self) -> dict[str, Mounted]:
        """Return those that are kept, by the name a turn records them under."""
        return {"work": self.work, "storage": self.storage, "user": self.user, "shared": self.shared}


def visible_files(entries: dict[str, hostfs.Entry]) -> dict[str, tuple[str, int]]:
    """Return the files of a `.storage` that a chat shows: path -> (sha256, bytes).

    A leading dot anywhere hides, and so does a name that is no text, or none on one line.
    """
    return {
        path: (str(entry[1]), int(entry[2]))
        for path, entry in entries.items()
        if entry[0] == "file" and path.isprintable() and not any(part.startswith(".") for part in path.split("/"))
    }


def free_disk_bytes(path: Path) -> int:
    """Return the free bytes of the disk under `path`."""
    return shutil.disk_usage(path).free
