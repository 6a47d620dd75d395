"""What a restarted script prints before it asks: held back while it only repeats the opening it showed before.

A stateless bot is started again by every message, and would greet every time. Pure: no clock, no frames.
"""

from sandbox.frames import Segment

HOLD_SECONDS = 2.0
OPENING_CHARACTERS = 64 * 1024


class Hold:
    """Text that may turn out to be the known opening.

    `opening` is (text, prompt) as shown before, or None: whatever comes before the first question is dropped (a
    `welcome` was shown instead).
    """

    def __init__(self, opening: tuple[str, str] | None) -> None:
        self._opening = opening
        self._held: list[Segment] = []
        self._length = 0

    def add(self, segments: list[Segment]) -> list[Segment]:
        """Take output; return what must be shown now: all that was held once a byte differs, else nothing."""
        for index, segment in enumerate(segments):
            if not self._fits(segment.text):
                released = self.release() + segments[index:]
                return released
            self._held.append(segment)
            self._length += len(segment.text)
        return []

    def asks(self, prompt: str) -> list[Segment] | None:
        """Decide at the question: None when it all was the opening again, else what must be shown."""
        if self._opening is None or (self._length, prompt) == (len(self._opening[0]), self._opening[1]):
            self._held.clear()
            return None
        return self.release()

    def release(self) -> list[Segment]:
        """Return all held text, from its start."""
        held, self._held = self._held, []
        return held

    def _fits(self, text: str) -> bool:
        if self._opening is None:
            return self._length + len(text) <= OPENING_CHARACTERS
        return self._opening[0].startswith(text, self._length)
