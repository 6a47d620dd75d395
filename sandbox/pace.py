"""How fast and how much a turn may print: full speed at first, then a pace, then the end. Pure."""

from sandbox.limits import Limits


class Pace:
    """Counts the bytes of one turn."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = 0
        self._until = 0.0

    def add(self, size: int, now: float) -> None:
        """Count `size` bytes read at `now` (monotonic seconds)."""
        self._bytes += size
        if self._bytes > self._limits.output_full_speed_bytes:
            self._until = max(self._until, now) + size / self._limits.output_paced_bytes_per_second

    @property
    def is_over(self) -> bool:
        """Say whether the turn printed more than it may at all."""
        return self._bytes > self._limits.output_max_bytes

    def wait_seconds(self, now: float) -> float:
        """Return how long not to read; 0 when reading may go on."""
        return max(0.0, self._until - now)

    def lift(self) -> None:
        """Read the rest at full speed: the run has ended."""
        self._until = 0.0
