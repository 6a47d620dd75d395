"""What the supervisor asks of whoever keeps the record: plain data and one interface, no tables.

The composition root (`hal9_ide.supervise`) hands a Recorder and a Blobs to the supervisor. Every Recorder method
returns at once with a future; calls take effect in the order they were made, so a read sees every write before it.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol


def utc_ms() -> int:
    """Return the time as UTC milliseconds, the form of every `*_at_ms`."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class ChatRecord:
    """A chat as it stands on record; the chat in memory keeps it up to date.

    `manifest` is the sha256 of the version it runs; `version` its number, None for a draft. `opening` is None when the
    last opening ended without asking, else (text it printed, prompt). The hashes are folder snapshots; None: no such.
    """

    chat: str
    bot: str
    stage: str
    owner: str
    """Whom the run counts against: the author of a draft chat, the visitor of a live one; also the owner of `.user`."""
    manifest: str
    version: int | None
    seq_ceiling: int
    has_opened: bool
    opening: tuple[str, str] | None
    work_base: str | None
    work_hash: str | None
    storage_hash: str | None
    last_turn: int
    last_position: int
    network: tuple[str, ...]
    """Whom the bot may reach, as `sandbox.policy` reads it; empty: nobody."""


@dataclass(slots=True)
class Error:
    """An uncaught exception of a script, as the runner described it. Hostile text, bounded."""

    type: str
    message: str
    file: str | None
    line: int | None
    traceback: str


@dataclass(slots=True)
class TurnRecord:
    """One turn. `ended` is None while it is open; times are milliseconds, `started_at_ms` UTC."""

    number: int
    manifest: str
    by: str
    message: str | None = None
    input: str | None = None
    uploads: list[str] = field(default_factory=list)
    started_at_ms: int = 0
    first_seq: int = 0
    last_seq: int = 0
    reply: str = ""
    folders: dict[str, str | None] = field(default_factory=dict)
    ended: str | None = None
    exit_status: int | None = None
    milliseconds: int | None = None
    peak_memory_bytes: int | None = None
    error: Error | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that was accepted before a supervisor died and that nobody took."""

    chat: str
    message: str
    text: str
    uploads: Sequence[str]


@dataclass(frozen=True, slots=True)
class FolderKey:
    """Which `.user` or `.shared` folder: scope is user|shared, owner "" for shared."""

    bot: str
    stage: str
    scope: str
    owner: str


class Blobs(Protocol):
    """Content-addressed storage; keys are sha256 in hex."""

    def put(self, data: bytes) -> str:
        """Store `data`, durable on return."""

    def get(self, sha: str) -> bytes:
        """Return the contents. Raises LookupError where there is none."""


class Recorder(Protocol):
    """The record. Futures carry the outcome; a failed write raises from `result()`."""

    def load(self, chat: str) -> "Future[ChatRecord | None]":
        """Return the chat, or None when there is none."""

    def reserve(self, chat: str, ceiling: int) -> "Future[None]":
        """Promise that no seq above `ceiling` was given."""

    def accept(self, chat: str, message: str, text: str, uploads: Sequence[str]) -> "Future[bool]":
        """Keep a message; False when its id was accepted before."""

    def begin(self, chat: str, turn: TurnRecord) -> "Future[None]":
        """Put an open turn on record; its message counts as taken."""

    def seal(self, chat: str, turn: TurnRecord, events: bytes) -> "Future[None]":
        """Close a turn for good. `events` are the lines of its log."""

    def update(self, chat: str, changes: Mapping[str, object]) -> "Future[None]":
        """Change columns of the chat: has_opened, opening, work_base, work_hash, storage_hash."""

    def folder(self, key: FolderKey) -> "Future[str | None]":
        """Return the latest snapshot of a folder."""

    def keep_folder(self, key: FolderKey, manifest: str) -> "Future[None]":
        """Make `manifest` the latest snapshot."""

    def publish(self, key: str, chat: str, turn: int, manifest: str) -> "Future[None]":
        """Let `/f/<key>/…` show the files of `manifest`."""

    def events_after(self, chat: str, seq: int) -> "Future[bytes | None]":
        """Return the log lines of the first sealed turn that has a frame after `seq`; None when there is none."""

    def unfinished(self) -> "Future[tuple[list[tuple[str, TurnRecord]], list[Waiting]]]":
        """Return the turns and messages that an earlier supervisor left open, oldest first."""
