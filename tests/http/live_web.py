"""Real gunicorn with the fake supervisor, for what a test client cannot show: sockets, uploads, status lines."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.live import ROOT, eventually, free_port
from tests.people import Author


class LiveWeb:
    """A web server and an echo in place of the supervisor."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log_path = folder / "web.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HAL9_")},
            "HAL9_IDE_DATA_DIR": str(folder / "data"),
            "HAL9_IDE_PORT": str(self.port),
            "HAL9_IDE_FREE_DISK_BYTES": "1",
            "HAL9_IDE_NEW_GUESTS_PER_MINUTE": "10000",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start both; return when the server answers."""
        command = [sys.executable, "-m", "tests.http.fake_supervisor"]
        command += ["--data-dir", str(self.folder / "data"), "--port", str(self.port)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        eventually(self._is_up, 30, what="an answer of /healthz")

    def _is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        """End both."""
        if self.process:
            self.process.terminate()
            self.process.wait(30)

    def worker(self) -> int:
        """Return the pid of the one gunicorn worker."""
        assert self.process
        (master,) = children(self.process.pid)
        return eventually(lambda: next(iter(children(master)), None), what="a worker")

    def memory_bytes(self) -> int:
        """Return the resident memory of the worker."""
        pages = Path(f"/proc/{self.worker()}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def log(self) -> str:
        """Return what both printed."""
        return self.log_path.read_text(errors="replace")

    def author(self) -> Author:
        """Return a new guest."""
        return Author(self.url)


def children(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@contextmanager
def live_web(folder: Path, **settings: str) -> Iterator[LiveWeb]:
    """Give a running web server."""
    web = LiveWeb(folder, **settings)
    web.start()
    try:
        yield web
    finally:
        web.stop()


def until(deadline_seconds: float) -> Iterator[None]:
    """Yield until the time is over, with a short pause between."""
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)
