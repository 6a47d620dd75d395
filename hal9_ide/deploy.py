"""From a draft to a version that serves: blobs, manifest, start check, then one statement that moves the pointer."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from hal9_ide.errors import Absent, Refused
from hal9_ide.store import drafts, versions
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.bots import Bot, Version
from hal9_ide.store.drafts import Content
from hal9_ide.store.manifests import Manifest, load_manifest
from hal9_ide.store.write import Database

DEFAULT_MAIN = "app.py"
YAML_FILES = ("hal9.yaml", "hal9.yml", "coworker.yaml", "coworker.yml")
YAML_MAIN = re.compile(r"""^main[ \t]*:[ \t]*["']?([^"'#\r\n]+?)["']?[ \t]*(?:#.*)?$""", re.MULTILINE)
YAML_BYTES = 16 << 10
NO_PACKAGES = {"packages": "packages_failed", "preparing": "packages_not_ready"}
"""Reasons of a check that did not get as far as the script, and the code of the refusal; its sentence is whole."""
PLACE_IN_MESSAGE = re.compile(r" \([^()]*, line \d+\)$")
"""What a SyntaxError's text ends with; the place is said once."""

Check = Callable[[str], dict[str, Any]]
"""Runner.check: the start check of a manifest, in the sandbox."""

Report = Callable[[str, str, float], None]
"""Told about a step: its name, its state (now, done, failed), and its seconds so far."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be deployed, for whom and from where. `files` None: the draft as it is."""

    bot_id: str
    owner_id: str
    source: str  # rocket | cli | api
    files: Mapping[str, Content]
    main: str
    access: str | None = None  # None: as it is
    notice: str | None = None  # what the author should see when this makes the bot private


@dataclass(slots=True)
class Steps:
    """How a deploy goes, for whoever watches."""

    report: Report = lambda name, state, seconds: None
    done: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Report a step as it begins and ends. A refusal inside gets the step's name."""
        begun = time.monotonic()
        self.report(name, "now", 0.0)
        try:
            yield
        except Exception as error:
            if isinstance(error, Refused):
                error.details.setdefault("step", name)
            self.report(name, "failed", time.monotonic() - begun)
            raise
        seconds = time.monotonic() - begun
        self.done.append((name, seconds))
        self.report(name, "done", seconds)


@dataclass(frozen=True, slots=True)
class Deployed:
    """The version that serves now."""

    number: int
    is_new: bool
    access: str
    share_key: str


def yaml_main(blobs: Blobs, files: Mapping[str, Content]) -> str | None:
    """Return the main file that a yaml beside the script names; None when none does.

    Only this one top-level line is looked for: a parser would have to survive whatever a stranger calls yaml.
    """
    for name in YAML_FILES:
        content = files.get(name)
        if content and content.bytes <= YAML_BYTES:
            found = YAML_MAIN.search(blobs.get(content.sha256).decode(errors="replace"))
            if found and found[1] in files:
                return found[1]
    return None


def main_of(blobs: Blobs, files: Mapping[str, Content], preferred: str) -> str:
    """Return which file starts: what a yaml says, else `preferred`."""
    return yaml_main(blobs, files) or preferred


def manifest_of(blobs: Blobs, files: Mapping[str, Content], main: str) -> str:
    """Store the manifest of these files and return its hash."""
    return blobs.put(Manifest({path: content.sha256 for path, content in files.items()}, main).encode())


def draft_manifest(database: Database, blobs: Blobs, bot: Bot) -> str:
    """Store the manifest of a bot's draft as it is now and return its hash."""
    with database.read() as session:
        files = drafts.draft(session, bot.id)
    return manifest_of(blobs, files, main_of(blobs, files, bot.main))


def changed_paths(files: Mapping[str, Content], live: Manifest | None) -> list[str]:
    """Return the paths at which a draft differs from the live version; [] before the first deploy."""
    if live is None:
        return []
    mine = {path: content.sha256 for path, content in files.items()}
    return sorted(path for path in mine.keys() | live.files.keys() if mine.get(path) != live.files.get(path))


def deploy(database: Database, blobs: Blobs, check: Check, wish: Wish, steps: Steps) -> Deployed:
    """Make a version of `wish.files` and let it serve; equal to what serves already, only its access is set.

    Raises Refused with step, traceback, file and line when the script does not start, Conflict when another deploy
    was faster. The version before serves until the very end.
    """
    with steps.step("check"):
        if wish.main not in wish.files:
            raise Refused(f"There is no file {wish.main}, and it is the one that starts.", code="no_main")
        with database.read() as session:
            bot = _bot(session, wish)
            live = versions.live_version(session, bot)
    with steps.step("package"):
        manifest = manifest_of(blobs, wish.files, wish.main)
        added = _added_bytes(blobs, wish.files, live)
    is_new = live is None or live.manifest != manifest
    with steps.step("start"):
        if is_new:
            check_start(check, manifest)
    with steps.step("health"), database.write() as session:
        version = Version(manifest=manifest, added_bytes=added, created_by=wish.owner_id, source=wish.source)
        return _go_live(session, wish, version if is_new else None, bot.gen)


def _go_live(session: Session, wish: Wish, version: Version | None, expected_gen: int) -> Deployed:
    bot = _bot(session, wish)
    if version:
        versions.add_version(session, bot, version)
        versions.point_live(session, bot, version.number, expected_gen)
        drafts.add_event(session, bot, "deploy", wish.owner_id, number=version.number, source=wish.source)
    if bot.taken_down:
        drafts.add_event(session, bot, "take_down", wish.owner_id, taken_down=False)
        bot.taken_down = False
    if wish.access and wish.access != bot.access:
        drafts.add_event(session, bot, "access", wish.owner_id, before=bot.access, after=wish.access)
        bot.access = wish.access
        bot.notice = wish.notice if wish.access == "private" else None
    return Deployed(bot.live_number or 0, version is not None, bot.access, bot.share_key)


def _bot(session: Session, wish: Wish) -> Bot:
    bot = drafts.bot_of(session, wish.owner_id, wish.bot_id)
    if bot is None:
        raise Absent
    return bot


def _added_bytes(blobs: Blobs, files: Mapping[str, Content], before: Version | None) -> int:
    known = set(load_manifest(blobs, before.manifest).files.values()) if before else set()
    return sum(content.bytes for content in files.values() if content.sha256 not in known)


def check_start(check: Check, manifest: str) -> None:
    """Run the start check. Raises Refused with what the author needs to see."""
    result = check(manifest)
    if result.get("passed"):
        return
    error = result.get("error") or {}
    code = NO_PACKAGES.get(result.get("reason", ""))
    raise Refused(
        str(error["message"]) if code else f"The script does not start: {_why(result, error)}.",
        code=code or "start_check_failed",
        details={"traceback": result.get("traceback"), "file": error.get("file"), "line": error.get("line")},
    )


def _why(result: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """Return what went wrong and where, as the end of a sentence."""
    if error.get("type"):
        message = PLACE_IN_MESSAGE.sub("", str(error.get("message") or ""))[:300]
        place = f" in {error['file']}, line {error['line']}" if error.get("file") and error.get("line") else ""
        return f"{error['type']}: {message}{place}" if message else f"{error['type']}{place}"
    status = result.get("exit_status")
    return f"it ended with exit status {status}" if status is not None else "it was ended before it asked for input"


def roll_back(database: Database, owner_id: str, bot_id: str, number: int) -> Deployed:
    """Let an earlier version serve again: an event, not a version. Raises Absent."""
    with database.write() as session:
        bot = drafts.bot_of(session, owner_id, bot_id)
        if bot is None or session.get(Version, (bot_id, number)) is None:
            raise Absent
        if bot.live_number != number:
            before = bot.live_number
            versions.point_live(session, bot, number, bot.gen)
            drafts.add_event(session, bot, "rollback", owner_id, before=before, after=number)
        return Deployed(number, False, bot.access, bot.share_key)
