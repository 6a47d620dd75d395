"""A real server for tests: launcher, web workers and supervisor on a free port, in a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import requests

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 40.0
STOP_SECONDS = 20.0
LOG_TAIL_BYTES = 12_000
ROOMY = {
    "HAL9_IDE_NEW_GUESTS_PER_MINUTE": "100000",  # every test is a new person from the same address
    "HAL9_IDE_NEW_CHATS_PER_MINUTE": "100000",
    "HAL9_IDE_FREE_DISK_BYTES": "1",
}

T = TypeVar("T")


def eventually(claim: Callable[[], T | None], seconds: float = 10.0, *, what: str = "the condition") -> T:
    """Return the first true value of `claim`, asked every 10 ms. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if value := claim():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about in {seconds:g} s")
        time.sleep(0.01)


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def children(pid: int) -> list[int]:
    """Return the pids of a process's children; none when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


def command_line(pid: int) -> str:
    """Return a process's command line; "" when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def descendants(pid: int) -> list[int]:
    """Return the pids of everything below a process, parents first."""
    below = children(pid)
    return below + [deeper for child in below for deeper in descendants(child)]


class LiveServer:
    """A server that tests can use, hurt and read the log of. Use it in a `with` block."""

    def __init__(self, folder: Path, *, workers: int = 1, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = folder / "data"
        self.log_path = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HAL9_")}
        self.environment = {
            **inherited,
            **ROOMY,
            "HAL9_IDE_PORT": str(self.port),
            "HAL9_IDE_DATA_DIR": str(self.data_dir),
            "HAL9_IDE_WEB_WORKERS": str(workers),
            **(settings or {}),
        }
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LiveServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the launcher and wait until `/healthz` is good and every web worker is there."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            command = [sys.executable, "app.py"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int | None:
        """End the server as Ctrl-C would; return its exit status, None when it was not running."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in reversed(descendants(self._process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.kill()
            return self._process.wait()
        finally:
            self._process = None

    def restart(self) -> None:
        """Stop the whole server and start it again on the same data folder and port."""
        self.stop()
        self.start()

    def wait_ready(self) -> None:
        """Wait until the server can run a bot. Raises AssertionError with the log when it cannot."""
        try:
            eventually(self._is_ready, START_SECONDS, what="a good answer of /healthz")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def _is_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError("the server ended")
        with suppress(requests.RequestException):
            is_healthy = requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
            return is_healthy and len(self.web_workers()) >= self._workers
        return False

    @property
    def pid(self) -> int:
        """The launcher."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def web(self) -> int:
        """Return the gunicorn master, waiting for one when it was just killed."""
        return eventually(lambda: self._child("gunicorn"), what="a gunicorn master")

    def supervisor(self) -> int:
        """Return the supervisor, waiting for one when it was just killed."""
        return eventually(lambda: self._child("hal9_ide.supervise"), what="a supervisor")

    def _child(self, word: str) -> int | None:
        return next((pid for pid in children(self.pid) if word in command_line(pid)), None)

    def web_workers(self) -> list[int]:
        """Return the gunicorn workers that are there now."""
        master = self._child("gunicorn")
        return children(master) if master else []

    def kill_web_worker(self, which: int = 0) -> int:
        """Kill one web worker with -9 and return its pid; gunicorn starts another one."""
        pid = eventually(self.web_workers, what="a web worker")[which]
        os.kill(pid, signal.SIGKILL)
        return pid

    def restart_gunicorn(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End gunicorn with a signal and return the pid of the new master that the launcher started."""
        old = self.web()
        os.kill(old, number)
        return eventually(lambda: pid if (pid := self._child("gunicorn")) != old else None, 20.0, what="a new gunicorn")

    def kill_supervisor(self) -> int:
        """Kill the supervisor with -9 and return the pid of the one that the launcher started instead."""
        old = self.supervisor()
        os.kill(old, signal.SIGKILL)
        word = "hal9_ide.supervise"
        return eventually(lambda: pid if (pid := self._child(word)) != old else None, what="a new supervisor")

    def command(self, *arguments: str) -> str:
        """Run `python app.py …` with this server's settings and return what it printed. Raises CalledProcessError."""
        return self.run_command(*arguments, check=True).stdout

    def run_command(self, *arguments: str, check: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run `python app.py …` with this server's settings."""
        command = [sys.executable, "app.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60, check=check
        )

    def log(self, last_bytes: int = LOG_TAIL_BYTES) -> str:
        """Return the end of what the server printed."""
        if not self.log_path.exists():
            return "(no log)"
        return self.log_path.read_bytes()[-last_bytes:].decode(errors="replace")
