"""How many runs there may be at once, and who has to make room.

Pure bookkeeping. Over a limit, the run that has waited longest under that same limit ends `idle`; only if none waits is
the answer Busy.
"""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capacity:
    """Runs at once: in all, per author's drafts, per visitor, per bot."""

    server: int
    user: int = 8
    visitor: int = 3
    bot: int = 100


@dataclass(frozen=True, slots=True)
class Keys:
    """Whom a run counts against."""

    stage: str
    owner: str
    bot: str

    def groups(self, capacity: Capacity) -> list[tuple[tuple[str, str], int]]:
        """Return the groups a run is in, each with its limit."""
        person = ("user", capacity.user) if self.stage == "draft" else ("visitor", capacity.visitor)
        return [
            ((person[0], self.owner), person[1]),
            (("bot", self.bot), capacity.bot),
            (("server", ""), capacity.server),
        ]


class Slots:
    """The runs that are alive, by chat."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._groups: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._keys: dict[str, Keys] = {}
        self._waiting_since: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def waiting(self) -> int:
        """How many runs wait for input."""
        return len(self._waiting_since)

    def full_group(self, chat: str, keys: Keys) -> tuple[str, str] | None:
        """Return the first group in which there is no room for `chat`, or None."""
        if chat in self._keys:
            return None
        for group, limit in keys.groups(self._capacity):
            if len(self._groups.get(group, ())) >= limit:
                return group
        return None

    def longest_waiting(self, group: tuple[str, str]) -> str | None:
        """Return the chat of `group` whose run has waited longest, or None when none waits."""
        waiting = [chat for chat in self._groups[group] if chat in self._waiting_since]
        return min(waiting, key=self._waiting_since.__getitem__, default=None)

    def take(self, chat: str, keys: Keys) -> None:
        """Count a run."""
        self._keys[chat] = keys
        for group, _ in keys.groups(self._capacity):
            self._groups[group].add(chat)

    def release(self, chat: str) -> None:
        """Stop counting a run; nothing happens when it was not counted."""
        self._waiting_since.pop(chat, None)
        keys = self._keys.pop(chat, None)
        for group, _ in keys.groups(self._capacity) if keys else ():
            self._groups[group].discard(chat)
            if not self._groups[group]:
                del self._groups[group]

    def set_waiting(self, chat: str, since: float | None) -> None:
        """Note since when (monotonic seconds) a run waits; None: it works."""
        if since is None:
            self._waiting_since.pop(chat, None)
        elif chat in self._keys:
            self._waiting_since[chat] = since


def server_runs(memory_bytes: int) -> int:
    """Return how many runs a machine of `memory_bytes` may have: three quarters of it, 64 MiB for each."""
    return max(4, memory_bytes * 3 // 4 // (64 << 20))
