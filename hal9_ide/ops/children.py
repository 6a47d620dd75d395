"""A child process that is kept running: it dies with us, and is started again with a growing pause when it ends."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
HEALTHY_SECONDS = 30.0
"""A child that lived this long is started again at once, as after its first end."""


def die_with_parent(parent: int, number: signal.Signals) -> Callable[[], None]:
    """Return what a child runs between fork and exec: take `parent`'s death as a signal, and block none.

    The kernel follows the *thread* that forked (prctl(2)); the launcher has one thread only.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def run() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before prctl
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    return run


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `argv` in folder `cwd` with exactly `env`, and these open file descriptors."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    fds: Sequence[int] = ()
    fatal_status: int | None = None
    """A child that ends with it said why it can never run here; it is not started again."""
    quick_stop: signal.Signals = signal.SIGTERM
    """Ends it without waiting for anybody: when the launcher was killed, and when SIGTERM takes long."""


@dataclass(slots=True)
class Child:
    """One program and its present process, if any."""

    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    due: float = 0.0  # time.monotonic() of the next start
    pause_seconds: float = 0.0  # before the next start
    _started: float = 0.0
    _ends: int = 0

    def start(self) -> None:
        """Start the program in a session of its own, so that Ctrl-C reaches the launcher alone."""
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            self.program.argv,
            env=self.program.env,
            cwd=self.program.cwd,
            pass_fds=self.program.fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid(), self.program.quick_stop),  # noqa: PLW1509  the launcher has no threads
        )

    def is_running(self) -> bool:
        """Say whether there is a process that has not ended."""
        return self.process is not None and self.process.poll() is None

    def reap(self) -> int | None:
        """Return the exit status if the process has just ended (-n for signal n), else None; plan the next start."""
        status = self.process.poll() if self.process else None
        if self.process is None or status is None:
            return None
        self.send_group(signal.SIGKILL)  # what a killed gunicorn master left behind
        self.process = None
        now = time.monotonic()
        if now - self._started >= HEALTHY_SECONDS:
            self._ends = 0
        self.pause_seconds = PAUSES_SECONDS[min(self._ends, len(PAUSES_SECONDS) - 1)]
        self.due = now + self.pause_seconds
        self._ends += 1
        return status

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self.process:
            self.process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and all it started in its session's group."""
        if self.process:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def gave_up(self, status: int | None) -> bool:
        """Say whether this exit status means that the program can never run here."""
        return status is not None and status == self.program.fatal_status

    def end(self) -> None:
        """Kill the process if it is there, and what it started."""
        if self.process:
            self.send_group(signal.SIGKILL)
            self.process.wait()
        self.process = None
