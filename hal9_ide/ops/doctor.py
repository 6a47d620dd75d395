"""`python app.py doctor`: which sandbox layers hold here, then the server's own facts."""

import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hal9_ide.ops.backup import key_file
from hal9_ide.settings import PREFIX, Settings
from hal9_ide.store import migrate

ROOT = Path(__file__).resolve().parents[2]


def report(settings: Settings) -> int:
    """Print the report; return 1 if a layer of the sandbox is missing, else 0."""
    status = subprocess.run([sys.executable, "-m", "sandbox", "doctor"], cwd=ROOT, check=False).returncode
    print()
    for is_good, fact in facts(settings):
        print(f"{'ok     ' if is_good else 'look   '} {fact}")
    return 1 if status else 0


def facts(settings: Settings) -> Iterator[tuple[bool, str]]:
    """Give (is it as it should be, sentence) for what the server needs besides the sandbox."""
    yield _data_folder(settings.data_dir)
    yield _room(settings)
    yield _database(settings)
    if settings.secret_key_file or key_file(settings).exists():
        yield _private("secret key", key_file(settings))
    yield _address(settings)


def _data_folder(folder: Path) -> tuple[bool, str]:
    if not folder.exists():
        return True, f"data folder {folder}: not there yet, the first start makes it"
    return _private("data folder", folder)


def _private(what: str, path: Path) -> tuple[bool, str]:
    mode = stat.S_IMODE(path.stat().st_mode)
    return not mode & 0o077, f"{what} {path}: mode {mode:04o}{' but others can read it' if mode & 0o077 else ''}"


def _room(settings: Settings) -> tuple[bool, str]:
    place = settings.data_dir if settings.data_dir.exists() else settings.data_dir.parent
    free = shutil.disk_usage(place).free
    need = settings.free_disk_bytes
    return free >= need, f"free disk: {free >> 20} MiB; under {need >> 20} MiB new chats and deploys are refused"


def _database(settings: Settings) -> tuple[bool, str]:
    have, newest = migrate.revision(settings.database), migrate.head()
    return have in (None, newest), f"database: revision {have or 'none yet'}, this version needs {newest}"


def _address(settings: Settings) -> tuple[bool, str]:
    is_local = settings.host in ("127.0.0.1", "::1", "localhost")
    hint = "" if is_local or settings.public_url else f"; set {PREFIX}PUBLIC_URL, or other machines get no page"
    return not hint, f"address: {settings.link_base}, listening on {settings.host} port {settings.port}{hint}"
