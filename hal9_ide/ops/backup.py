"""`backup` and `restore`: the database, every blob and the secret key in one tar file, made while the server runs.

The database is copied first, in one read transaction. Blobs never change and are written before a row names them, so
every blob that the copy names is there afterwards; `gc` waits until the backup has ended.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import IO

from hal9_ide.ops.locks import holding, sweep_lock
from hal9_ide.ops.trouble import Trouble
from hal9_ide.settings import Settings
from hal9_ide.store import migrate

FORMAT = 1
MANIFEST, DATABASE, KEY, BLOBS = "manifest.json", "hal9.sqlite3", "secret.key", "blobs/"
BLOCK_BYTES = 1 << 20


def key_file(settings: Settings) -> Path:
    """Return where this server's secret key is kept when no setting names another place."""
    return settings.secret_key_file or settings.data_dir.with_name(settings.data_dir.name + ".key")


def database_file(settings: Settings) -> Path:
    """Return the file of the database."""
    return Path(settings.database.removeprefix("sqlite:///"))


def backup(settings: Settings, target: Path) -> str:
    """Write a backup to `target` (mode 0600) and return a sentence about it. Raises: Trouble."""
    if not database_file(settings).exists():
        raise Trouble(f"There is nothing to back up: {settings.data_dir} has no database.")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with holding(sweep_lock(settings.data_dir), shared=True), _create(draft) as out:
            blobs = _write(settings, out)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    with_key = "The secret key is in it: keep it as safe as the server."
    without_key = "The secret key is not in it, it comes from a setting: keep it too."
    size = target.stat().st_size / 1e6
    return f"{target}: {blobs} blobs, {size:.1f} MB. {with_key if key_file(settings).exists() else without_key}"


def _create(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _write(settings: Settings, out: IO[bytes]) -> int:
    """Write the tar and return how many blobs it has."""
    with (
        tempfile.TemporaryDirectory(dir=settings.data_dir / "run") as folder,
        tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        copy = Path(folder) / DATABASE
        _copy_database(database_file(settings), copy)
        paths = sorted(path for path in settings.blobs_dir.glob("??/*") if not path.name.startswith("."))
        key = key_file(settings)
        _add(tar, MANIFEST, _manifest(settings, len(paths)))
        tar.add(copy, DATABASE)
        if key.exists():
            _add(tar, KEY, key.read_bytes())
        for path in paths:
            tar.add(path, BLOBS + path.name)
    return len(paths)


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


def _manifest(settings: Settings, blobs: int) -> bytes:
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    facts = {"format": FORMAT, "made": made, "revision": migrate.revision(settings.database), "blobs": blobs}
    return json.dumps(facts, indent=1).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), 0o600, int(time.time())
    tar.addfile(member, io.BytesIO(data))


def restore(settings: Settings, source: Path) -> str:
    """Fill an empty data folder from a backup and return a sentence about it. Raises: Trouble.

    Everything is read and checked in a folder beside it first; a damaged backup leaves nothing behind.
    """
    data_dir = settings.data_dir
    if data_dir.exists() and any(data_dir.iterdir()):
        raise Trouble(f"{data_dir} is not empty. Restore into an empty folder: --data-dir NEW.")
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{data_dir.name}.", dir=data_dir.parent))  # mode 0700
    try:
        facts = _unpack(source, draft)
        _place_key(draft / KEY, key_file(settings))
        draft.replace(data_dir)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
        raise Trouble(f"{source} cannot be restored: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return f"{data_dir}: restored from the backup of {facts['made']}, {facts['blobs']} blobs."


def _unpack(source: Path, folder: Path) -> dict[str, object]:
    """Write the backup's files into `folder`; return its facts. Raises: ValueError when something is missing."""
    count = 0
    with tarfile.open(source, "r:*") as tar:
        for member in tar:
            if not member.isfile():
                raise ValueError(f"it holds something that is not a file: {member.name}")
            if member.name.startswith(BLOBS):
                count += 1
                _unpack_blob(tar, member, folder)
            elif member.name in (MANIFEST, DATABASE, KEY):
                _copy(tar, member, folder / member.name)
            else:
                raise ValueError(f"it holds a file that is not ours: {member.name}")
    facts: dict[str, object] = json.loads((folder / MANIFEST).read_text())
    _check(facts, count, folder)
    (folder / MANIFEST).unlink()
    return facts


def _check(facts: dict[str, object], blobs: int, folder: Path) -> None:
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {facts['format']}, this version reads {FORMAT}")
    if facts["blobs"] != blobs:
        raise ValueError(f"it should hold {facts['blobs']} blobs and holds {blobs}")
    if str(facts["revision"]) > migrate.head():
        raise ValueError("it was made by a newer version of Hal9 IDE")
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        (state,) = database.execute("PRAGMA quick_check").fetchone()
    if state != "ok":
        raise ValueError(f"its database is damaged: {state}")


def _unpack_blob(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one blob. Its name must be the hash of its bytes, so it cannot name a path either."""
    sha = member.name.removeprefix(BLOBS)
    if len(sha) != 64 or not sha.isalnum():
        raise ValueError(f"it holds a blob with a wrong name: {member.name}")
    target = folder / "blobs" / sha[:2] / sha
    target.parent.mkdir(parents=True, exist_ok=True)
    if _copy(tar, member, target) != sha:
        raise ValueError(f"blob {sha} is damaged")


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    """Write one member to `target` with mode 0600 and return the hash of its bytes."""
    digest = hashlib.sha256()
    source = tar.extractfile(member)
    if source is None:
        raise ValueError(f"{member.name} cannot be read")
    with _create(target) as out:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _place_key(given: Path, target: Path) -> None:
    """Move the backup's key beside the data folder. Raises: ValueError when another key is there already."""
    if not given.exists():
        return
    if target.exists() and target.read_bytes().strip() != given.read_bytes().strip():
        raise ValueError(f"{target} holds another secret key; move it away first")
    given.replace(target)
