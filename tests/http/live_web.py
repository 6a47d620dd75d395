"""Real gunicorn with the fake supervisor, for what a test client cannot show: sockets, uploads, status lines."""

import os
import subprocess
import sys
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
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start both; return when the server answers."""
        self.start_supervisor()
        self.process = self._run("gunicorn", "-c", "gunicorn.conf.py", "hal9_ide.web:application")
        eventually(lambda: self.health() == 200, 30, what="a good answer of /healthz")

    def start_supervisor(self) -> None:
        """Start the fake supervisor."""
        data_dir = str(self.folder / "data")
        self.supervisor = self._run("tests.http.fake_supervisor", "--data-dir", data_dir, "--alone")

    def _run(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log_path.open("ab") as log:
            command = [sys.executable, "-m", *arguments]
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def health(self) -> int:
        """Return the status of /healthz; 0 when nothing listens."""
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code
        except requests.RequestException:  # not there yet, or too busy to answer
            return 0

    def stop(self) -> None:
        """End both."""
        for process in (self.process, self.supervisor):
            if process:
                process.terminate()
                process.wait(30)

    def kill_supervisor(self) -> None:
        """Kill the fake supervisor; its chats are gone."""
        assert self.supervisor
        self.supervisor.kill()
        self.supervisor.wait()

    def worker(self) -> int:
        """Return the pid of the one gunicorn worker."""
        master = self.process
        assert master
        return eventually(lambda: next(iter(children(master.pid)), None), what="a worker")

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
