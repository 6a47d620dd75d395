"""Read a bot's requirements.txt: what it may say, and one spelling for what it says. Pure.

Threat: the file is a stranger's, and pip's own format also holds options, paths and addresses: it could name another
index, read files of this machine, or build a source archive, which runs its code. So only plain requirements
(PEP 508: name, extras, versions, marker) get through, and every other line is refused with a sentence that names it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

FILE = "requirements.txt"
FILE_BYTES = 64 * 1024
LINES = 1000
LINE_CHARACTERS = 500
"""Long enough for any requirement; the parser's work and its depth grow with a line."""
PACKAGES = 200

_COMMENT = re.compile(r"(^|\s)#.*$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VCS = re.compile(r"\b(git|hg|svn|bzr)\+", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(whl|zip|egg|tar|tgz|tar\.\w+)$", re.IGNORECASE)
_INDEX_OPTION = re.compile(r"(-i|-f|--(index-url|extra-index-url|no-index|find-links|trusted-host|pre))\b")
_FILE_OPTION = re.compile(r"(-r|-c|--(requirement|constraint))\b")
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
"""PowerShell's `pip freeze > requirements.txt` writes UTF-16."""


class BadRequirements(ValueError):
    """The text is a sentence for the author; `line` counts from 1, None when it is about the whole file."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence if line is None else f"Line {line} of {FILE} {sentence}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Wanted:
    """One requirement."""

    text: str
    """Normalised: `name[extra]>=1; marker`."""
    name: str
    """As in the index: lower case, with hyphens."""
    line: int
    requirement: Requirement

    @property
    def applies(self) -> bool:
        """Whether its marker is true for the scripts' interpreter: the server runs under one like it (see Makefile)."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate({"extra": ""})


def parse(data: bytes) -> tuple[Wanted, ...]:
    """Return the requirements that apply here, in one order whatever the file's. Raises: BadRequirements."""
    found: dict[str, Wanted] = {}
    lines = _text(data).splitlines()
    if len(lines) > LINES:
        raise BadRequirements(f"{FILE} has more than {LINES} lines.")
    for number, line in enumerate(lines, 1):
        words = _COMMENT.sub("", line[: LINE_CHARACTERS + 1]).strip()
        if words:
            wanted = _wanted(words, number)
            if wanted.applies:
                found.setdefault(wanted.text, wanted)
    if len(found) > PACKAGES:
        raise BadRequirements(f"{FILE} asks for more than {PACKAGES} packages.")
    return tuple(sorted(found.values(), key=lambda wanted: (wanted.name, wanted.text)))


def text(wanted: tuple[Wanted, ...]) -> str:
    """Return the requirements as a file of our own spelling."""
    return "".join(f"{one.text}\n" for one in wanted)


def missing(wanted: tuple[Wanted, ...], installed: Mapping[str, str]) -> tuple[Wanted, ...]:
    """Return what `installed` (normal name → version) does not give already."""
    return tuple(one for one in wanted if not _is_given(one, installed))


def _is_given(one: Wanted, installed: Mapping[str, str]) -> bool:
    version = installed.get(one.name)
    if version is None or one.requirement.extras:
        return False
    try:
        return one.requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _text(data: bytes) -> str:
    if len(data) > FILE_BYTES:
        raise BadRequirements(f"{FILE} is larger than {FILE_BYTES >> 10} KiB.")
    mark, encoding = next((pair for pair in _BYTE_ORDER_MARKS if data.startswith(pair[0])), (b"", "utf-8"))
    try:
        return data.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        raise BadRequirements(f"{FILE} is not UTF-8 text.") from error


def _wanted(words: str, number: int) -> Wanted:
    if len(words) > LINE_CHARACTERS:
        raise BadRequirements(f"is longer than {LINE_CHARACTERS} characters.", number)
    refusal = _refusal(words)
    if refusal is not None:
        raise BadRequirements(refusal, number)
    try:
        requirement = Requirement(words)
    except (InvalidRequirement, RecursionError) as error:
        raise BadRequirements(f"is no package name with versions: {words[:80]!a}.", number) from error
    if requirement.url is not None or not _NAME.fullmatch(requirement.name):
        raise BadRequirements(_NO_ADDRESS, number)
    requirement.name = canonicalize_name(requirement.name)
    requirement.extras = {canonicalize_name(extra) for extra in requirement.extras}
    try:
        wanted = Wanted(str(requirement), requirement.name, number, requirement)
        _ = wanted.applies  # a marker that compares what cannot be compared fails only when it is asked
    except Exception as error:
        raise BadRequirements(f"has a condition that cannot be evaluated: {words[:80]!a}.", number) from error
    return wanted


_NO_ADDRESS = "names an address; packages come only from the index: write the package's name."


def _refusal(words: str) -> str | None:
    """Return why a line is no plain requirement, None where it may be one."""
    word = words.split(maxsplit=1)[0]
    if words.endswith("\\"):
        return "goes on in the next line; write each package on one line."
    if "${" in words:
        return "uses a variable; write the package's name and version."
    if word.startswith("-"):
        return _option_refusal(word)
    if " --" in words:
        option = words[words.index(" --") + 1 :].split("=", maxsplit=1)[0]
        return f"has options after the package; remove {option[:40]}."
    if _VCS.search(words):
        return "points to a repository; packages come only from the index: write the package's name."
    if "://" in words or "@" in words:
        return _NO_ADDRESS
    if "/" in word or "\\" in word or word.startswith(".") or _ARCHIVE.search(word):
        return "is a path; packages come only from the index: write the package's name."
    return None


def _option_refusal(word: str) -> str:
    shown = word.split("=", maxsplit=1)[0][:40]
    if word.startswith(("-e", "--editable")):
        return f"({shown}) asks for an editable installation; put the code into the bot's own files."
    if _INDEX_OPTION.match(word):
        return f"({shown}) is about the package index, which this server's operator chooses; remove it."
    if _FILE_OPTION.match(word):
        return f"({shown}) includes another file; write its packages here."
    return f"({shown}) is an option; only package names with versions are understood."
