"""Whom a bot may reach: nobody, hosts on a list, or the public internet. Pure.

On record it is a JSON list: `[]` is off, `["*"]` the public internet, anything else names hosts. An entry is `host`
(both ports), `host:port`, `.host` or `*.host` (what stands below that host, not the host itself). A policy only
narrows: also a host on the list must have public addresses.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.targets import BadTarget, Target, bracketed, from_authority

PORTS = (443, 80)
ENTRIES = 100
PUBLIC_WORD = "*"


class BadPolicy(ValueError):
    """The text is a sentence about the entry that is wrong."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    host: str
    port: int | None
    """None: any port that the guard lets through."""
    is_suffix: bool

    def covers(self, target: Target) -> bool:
        """Say whether it names `target`."""
        if self.port not in (None, target.port):
            return False
        return target.host.endswith("." + self.host) if self.is_suffix else target.host == self.host

    def __str__(self) -> str:
        host = f".{self.host}" if self.is_suffix else bracketed(self.host)
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom one bot may reach."""

    entries: tuple[Entry, ...] = ()
    is_public: bool = False

    @property
    def name(self) -> str:
        """What people call it: off, list or public."""
        return "public" if self.is_public else "list" if self.entries else "off"

    @property
    def record(self) -> list[str]:
        """The JSON list that `parse` reads."""
        return [PUBLIC_WORD] if self.is_public else [str(entry) for entry in self.entries]

    def refusal(self, target: Target) -> str | None:
        """Return why `target` may not be reached, in words for the author of the script, or None when it may."""
        if self.is_public or any(entry.covers(target) for entry in self.entries):
            return None
        if not self.entries:
            return "This bot may not use the network (policy: off)"
        return "This bot may only reach the hosts on its list (policy: list)"


OFF = Policy()
PUBLIC = Policy(is_public=True)


def parse(record: Iterable[str]) -> Policy:
    """Return the policy that a list of entries states. Raises: BadPolicy."""
    words = [word.strip() for word in record]
    if PUBLIC_WORD in words:
        if len(words) > 1:
            raise BadPolicy("* stands for the whole public internet, so it must be the only entry.")
        return PUBLIC
    if len(words) > ENTRIES:
        raise BadPolicy(f"A list may have at most {ENTRIES} hosts.")
    return Policy(tuple(dict.fromkeys(_entry(word) for word in words)))


def _entry(word: str) -> Entry:
    is_suffix = word.startswith((".", "*."))
    rest = word.removeprefix("*").removeprefix(".") if is_suffix else word
    try:
        target = from_authority(rest, default_port=0)
    except BadTarget as error:
        raise BadPolicy(f"{word[:80]!r} is not a host or host:port: {error}.") from error
    return Entry(target.host, target.port or None, is_suffix)


def parse_trusted(words: Iterable[str]) -> frozenset[Target]:
    """Return the `host:port` pairs that the guard lets through whatever their address. Raises: BadTarget."""
    return frozenset(from_authority(word) for word in words)
