"""`python app.py`: checks what can be checked at once, then runs the web server and the supervisor side by side."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from hal9_ide.ops.children import Child, Program
from hal9_ide.ops.launcher import Launcher, log
from hal9_ide.ops.locks import Taken, holding, server_lock
from hal9_ide.ops.ready import Announce, Probe
from hal9_ide.ops.trouble import Trouble
from hal9_ide.settings import PREFIX, Settings
from hal9_ide.store import migrate

ROOT = Path(__file__).resolve().parents[2]
BACKLOG = 1024
NO_SANDBOX_STATUS = 3
"""The supervisor's exit status when a layer of the sandbox is missing."""
FIRST_CLEAN_UP_SECONDS = 600.0
DAY_SECONDS = 86_400.0


def serve(settings: Settings) -> int:
    """Run the server until a signal ends it; return the exit status. Raises: Trouble."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with holding(server_lock(settings.data_dir), wait=False), listen(settings) as listener:
            bring_up_to_date(settings)
            return _run(settings, listener)
    except Taken:
        raise Trouble(f"Another server uses the data folder {settings.data_dir}.") from None


def listen(settings: Settings) -> socket.socket:
    """Open the socket that the web server inherits: requests wait in it while the web server is started again.

    Raises: Trouble.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        hint = f"Set {PREFIX}PORT or --port to another port." if error.errno == 98 else f"{error.strerror}."
        raise Trouble(f"The server cannot listen on {where}. {hint}") from None
    listener.set_inheritable(True)
    return listener


def bring_up_to_date(settings: Settings) -> None:
    """Migrate the database if it needs it, in a process of its own: what that imports would stay in the launcher."""
    if migrate.revision(settings.database) == migrate.head():
        return
    command = [sys.executable, "app.py", "migrate"]
    if subprocess.run(command, cwd=ROOT, env=_environment(settings), check=False).returncode:
        raise Trouble("The database could not be brought up to date; the reason stands above.")


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return the environment of the children; paths in it hold whatever folder they run in."""
    return {**os.environ, f"{PREFIX}DATA_DIR": str(settings.data_dir)}


def children(settings: Settings, listener: socket.socket) -> tuple[Child, Child]:
    """Return the web server and the supervisor, not started."""
    environment = _environment(settings)
    options = ("-c", "gunicorn.conf.py", "-b", f"fd://{listener.fileno()}")
    gunicorn = (sys.executable, "-m", "gunicorn", *options)
    web = Program(
        "web",
        (*gunicorn, "hal9_ide.web:application"),
        environment,
        ROOT,
        fds=(listener.fileno(),),
        quick_stop=signal.SIGQUIT,
    )
    supervise = (sys.executable, "-m", "hal9_ide.supervise")
    supervisor = Program("supervisor", supervise, environment, ROOT, fatal_status=NO_SANDBOX_STATUS)
    return Child(web), Child(supervisor)


def _run(settings: Settings, listener: socket.socket) -> int:
    web, supervisor = children(settings, listener)

    def ready() -> None:
        print(f"Hal9 IDE is at {settings.link_base}", flush=True)

    announce = Announce(Probe(_own_address(settings)), ready=ready, slow=log)
    launcher = Launcher((supervisor, web), hup=web, ticks=(announce, CleanUp(settings)))
    status = launcher.run(before_stop=listener.close)
    if status:
        raise Trouble("No script can run here, so the server stops. `python app.py doctor` says why and what to do.")
    return status


def _own_address(settings: Settings) -> tuple[str, int]:
    """Return where this machine reaches the server: the loopback address when it listens on all."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host), settings.port  # noqa: S104


class CleanUp:
    """A tick of the launcher: runs `gc` in a process of its own, some minutes after the start and then daily."""

    def __init__(self, settings: Settings) -> None:
        self._environment = _environment(settings)
        self._due = time.monotonic() + FIRST_CLEAN_UP_SECONDS
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> float | None:
        """Start `gc` when it is due; return the seconds until it is due again."""
        now = time.monotonic()
        if self._process and self._process.poll() is not None:
            log(f"gc ended status={self._process.returncode}")
            self._process = None
        if now >= self._due and self._process is None:
            self._due = now + DAY_SECONDS
            self._process = subprocess.Popen([sys.executable, "app.py", "gc"], cwd=ROOT, env=self._environment)
        return self._due - now
