"""Say in one sentence why packages could not be had, from what uv wrote. Pure."""

import re
from dataclasses import dataclass

from sandbox.requirements import FILE, Wanted

LOG_CHARACTERS = 4_000

_NAME = r"[a-z0-9][a-z0-9._-]*"
_NOT_FOUND = re.compile(rf"({_NAME}) was not found in the (?:package registry|provided package locations)")
_NO_WHEEL = re.compile(
    rf"({_NAME})(?:[=<>!~][^ ,]*)? (?:has|have) no (?:usable )?wheels|Wheels are required for `({_NAME})`"
)
_NO_VERSION = re.compile(rf"there (?:is|are) no versions? of ({_NAME})|only ({_NAME})[=<>]\S+ (?:is|are) available")
_UNREACHABLE = re.compile(r"failed to fetch|error sending|connection|timed? ?out|dns error|status code", re.IGNORECASE)
_PASSWORD = re.compile(r"(://)[^/@\s]+@")


class PackagesFailed(Exception):
    """The packages of a bot could not be had. The text is a sentence for its author, with what to do."""

    def __init__(self, sentence: str, *, line: int | None = None, log: str = "") -> None:
        super().__init__(sentence)
        self.line = line
        """Of requirements.txt; None where no one line is to blame."""
        self.log = tidy(log)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the installing program ended."""

    status: int
    log: str
    killed_for: str | None = None
    """time or memory; None: it ended by itself."""


def failure(ending: Ending, wanted: tuple[Wanted, ...], *, seconds: float, megabytes: int) -> PackagesFailed:
    """Return what to tell the author."""
    if ending.killed_for == "time":
        sentence = f"Installing the packages took longer than {seconds:g} s, so it was ended. Ask for fewer."
        return PackagesFailed(sentence, log=ending.log)
    if ending.killed_for == "memory" or "os error 28" in ending.log or "No space left" in ending.log:
        sentence = f"The packages need more than the {megabytes} MB that an environment may have. Ask for fewer."
        return PackagesFailed(sentence, log=ending.log)
    for pattern, sentence in _ABOUT_ONE:
        found = pattern.search(ending.log)
        if found:
            name = next(filter(None, found.groups()))
            line = _line_of(name, wanted)
            place = "" if line is None else f" ({FILE}, line {line})"
            return PackagesFailed(sentence.format(name=name, place=place), line=line, log=ending.log)
    if "No solution found" in ending.log:
        sentence = f"The packages in {FILE} exclude each other. Loosen the versions; the log says which."
    elif _UNREACHABLE.search(ending.log):
        sentence = "The package index did not answer. Try again; if it stays so, tell the operator of this server."
    else:
        sentence = f"The packages could not be installed (status {ending.status}). The log says why."
    return PackagesFailed(sentence, log=ending.log)


_ABOUT_ONE = (
    (
        _NOT_FOUND,
        "There is no package {name} in the index{place}. Look at how it is spelled; it may differ from the name in "
        "`import`.",
    ),
    (
        _NO_WHEEL,
        "{name}{place} cannot be installed here: it has no ready-made wheel for this server's Python, and packages "
        "are not built from source. Ask for another version, or another package.",
    ),
    (_NO_VERSION, "There is no such version of {name}{place} for this server's Python. Ask for another, or for none."),
)


def tidy(log: str) -> str:
    """Return the end of a log without passwords in addresses."""
    return _PASSWORD.sub(r"\1", log)[-LOG_CHARACTERS:].strip()


def _line_of(name: str, wanted: tuple[Wanted, ...]) -> int | None:
    return next((one.line for one in wanted if one.name == name), None)
