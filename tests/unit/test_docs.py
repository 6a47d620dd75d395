"""The documents say what the code says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hal9_ide.protocol import CLIENT_FRAMES, SERVER_FRAMES, Frame
from hal9_ide.settings import Entry, catalogue

ROOT = Path(__file__).resolve().parents[2]
DOCS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
FRAMES = {frame.__name__.lower(): frame for frame in (*CLIENT_FRAMES, *SERVER_FRAMES)}
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def settings_rows() -> dict[str, tuple[str, str, str]]:
    """Return setting → (default, unit, meaning) as docs/settings.md lists them."""
    rows = re.findall(r"^\| `(HAL9_\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", (ROOT / "docs/settings.md").read_text(), re.M)
    return {name: (default.strip("`").replace("empty", ""), unit, meaning) for name, default, unit, meaning in rows}


def section(kind: str) -> str:
    """Return the part of docs/protocol.md about one kind of frame."""
    return re.split(r"^##", PROTOCOL.partition(f"\n### {kind}\n")[2], maxsplit=1, flags=re.M)[0]


def test_every_setting_is_documented_and_no_other() -> None:
    assert sorted(settings_rows()) == sorted(entry.name for entry in catalogue())


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_a_setting_has_the_default_and_unit_of_the_code(entry: Entry) -> None:
    default, unit, meaning = settings_rows()[entry.name]
    assert default == entry.default
    assert unit == entry.unit or not entry.unit
    assert meaning.endswith(".")


def test_every_frame_is_documented_and_no_other() -> None:
    assert re.findall(r"^### (\w+)$", PROTOCOL, re.M) == list(FRAMES)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_has_the_fields_of_the_code(kind: str) -> None:
    fields = re.findall(r"^\| `(\w+)` \|", section(kind), re.M)
    assert fields == [field.encode_name for field in msgspec.structs.fields(FRAMES[kind])]


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frames_example_is_such_a_frame(kind: str) -> None:
    frame: type[Frame] = FRAMES[kind]
    (example,) = re.findall(r"```json\n(.*?)\n```", section(kind), re.S)
    assert isinstance(msgspec.json.decode(example, type=frame), frame)
    assert set(json.loads(example)) <= {field.encode_name for field in msgspec.structs.fields(frame)} | {"kind"}


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text()) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_readme_begins_with_a_sentence_a_picture_and_two_commands() -> None:
    first_screen = (ROOT / "README.md").read_text().split("\n## ")[0]
    assert re.search(r"^!\[.+\]\(docs/images/ide\.png\)$", first_screen, re.M)
    assert re.findall(r"^make \w+", first_screen, re.M) == ["make run", "make test"]
    assert len(first_screen.splitlines()) <= 20


def test_make_alone_lists_every_target_that_documents_name() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = {word for path in DOCS for word in re.findall(r"`make ([a-z]+)", path.read_text())}
    assert {"run", "test", "setup"} <= named
    assert [word for word in sorted(named) if not re.search(rf"^make {word} ", listed, re.M)] == []


def test_the_changelog_begins_with_the_version() -> None:
    assert re.search(r"^## \d+\.\d+\.\d+ ", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_every_command_in_the_help_is_in_the_operators_guide() -> None:
    shown = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    commands = re.findall(r"^    ([a-z][a-z-]+)  ", shown.stdout, re.M)
    guide = (ROOT / "docs/operating.md").read_text()
    assert len(commands) >= 7
    assert [command for command in commands if f"app.py {command}" not in guide] == []
