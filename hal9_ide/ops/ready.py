"""Notices when the server can run a bot: asks `/healthz` without ever waiting for the answer."""

import http.client
import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

POLL_SECONDS = 0.02
ANSWER_SECONDS = 2.0
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """An answer of `/healthz`: can the server run a bot, and if not, why."""

    is_good: bool
    sentence: str = ""


class Probe:
    """One open question to the server at a time. It is asked before the web server listens: the kernel holds it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def answer(self) -> Health | None:
        """Return the answer to the last question, or None while there is none; ask when nothing is asked."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, ANSWER_SECONDS)
                self._socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % self._host())
            if not select.select([self._socket], [], [], 0)[0]:
                return None
            return self._read(self._socket)
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return None

    def _host(self) -> bytes:
        host, port = self._address
        return f"[{host}]:{port}".encode() if ":" in host else f"{host}:{port}".encode()

    def _read(self, connection: socket.socket) -> Health:
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = json.loads(response.read(65536))
        self.close()
        return Health(response.status == 200, str(body.get("error", "")))

    def close(self) -> None:
        """Drop the open question."""
        if self._socket:
            self._socket.close()
        self._socket = None


class Announce:
    """A tick of the launcher: calls `ready` once when the server can run a bot, and says once when that takes long."""

    def __init__(self, probe: Probe, *, ready: Callable[[], None], slow: Callable[[str], None]) -> None:
        self._probe = probe
        self._ready = ready
        self._slow = slow
        self._slow_at = time.monotonic() + PATIENCE_SECONDS
        self._is_over = False

    def __call__(self) -> float | None:
        """Ask; return the seconds until the next question, None when there is nothing more to ask."""
        if self._is_over:
            return None
        health = self._probe.answer()
        if health and health.is_good:
            self._is_over = True
            self._ready()
            return None
        if health and time.monotonic() > self._slow_at:
            self._slow_at = float("inf")
            self._slow(f"not ready yet: {health.sentence}")
        return POLL_SECONDS
