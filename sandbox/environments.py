"""The environments of bots on disk: folders of packages, each named by what is in it and shared by all that want it.

    <state>/env/<hash of the resolved list>/site/        what a run sees as /opt/hal9/env; read-only, root's
                                            about.json   the list, how much it is, when it was made
    <state>/env/asked/<hash of the requirements>         the name of the environment that answered them

The time of the last use is the folder's mtime. A folder is made under another name and renamed, so it is whole or not
there. What a requirements.txt once got it keeps getting, as long as the environment is used.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.site_copy import copy_site

KEPT_SECONDS = 30 * 86_400.0
_BUSY_SECONDS = 86_400.0
"""An environment used so lately may have runs: making room for another is no reason to take it away from them."""
_LEFT_OVER_SECONDS = 86_400.0


class NoRoom(Exception):
    """All environments together would be larger than they may be."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment as it stands on disk."""

    folder: Path
    packages: tuple[str, ...]
    """`name==version` of each."""
    size_bytes: int
    used_at: float

    @property
    def site(self) -> Path:
        """What runs bind."""
        return self.folder / "site"


def name_of(packages: tuple[str, ...], circumstances: str) -> str:
    """Return the name of the environment of exactly these packages. `circumstances`: interpreter, machine, index."""
    return hashlib.sha256("\n".join((circumstances, *sorted(packages))).encode()).hexdigest()[:32]


class Environments:
    """All environments below one state folder. Several servers may share it. Every method touches the disk."""

    def __init__(self, state: Path, *, most_bytes: int, kept_seconds: float = KEPT_SECONDS) -> None:
        self._folder = state / "env"
        self._most_bytes, self._kept_seconds = most_bytes, kept_seconds

    def answer(self, asked: str) -> Path | None:
        """Return the site that answered these requirements before, None: never. Counts as a use."""
        try:
            path = self._folder / "asked" / asked
            name = path.read_text()
            os.utime(path)
        except OSError:
            return None
        return self.site(name)

    def site(self, name: str) -> Path | None:
        """Return the site of an environment, None where there is none. Counts as a use."""
        try:
            os.utime(self._folder / name)
        except OSError:
            return None
        return self._folder / name / "site"

    def remember(self, asked: str, name: str) -> None:
        """Let these requirements be answered by that environment."""
        folder = self._made("asked")
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".making-", delete=False) as file:
            file.write(name)
        os.replace(file.name, folder / asked)

    def try_lock(self, asked: str) -> int | None:
        """Return a descriptor that keeps every other builder away until it is closed; None while another has it."""
        fd = os.open(self._made(".locks") / asked[:2], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return fd

    def add(self, name: str, packages: tuple[str, ...], unpacked: Path, most_bytes: int) -> Path:
        """Copy what was unpacked, by nobody we trust, and return the site; one that another builder made stays.

        Raises: NoRoom, site_copy.TooMuch, OSError.
        """
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=self._made()))
        try:
            size_bytes = copy_site(unpacked, made / "site", most_bytes)
            self.make_room(size_bytes)
            about = {"packages": packages, "bytes": size_bytes, "made_at": round(time.time())}
            (made / "about.json").write_text(json.dumps(about))
            made.chmod(0o755)
            os.sync()  # a crash must not leave a folder of empty files under its final name
            with suppress(OSError):  # another builder was faster
                made.rename(self._folder / name)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        found = self.site(name)
        if found is None:
            raise OSError(f"the environment {name} could not be put in place")
        return found

    def make_room(self, more_bytes: int) -> None:
        """Remove what was unused longest until so much fits. Raises: NoRoom when what is left may be in use."""
        found = sorted(self.all(), key=lambda environment: environment.used_at)
        total = more_bytes + sum(environment.size_bytes for environment in found)
        for environment in found:
            if total <= self._most_bytes or environment.used_at > time.time() - _BUSY_SECONDS:
                break
            self._remove(environment.folder)
            total -= environment.size_bytes
        if total > self._most_bytes:
            raise NoRoom

    def collect(self) -> int:
        """Remove what nobody used for long, and what a crash has left; return how many environments that was."""
        old = time.time() - self._kept_seconds
        unused = [environment for environment in self.all() if environment.used_at < old]
        for environment in unused:
            self._remove(environment.folder)
        for path in self._paths(".making-*", ".gone-*"):
            if _mtime(path) < time.time() - _LEFT_OVER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            for answer in list((self._folder / "asked").iterdir()):
                if _mtime(answer) < old or not (self._folder / answer.read_text()).is_dir():
                    answer.unlink(missing_ok=True)
        return len(unused)

    def all(self) -> list[Environment]:
        """Return every environment."""
        return [found for path in self._paths("[0-9a-f]*") if (found := _read(path)) is not None]

    def _paths(self, *patterns: str) -> list[Path]:
        return [path for pattern in patterns for path in self._folder.glob(pattern)]

    def _remove(self, folder: Path) -> None:
        """Rename first: a run that begins now must find all of it or nothing."""
        gone = folder.with_name(f".gone-{folder.name}")
        with suppress(OSError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _made(self, name: str = "") -> Path:
        """Return a folder of ours, made where missing; the run's user must be able to walk through the first two."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for path in (self._folder.parent, self._folder, folder):
            path.chmod(0o755)
        return folder


def _read(folder: Path) -> Environment | None:
    try:
        about = json.loads((folder / "about.json").read_text())
        return Environment(folder, tuple(about["packages"]), about["bytes"], folder.stat().st_mtime)
    except (OSError, ValueError, KeyError):
        return None


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
