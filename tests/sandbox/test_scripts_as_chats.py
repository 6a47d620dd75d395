"""The scripts of tests/scripts as chats of a real supervisor: all steps, over restarts of script and server."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.scripts import SCRIPTS, WAITING, Script, Step
from tests.supervisor.desk import Desk, Frame, Reader, text_of


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with TemporaryDirectory(prefix="desk-") as folder, Desk(Path(folder)) as made:
        yield made


def answer(step: Step, reader: Reader) -> tuple[Reader, list[Frame]]:
    """Take a step; return its frames up to its `waiting` or `end`."""
    if step.new_server:
        seq = max(frame["seq"] for frame in reader.frames)
        reader.desk.stop()
        reader.desk.start()
        reader = reader.desk.follow(reader.chat, after=seq)
    if step.says is not None:
        return reader, reader.say(step.says)
    reader.wait(lambda: any(frame["kind"] in ("waiting", "end") for frame in reader.frames), "opening")
    return reader, list(reader.frames)


def said(frames: list[Frame]) -> str:
    """All that the bot said, its questions included, in order."""
    return "".join(frame["text"] for frame in frames if frame["kind"] in ("output", "prompt"))


def check(step: Step, frames: list[Frame]) -> None:
    assert said(frames) == step.shows
    end = frames[-1]
    assert (end["kind"] if end["kind"] == WAITING else end["reason"]) == step.then
    prompts = [frame["text"] for frame in frames if frame["kind"] == "prompt"]
    assert (prompts or [""])[-1] == step.asks
    assert sorted(frame["name"] for frame in frames if frame["kind"] == "file") == sorted(step.files)
    if step.error is not None:
        error = end["error"]
        assert (error["type"], error["message"]) == (step.error.type, step.error.message)
        assert (error["file"], error["line"]) == (step.error.file, step.error.line)
    else:
        assert text_of(frames, "console") == step.console
    if step.gradual:
        assert sum(frame["kind"] == "output" for frame in frames) >= step.shows.count("\n")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.id)
def test_a_script_chats(script: Script, desk: Desk) -> None:
    reader = desk.open(script.files)
    for step in script.steps:
        reader, frames = answer(step, reader)
        check(step, frames)
        if step.later:
            wait_for_more(step, reader, len(reader.frames))


def wait_for_more(step: Step, reader: Reader, count: int) -> None:
    """What a timer or a thread says after the answer belongs to the same turn: no `input` or `start` in between."""
    reader.wait(lambda: said(reader.frames[count:]) == step.later, "what comes later", 5 + step.later_seconds)
    assert not {"input", "start", "end"} & {frame["kind"] for frame in reader.frames[count:]}
