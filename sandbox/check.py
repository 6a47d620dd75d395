"""The start check: does a version compile and start? Run on throw-away folders, without secrets or network.

It passes when main asks for input, exits 0, or runs for `check_seconds`; a traceback or another exit status refuses it.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.folders import MOUNT_POINTS, FolderStore, OpenFolders, nothing
from sandbox.frames import Segment
from sandbox.install_failures import PackagesFailed
from sandbox.launch import RunSpec
from sandbox.launcher import Launcher
from sandbox.limits import Limits
from sandbox.record import Error
from sandbox.requirements import FILE as REQUIREMENTS
from sandbox.run import Run

CONSOLE_CHARACTERS = 8_000
SETTLE_SECONDS = 5.0
PACKAGES_SECONDS = 45.0
"""An upload is answered within 60 s (DESIGN 6); the installation goes on, so that the next try finds it done."""
NOT_READY = "The packages are still being installed. Try again in a minute; until then the old version keeps serving."

Environment = Callable[[str, Callable[[str], None]], Awaitable[Path | None]]
"""Runs.environment."""


@dataclass(slots=True)
class Verdict:
    """What the check found. `reason` is asked, exited, running, failed, or, when it did not start, packages (there are
    none to be had) or preparing (they are still being installed); `console` is the last of stderr.
    """

    passed: bool
    reason: str
    exit_status: int | None
    error: Error | None
    console: str


class _Watcher:
    """The Listener of a checked run."""

    def __init__(self) -> None:
        self.asked, self.ended, self.settled = False, asyncio.Event(), asyncio.Event()
        self.console = ""

    def on_output(self, segments: list[Segment]) -> None:
        """Output does not matter."""

    def on_console(self, text: str) -> None:
        """Keep the end of stderr for the author."""
        self.console = (self.console + text)[-CONSOLE_CHARACTERS:]

    def on_asks(self, prompt: str | None) -> None:
        """Asking is a pass."""
        self.asked = True
        self.settled.set()

    def on_exit(self) -> None:
        """The run is over."""
        self.ended.set()
        self.settled.set()

    def may_read(self) -> bool:
        """There is always room: nothing is kept."""
        return True


async def check(
    launcher: Launcher, folders: FolderStore, limits: Limits, manifest: str, environment_of: Environment
) -> Verdict:
    """Run the start check of a version, once its packages are there."""
    try:
        environment = await asyncio.wait_for(environment_of(manifest, lambda line: None), PACKAGES_SECONDS)
    except TimeoutError:
        return _no_packages("preparing", NOT_READY, None, "")
    except PackagesFailed as problem:
        return _no_packages("packages", str(problem), problem.line, problem.log)
    opened = await _open(folders, manifest)
    try:
        watcher = _Watcher()
        main = await asyncio.to_thread(folders.version_main, manifest)
        spec = RunSpec(main, opened.paths(), limits, {}, environment=environment, compile_all=True)
        process = await launcher.start(spec)
        launcher.without_outlet(process)
        run = Run(process, limits, watcher)
        try:
            await asyncio.wait_for(watcher.settled.wait(), limits.check_seconds)
        except TimeoutError:
            pass
        has_ended = watcher.ended.is_set()
        run.kill("stopped")
        await asyncio.wait_for(watcher.ended.wait(), SETTLE_SECONDS)
        return _verdict(run, watcher, has_ended)
    finally:
        for folder in opened.named().values():
            await folders.discard(folder)
        await asyncio.to_thread(folders.drop_scratch, opened.scratch)


def _no_packages(reason: str, sentence: str, line: int | None, log: str) -> Verdict:
    return Verdict(False, reason, None, Error("Packages", sentence, REQUIREMENTS, line, log), "")


def _verdict(run: Run, watcher: _Watcher, has_ended: bool) -> Verdict:
    if not has_ended:
        return Verdict(True, "asked" if watcher.asked else "running", None, None, watcher.console)
    passed = run.is_ready and run.exit_status == 0 and run.error is None
    return Verdict(passed, "exited" if passed else "failed", run.exit_status, run.error, watcher.console)


async def _open(folders: FolderStore, manifest: str) -> OpenFolders:
    token = secrets.token_hex(8)
    work = await folders.open(f"check-work-{token}", nothing, MOUNT_POINTS)
    storage = await folders.open(f"check-storage-{token}", nothing)
    user = await folders.open(f"check-user-{token}", nothing)
    shared = await folders.open(f"check-shared-{token}", nothing)
    files = await asyncio.to_thread(folders.version_files, manifest)
    await folders.set_version(work, {}, files)
    return OpenFolders(work, storage, user, shared, await asyncio.to_thread(folders.new_scratch))
