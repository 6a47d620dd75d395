"""How often one address may do what creates something. Counted per web process: a brake, not a fence."""

import time
from collections import OrderedDict, deque

from flask import current_app, request

from hal9_ide.errors import Busy
from hal9_ide.settings import Settings

WINDOW_SECONDS = 60.0
ADDRESSES = 10_000


class Window:
    """Counts events per address in the last minute; the least recent addresses are forgotten."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def seconds_to_wait(self, address: str) -> float:
        """Count one event; return 0, or the seconds after which the next will be let through (then none is counted)."""
        now = time.monotonic()
        times = self._times.setdefault(address, deque())
        self._times.move_to_end(address)
        while len(self._times) > ADDRESSES:
            self._times.popitem(last=False)
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
        if len(times) >= self._per_minute:
            return times[0] + WINDOW_SECONDS - now
        times.append(now)
        return 0.0


def check_new_guest(settings: Settings) -> None:
    """Refuse an address that makes guests too fast. Raises Busy."""
    window = current_app.extensions.setdefault("hal9_new_guests", Window(settings.new_guests_per_minute))
    if wait := window.seconds_to_wait(request.remote_addr or ""):
        raise Busy(
            "Too many new guests from this address. Try again in a minute.",
            code="too_many_guests",
            seconds=int(wait) + 1,
        )
