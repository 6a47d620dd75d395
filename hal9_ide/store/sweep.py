"""Mark and sweep of blobs: what no row names, and nobody wrote for a day, is removed.

Marking is generous: whatever in any table looks like a hash keeps that blob, so a new column can never lose data. A
blob that is a manifest keeps the blobs it lists.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, String, Table, select
from sqlalchemy.orm import Session

from hal9_ide.errors import Absent
from hal9_ide.store.blobs import SHA, Blobs
from hal9_ide.store.tables import Base

SHA_ANYWHERE = re.compile(r"[0-9a-f]{64}")
MANIFEST_STARTS = (b'{"entries":', b'{"files":')


def marked(session: Session, blobs: Blobs) -> set[str]:
    """Return the hashes that are in use: in a row, or listed by a manifest that a row names."""
    found: set[str] = set()
    for table in Base.metadata.sorted_tables:
        found.update(_named(session, table))
    for sha in list(found):
        found.update(_listed(blobs, sha))
    return found


def _named(session: Session, table: Table) -> Iterator[str]:
    columns = [
        c for c in table.columns if isinstance(c.type, JSON) or (isinstance(c.type, String) and c.type.length == 64)
    ]
    if not columns:
        return
    for row in session.execute(select(*columns)).yield_per(1000):
        for value in row:
            if value:
                yield from SHA_ANYWHERE.findall(value if isinstance(value, str) else json.dumps(value))


def _may_name_a_blob(column: Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind, JSON) or (isinstance(kind, String) and kind.length == 64)


def _listed(blobs: Blobs, sha: str) -> list[str]:
    """Return every hash in a manifest; nothing for any other blob."""
    with suppress(Absent, FileNotFoundError), blobs.path(sha).open("rb") as blob:
        if blob.read(16).startswith(MANIFEST_STARTS):
            blob.seek(0)
            return SHA_ANYWHERE.findall(blob.read().decode("utf-8", "replace"))
    return []


def sweep(root: Path, keep: set[str], grace_seconds: float) -> tuple[int, int]:
    """Remove blobs under `root` that are not in `keep` and older than the grace; return (blobs, bytes)."""
    count = size = 0
    oldest = time.time() - grace_seconds
    for path in root.glob("??/*"):
        if path.name not in keep:
            removed = _remove(path, oldest)
            count += removed is not None
            size += removed or 0
    return count, size


def _remove(path: Path, oldest: float) -> int | None:
    """Remove one file last written before `oldest` and return its bytes, or None.

    It is renamed first: a `put` of the same bytes at this moment either made it young before that, which is seen and
    undone here, or does not find it and writes it again.
    """
    try:
        if path.stat().st_mtime >= oldest:
            return None
        if not SHA.fullmatch(path.name):  # a draft that a killed process left
            path.unlink()
            return None
        aside = path.with_name(f".{path.name}.swept")
        path.rename(aside)
        status = aside.stat()
        if status.st_mtime >= oldest:
            os.replace(aside, path)
            return None
        aside.unlink()
        return status.st_size
    except FileNotFoundError:
        return None
