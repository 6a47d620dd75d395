"""What this machine offers to a sandbox: programs, the runtime folder, and the user a script runs as."""

import grp
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import runtime

RUN_UID = RUN_GID = 61111
"""Ours alone: above the login users of Debian (1000-59999), below the dynamic users of systemd (from 61184); `_run_ids`
checks that no name owns it."""

PYTHON = Path(runtime.PYTHON)
SYSTEM_STATE = Path("/var/lib/hal9-ide")


class SandboxUnavailable(Exception):
    """Nothing can run here: `layer` is missing, `sentence` says so, `fix` is the command or setting that cures it."""

    def __init__(self, layer: str, sentence: str, fix: str) -> None:
        super().__init__(f"{sentence} {fix}".strip())
        self.layer, self.sentence, self.fix = layer, sentence, fix


@dataclass(frozen=True)
class Host:
    """This machine as a place to run scripts on."""

    python: Path
    bwrap: Path
    runtime: Path
    """Holds lib/ (the runner and hal9), site/ (openai, requests, …) and etc/; read-only for scripts."""
    run_uid: int
    run_gid: int
    is_root: bool
    state: Path
    """Ours, outside every home and the data folder: /var/lib/hal9-ide, or $XDG_DATA_HOME/hal9-ide when not root."""


def state_folder() -> Path:
    """Return where runtime folders and mount points live; `HOME` and `XDG_DATA_HOME` count only without root."""
    if os.geteuid() == 0:
        return SYSTEM_STATE
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(home).absolute() / "hal9-ide"


def find_host(*, state: Path | None = None, runtime_folder: Path | None = None) -> Host:
    """Return this machine, ready to launch on. The runtime's lib/ is built when only that is missing.

    Raises: SandboxUnavailable when a program, the interpreter or the installed packages are not there.
    """
    state = state or state_folder()
    if not PYTHON.exists():
        raise SandboxUnavailable("python", "There is no /usr/bin/python3 here.", "Run: apt-get install python3")
    is_root = os.geteuid() == 0
    uid, gid = _run_ids() if is_root else (os.getuid(), os.getgid())
    bwrap = _program("bwrap", "bubblewrap")
    if is_root:
        _program("setpriv", "util-linux")
    return Host(PYTHON, bwrap, runtime_folder or _runtime(state), uid, gid, is_root, state)


def _program(name: str, package: str) -> Path:
    found = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin")
    if found is None:
        raise SandboxUnavailable(name, f"The program {name} is not installed.", f"Run: apt-get install {package}")
    return Path(found)


def _runtime(state: Path) -> Path:
    try:
        return runtime.ensure(state)
    except runtime.NotInstalled as error:
        raise SandboxUnavailable("runtime", str(error), "Run: make setup") from error
    except OSError as error:
        sentence = f"The folder {state} cannot be written ({error})."
        raise SandboxUnavailable("runtime", sentence, "Run: make setup") from error


def _run_ids() -> tuple[int, int]:
    """Return the uid and gid that scripts get when the server is root. A login user's would own files of theirs."""
    for lookup, number in ((pwd.getpwuid, RUN_UID), (grp.getgrgid, RUN_GID)):
        try:
            owner = lookup(number)[0]
        except KeyError:
            continue
        if not owner.startswith("hal9"):
            raise SandboxUnavailable("uid", f"The id {number} belongs to {owner}.", f"Give {owner} another id.")
    return RUN_UID, RUN_GID
