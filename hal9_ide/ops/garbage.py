"""`python app.py gc`: removes what nobody uses any more, while the server runs. The launcher calls it daily."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hal9_ide.ops.locks import holding, sweep_lock
from hal9_ide.settings import Settings
from hal9_ide.store import expiry
from hal9_ide.store.base import now_ms
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.sweep import marked, sweep
from hal9_ide.store.write import Database

HOUR_MS = 3_600_000
GRACE_MS = 24 * HOUR_MS
"""How long what was deleted can still be brought back, and how young a blob must be to stay without a reason."""
GUEST_MS = 30 * 24 * HOUR_MS

Find = Callable[[Session, int], Sequence[str]]
Drop = Callable[[Session, str], None]


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run of `gc` removed."""

    bots: int = 0
    guests: int = 0
    sign_ins: int = 0
    blobs: int = 0
    blob_bytes: int = 0

    def __str__(self) -> str:
        return (
            f"Removed {self.bots} deleted bots, {self.guests} guests who left, {self.sign_ins} expired sign-ins, "
            f"{self.blobs} blobs ({self.blob_bytes / 1e6:.1f} MB)."
        )


def collect_garbage(settings: Settings, at_ms: int | None = None) -> Removed:
    """Remove what has expired at `at_ms` (None: now), then the blobs that nothing names any more."""
    at_ms = at_ms or now_ms()
    database, blobs = Database(settings.database), Blobs(settings.blobs_dir)
    try:
        with holding(sweep_lock(settings.data_dir)):
            with database.write() as session:
                sign_ins = expiry.drop_sign_ins(session, at_ms)
                expiry.drop_draft_files(session, at_ms - GRACE_MS)
            bots = _drop_all(database, expiry.deleted_bots, expiry.drop_bot, at_ms - GRACE_MS)
            guests = _drop_all(database, expiry.idle_guests, expiry.drop_user, at_ms - GUEST_MS)
            with database.read() as session:
                keep = marked(session, blobs)
            count, size = sweep(settings.blobs_dir, keep, GRACE_MS / 1000)
            return Removed(bots, guests, sign_ins, count, size)
    finally:
        database.close()


def _drop_all(database: Database, find: Find, drop: Drop, before_ms: int) -> int:
    """Delete one thing after the other, each in a transaction of its own; return how many."""
    count = 0
    while True:
        with database.read() as session:
            ids = find(session, before_ms)
        for one in ids:
            with database.write() as session:
                drop(session, one)
        count += len(ids)
        if not ids:
            return count
