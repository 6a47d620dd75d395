"""The launcher's loop: starts children together, restarts one that ends, ends them all on SIGTERM or SIGINT.

It imports neither Flask nor gevent, and has one thread: a child's parent-death signal follows the thread that
forked it.
"""

import signal
import sys
import time
from collections.abc import Callable, Sequence

from hal9_ide.ops.children import Child

WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PATIENT_SECONDS = 2.0
STOP_SECONDS = 10.0
TICK_SECONDS = 0.05

Tick = Callable[[], float | None]
"""Called between signals; returns the seconds until it wants to be called again, None for no wish.

Raises: SystemExit to end the server.
"""


def log(text: str) -> None:
    """Write one line for the operator."""
    print(text, file=sys.stderr, flush=True)


class Launcher:
    """Keeps children running until a signal says stop. `hup` is the child that gets SIGHUP passed on."""

    def __init__(self, children: Sequence[Child], *, hup: Child | None = None, ticks: Sequence[Tick] = ()) -> None:
        self.children = children
        self._hup = hup
        self._ticks = ticks

    def run(self, before_stop: Callable[[], None] = lambda: None) -> int:
        """Run until SIGTERM or SIGINT (0), or until a child says that it can never run (its status)."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        try:
            for child in self.children:
                child.start()
            return self._watch()
        finally:
            before_stop()
            self.stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self) -> int:
        while True:
            caught = signal.sigtimedwait(WATCHED, self._pause())
            if caught and caught.si_signo in (signal.SIGTERM, signal.SIGINT):
                return 0
            if caught and caught.si_signo == signal.SIGHUP and self._hup:
                self._hup.send(signal.SIGHUP)
            for child in self.children:
                if child.gave_up(status := self._look_after(child)):
                    return int(status or 1)

    def _pause(self) -> float:
        """Run the ticks and return the seconds to wait for a signal."""
        wishes = [wish for wish in (tick() for tick in self._ticks) if wish is not None]
        now = time.monotonic()
        wishes += [child.due - now for child in self.children if child.process is None]
        return max(0.0, min(wishes, default=3600.0))

    def _look_after(self, child: Child) -> int | None:
        """Return the status of a child that has just ended; start one whose pause is over."""
        status = child.reap()
        if child.gave_up(status):
            return status
        if status is not None:
            log(f"{child.program.name} ended status={status} restart_in_seconds={child.pause_seconds}")
        if child.process is None and child.due <= time.monotonic():
            child.start()
        return status

    def stop(self) -> None:
        """Ask every child to end, wait, ask again in other words, kill what is left.

        A second SIGTERM or SIGINT kills at once.
        """
        began = time.monotonic()
        for child in self.children:
            child.send(signal.SIGTERM)
        if not self._ended_by(began + PATIENT_SECONDS):  # gunicorn waits for browsers that keep connections open
            for child in self.children:
                child.send(child.program.quick_stop)
            self._ended_by(began + STOP_SECONDS)
        for child in self.children:
            child.end()

    def _ended_by(self, deadline: float) -> bool:
        """Wait until all children have ended (True), the deadline (False), or another signal to stop (True)."""
        while any(child.is_running() for child in self.children):
            caught = signal.sigtimedwait(WATCHED, TICK_SECONDS)
            if caught and caught.si_signo in (signal.SIGTERM, signal.SIGINT):
                return True
            if time.monotonic() > deadline:
                return False
        return True
