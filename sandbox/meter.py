"""How much of the network one run may use, and how much of it this turn has used."""

import asyncio
import time
from dataclasses import dataclass

MIB = 1 << 20
_BURST_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Caps:
    """The bounds of one run's way out."""

    connections: int = 16
    """At once. One more waits up to `wait_seconds` for a place."""
    connections_per_turn: int = 500
    """Refused ones are counted too."""
    up_bytes: int = 64 * MIB
    """Of one turn, TLS and headers included."""
    down_bytes: int = 256 * MIB
    bytes_per_second: int = 16 * MIB
    """Of the run, both directions together: everything passes through the process that also streams the chats."""
    wait_seconds: float = 10.0
    head_seconds: float = 10.0
    """From the connection to the end of the request's head."""
    idle_seconds: float = 300.0
    """A model may think for minutes before its first byte; a pooled connection is closed after this."""
    connection_seconds: float = 1800.0
    lookups: int = 4
    """Host names looked up at once."""


class OverCap(Exception):
    """A bound is reached; the text is a sentence for the author of the script."""


class Meter:
    """Counts one run."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._until = 0.0
        self.begin_turn()

    def begin_turn(self) -> None:
        """Count from zero again."""
        self._connections = self._up = self._down = 0
        self.is_silent = False
        """The author was told that the turn's connections are used up: further ones get no line of their own."""

    def add_connection(self) -> bool:
        """Count a connection; say whether it is within the turn's."""
        self._connections += 1
        return self._connections <= self._caps.connections_per_turn

    async def up(self, size: int) -> None:
        """Count bytes from the script, and wait while it is too fast. Raises: OverCap."""
        self._up += size
        if self._up > self._caps.up_bytes:
            raise OverCap(f"This bot may send {self._caps.up_bytes / MIB:g} MB in one turn, and has sent it")
        await self._keep_pace(size)

    async def down(self, size: int) -> None:
        """Count bytes to the script, and wait while they come too fast. Raises: OverCap."""
        self._down += size
        if self._down > self._caps.down_bytes:
            raise OverCap(f"This bot may receive {self._caps.down_bytes / MIB:g} MB in one turn, and has received it")
        await self._keep_pace(size)

    def check(self) -> None:
        """Refuse a connection where this turn's use is up. Raises: OverCap."""
        caps = self._caps
        if self._connections > caps.connections_per_turn:
            raise OverCap(f"This bot may make {caps.connections_per_turn} connections in one turn, and has made them")
        for used, most, done in ((self._up, caps.up_bytes, "send"), (self._down, caps.down_bytes, "receive")):
            if used > most:
                raise OverCap(f"This bot may {done} {most / MIB:g} MB in one turn, and that is used up")

    async def _keep_pace(self, size: int) -> None:
        """Always yields: a socket that never makes us wait would otherwise hold the event loop."""
        now = time.monotonic()
        self._until = max(self._until, now) + size / self._caps.bytes_per_second
        await asyncio.sleep(max(0.0, self._until - now - _BURST_SECONDS))
