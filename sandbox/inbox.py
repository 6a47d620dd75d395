"""Messages of a chat that were accepted and not yet taken: bounded, in order of acceptance. Pure."""

from collections import deque
from dataclasses import dataclass

from sandbox.limits import Limits
from sandbox.turns import Input


@dataclass(frozen=True, slots=True)
class Message:
    """A message with the id its sender chose."""

    id: str
    text: str
    uploads: list[str]

    @property
    def input(self) -> Input:
        """The message as a turn keeps it."""
        return self.id, self.text, self.uploads


class Inbox:
    """The queue of one chat, and what a stop took out of it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._queue: deque[Message] = deque()
        self._cancelled: list[Message] = []

    def __len__(self) -> int:
        return len(self._queue)

    def has_room_for(self, message: Message) -> bool:
        """Say whether one more fits."""
        queued_bytes = sum(len(waiting.text.encode()) for waiting in (*self._queue, message))
        return len(self._queue) < self._limits.queue_messages and queued_bytes <= self._limits.queue_bytes

    def add(self, message: Message) -> None:
        """Put a message at the end."""
        self._queue.append(message)

    def take(self) -> Message:
        """Remove and return the oldest."""
        return self._queue.popleft()

    def cancel(self) -> None:
        """Take all out; nobody will get them."""
        self._cancelled += self._queue
        self._queue.clear()

    @property
    def has_cancelled(self) -> bool:
        """Say whether messages that were taken out wait to be put on record."""
        return bool(self._cancelled)

    def pop_cancelled(self) -> list[Message]:
        """Return the messages that were taken out, once."""
        cancelled, self._cancelled = self._cancelled, []
        return cancelled
