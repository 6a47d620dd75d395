"""Every template is complete, compiles, and does in a plain Python what its description says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from hal9_ide import gallery
from hal9_ide.gallery import Template, templates

SANDBOX = Path(__file__).parents[2] / "sandbox"

FAKE_OPENAI = """
import json
class Thing:
    def __init__(self, **fields): self.__dict__.update(fields)
class OpenAI:
    def __init__(self): self.chat = self.completions = self
    def create(self, model, messages, stream):
        for word in ("You said ", messages[-1]["content"], f" ({len(messages)})"):
            yield Thing(choices=[Thing(delta=Thing(content=word))])
"""


def chat(template_id: str, folder: Path, *messages: str, env: dict[str, str] | None = None) -> str:
    """Run a template once with these messages; return all that it printed."""
    for name, contents in templates()[template_id].files.items():
        (folder / name).write_bytes(contents)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        input="".join(message + "\n" for message in messages),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{folder}:{SANDBOX}", "PYTHONUTF8": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0 or "EOFError" in done.stderr, done.stderr
    return done.stdout


def test_echo_comes_first_and_is_two_lines() -> None:
    assert next(iter(templates())) == "echo"
    assert templates()["echo"].files == {"app.py": b'echo = input()\nprint(f"Echo: {echo}")\n'}


def test_the_gallery_holds_these_in_this_order() -> None:
    assert list(templates()) == ["echo", "memory", "counter", "countdown", "quiz", "chart", "markdown", "openai"]
    assert {path.name for path in gallery.ROOT.iterdir()} == set(templates())


@pytest.mark.parametrize("template", templates().values(), ids=templates().keys())
def test_a_template_is_complete(template: Template) -> None:
    assert template.title == template.title.strip() != ""
    assert re.fullmatch(r".{20,80}\.", template.description)
    assert gallery.ABOUT not in template.files
    assert "app.py" in template.files
    assert sum(map(len, template.files.values())) < 4_000
    assert len(template.files["app.py"].splitlines()) <= 40


@pytest.mark.parametrize("template", templates().values(), ids=templates().keys())
def test_files_of_a_template_can_be_read(template: Template) -> None:
    for name, contents in template.files.items():
        text = contents.decode("utf-8")
        assert text.endswith("\n")
        assert "\r" not in text
        if name.endswith(".py"):
            compile(text, name, "exec", dont_inherit=True)
        if name.endswith(".json"):
            json.loads(text)


@pytest.mark.parametrize("template", templates().values(), ids=templates().keys())
def test_its_settings_say_what_visitors_see(template: Template) -> None:
    if "hal9.yaml" not in template.files:
        return
    settings = yaml.safe_load(template.files["hal9.yaml"])
    assert set(settings) <= {"description", "examples", "welcome"}
    assert 10 < len(settings["description"]) < 100
    assert 1 <= len(settings["examples"]) <= 4
    assert all(isinstance(example, str) and len(example) < 60 for example in settings["examples"])


def test_orders_are_all_different() -> None:
    orders = [template.order for template in templates().values()]
    assert len(set(orders)) == len(orders)


def test_what_running_a_template_leaves_behind_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "one"
    for name in ("template.json", "app.py", "data/a.txt", ".storage/x.json", "__pycache__/app.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"title": "T", "description": "D.", "order": 1}')
    monkeypatch.setattr(gallery, "ROOT", tmp_path)
    assert list(gallery._template(folder).files) == ["app.py", "data/a.txt"]


def test_memory_remembers_in_the_next_run(tmp_path: Path) -> None:
    assert chat("memory", tmp_path, "sun") == "Give me a word: I remember: sun\n"
    assert chat("memory", tmp_path, "moon") == "Give me a word: I remember: sun, moon\n"


def test_counter_counts(tmp_path: Path) -> None:
    assert chat("counter", tmp_path, "a", "b", "c").splitlines()[1:] == ["1", "2", "3"]


@pytest.mark.parametrize(("message", "first"), [("3", "3"), ("soon", "10"), ("²", "10"), ("99999", "10")])
def test_countdown_ends_with_lift_off(message: str, first: str, tmp_path: Path) -> None:
    (tmp_path / "time.py").write_text("def sleep(seconds): assert seconds == 0.5\n")
    lines = chat("countdown", tmp_path, message).splitlines()
    assert lines[0] == f"Count down from which number? {first}"
    assert lines[-2:] == ["1", "🚀 Lift-off!"]


def test_quiz_keeps_the_score(tmp_path: Path) -> None:
    answers = {item["question"]: item["answer"] for item in json.loads(templates()["quiz"].files["questions.json"])}
    (tmp_path / "random.py").write_text("def shuffle(items): pass\n")
    shown = chat("quiz", tmp_path, "yes", *answers.values())
    assert shown.count("Right!") == 5
    assert shown.endswith("You got **5 of 5**. Say anything to play again.\n")
    assert chat("quiz", tmp_path, "yes", *["no"] * 5).count("No, the answer is") == 5


def test_chart_maker_saves_a_picture_and_a_table(tmp_path: Path) -> None:
    assert "chart of 2 numbers" in chat("chart", tmp_path, "apples 3, <pears & co>: 5.5")
    svg = ElementTree.fromstring((tmp_path / ".storage" / "chart.svg").read_text())
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["apples", "3", "<pears & co>", "5.5"]
    assert (tmp_path / ".storage" / "table.csv").read_text() == "name,number\napples,3.0\n<pears & co>,5.5\n"


@pytest.mark.parametrize("message", ["", "hello", "1 2 3", ";;,", "zero 0"])
def test_chart_maker_survives_other_messages(message: str, tmp_path: Path) -> None:
    assert chat("chart", tmp_path, message).count("\n") == 1


def test_markdown_shows_what_was_asked_for(tmp_path: Path) -> None:
    assert "Saturn" in chat("markdown", tmp_path, "a table please")
    assert "```python" not in chat("markdown", tmp_path, "table")
    assert chat("markdown", tmp_path, "?").count("\n\n") >= 3


def test_language_model_without_key_says_so_kindly(tmp_path: Path) -> None:
    assert "no key" in chat("openai", tmp_path)


def test_language_model_with_key_answers_and_remembers(tmp_path: Path) -> None:
    (tmp_path / "openai.py").write_text(FAKE_OPENAI)
    env = {"OPENAI_API_KEY": "k"}
    assert chat("openai", tmp_path, "hi", env=env) == "What is on your mind? You said hi (2)\n"
    assert chat("openai", tmp_path, "ho", env=env) == "What is on your mind? You said ho (4)\n"
