"""The guide for bot authors says what the code does: names, signatures, limits, and examples that run."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from hal9_ide.about import about
from sandbox.limits import GIB, MIB, Limits
from sandbox.manifest import welcome_of

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "bots.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def hal9(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "sandbox"))
    import hal9

    return hal9


def test_the_guide_names_every_function_with_its_parameters(hal9: ModuleType) -> None:
    documented = dict(re.findall(r"^\| `h9\.(\w+)\((.*?)\)` \|", GUIDE, re.MULTILINE))
    assert sorted(documented) == sorted(hal9.__all__)
    for name, parameters in documented.items():
        known = [str(each.replace(annotation=each.empty)) for each in signature_of(hal9, name)]
        assert parameters == ", ".join(known).replace("'", '"')


def signature_of(hal9: ModuleType, name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(getattr(hal9, name)).parameters.values())


def test_the_guide_says_the_limits_of_the_code() -> None:
    limits = Limits()
    table = GUIDE.partition("## Limits")[2]
    rows = {name: value for name, value in re.findall(r"^\| ([\w ]+?) \| (.*?) \|", table, re.MULTILINE)}
    assert rows["memory"] == f"{limits.memory_bytes // MIB} MB"
    assert rows["processes and threads"] == str(limits.processes)
    assert rows["open files"] == str(limits.open_files)
    assert rows["processor time per turn"] == f"{limits.cpu_turn_seconds:g} s"
    assert rows["a turn in all"] == f"{limits.turn_seconds:g} s"
    assert rows["waiting for a message"] == f"{limits.idle_seconds:g} s"
    assert rows["each folder"] == f"{limits.folder_bytes // MIB} MB, {limits.folder_files} files"
    assert rows["output per turn"] == (
        f"{limits.output_full_speed_bytes // MIB} MB at full speed, then "
        f"{limits.output_paced_bytes_per_second // MIB} MB a second, {limits.output_max_bytes // MIB} MB in all"
    )
    assert rows["messages in line"] == f"{limits.queue_messages}, or {limits.queue_bytes // 1024} kB"
    assert rows["start check of the rocket"] == f"{limits.check_seconds:g} s"
    assert limits.address_space_bytes == 4 * GIB  # a backstop, too far away to be told


@pytest.mark.parametrize(
    ("number", "typed", "shown"),
    [
        (0, "Ada\n", "What is your name? Hello **Ada**!\n"),
        (1, "sun\n", "Give me a word: I remember: sun\n"),
        (2, "a\nb\n", "1\n2\n"),
    ],
)
def test_the_examples_of_the_guide_do_what_it_says(number: int, typed: str, shown: str, tmp_path: Path) -> None:
    assert len(EXAMPLES) == 3
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES[number]],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "sandbox")},
        input=typed,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == shown


def test_the_settings_of_the_guide_are_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    keys = re.findall(r"^\| `(\w+)` \|", GUIDE.partition("| Key |")[2].partition("## ")[0], re.M)
    assert sorted(yaml.safe_load(example)) == sorted(keys)
    assert welcome_of(example.encode()) == "Hello! Ask me about **space**."
    assert about(example.encode()).description == "A quiz about the planets."
    assert len(about(example.encode()).examples) == 2
