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
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """An answer of `/healthz`: can the server run a bot, and if not, why."""

    is_good: bool
    code: str = ""
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
        return Health(response.status == 200, str(body.get("code", "")), str(body.get("error", "")))

    def close(self) -> None:
        """Drop the open question."""
        if self._socket:
            self._socket.close()
        self._socket = None


class Announce:
    """A tick of the launcher: calls `ready` once when the server can run a bot, `failed` with a reason that stays."""

    def __init__(self, probe: Probe, *, ready: Callable[[], None], failed: Callable[[str], None]) -> None:
        self._probe = probe
        self._ready = ready
        self._failed = failed
        self._since: float | None = None
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
        if health and health.code == "sandbox_unavailable":
            self._note(health.sentence)
        return POLL_SECONDS

    def _note(self, sentence: str) -> None:
        """Take a reason for good when it has stood for a while: at the start it may only be that it is starting."""
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > PATIENCE_SECONDS:
            self._is_over = True
            self._failed(sentence)
