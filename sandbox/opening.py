"""A chat's opening: what the script says before it first asks, remembered, and not said again by every restart.

Pure apart from `save`, which puts the remembered opening on record.
"""

from collections.abc import Callable

from sandbox.frames import Segment
from sandbox.hold import OPENING_CHARACTERS, Hold
from sandbox.output import text_of

Known = tuple[str, str]
"""Text and prompt."""


class Opening:
    """Stands between a run's output and the chat until the script has asked once."""

    def __init__(self, known: Known | None, save: Callable[[Known | None], object]) -> None:
        self._known, self._save = known, save
        self._text: str | None = None
        self._hold: Hold | None = None

    def begin(self, by: str, has_welcome: bool) -> Hold | None:
        """Prepare for a new run; return what may hold its output back, None when nothing does."""
        self._text = None if by == "message" else ""
        self._hold = None
        if by == "message" and has_welcome:
            self._hold = Hold(None)
        elif by == "message" and self._known is not None:
            self._hold = Hold(self._known)
        return self._hold

    def add(self, segments: list[Segment]) -> list[Segment]:
        """Take output; return what is to be shown now."""
        if self._text is not None:
            self._text += text_of(segments)
            if len(self._text) > OPENING_CHARACTERS:
                self._forget()
        if self._hold is not None:
            segments = self._hold.add(segments)
            if segments:
                self._hold = None
        return segments

    def asks(self, prompt: str) -> tuple[list[Segment], str]:
        """Take the question; return the text and the prompt that are to be shown for it, either may be empty."""
        if self._text is not None:
            self._known, self._text = (self._text, prompt), None
            self._save(self._known)
        if self._hold is None:
            return [], prompt
        released = self._hold.asks(prompt)
        self._hold = None
        return ([], "") if released is None else (released, prompt)

    def release(self, hold: Hold) -> list[Segment]:
        """Return what `hold` kept; nothing when it was decided in the meantime."""
        if self._hold is not hold:
            return []
        self._hold = None
        return hold.release()

    def end(self) -> list[Segment]:
        """The run ended; return what is still held. An opening that never asked is forgotten."""
        if self._text is not None:
            self._forget()
        return self.release(self._hold) if self._hold is not None else []

    def _forget(self) -> None:
        self._text = self._known = None
        self._save(None)
