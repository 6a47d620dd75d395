"""Every script of tests/scripts, typed into the editor by its author, then deployed and used by a stranger."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WAIT_MS, OpenPage
from tests.browser.pages import Chat, Ide, Visit, letters
from tests.conftest import MakeAuthor
from tests.live import LiveServer, eventually
from tests.scripts import CRASHED, SCRIPTS, WAITING, Script, Step

MARKDOWN_NUMBERS = {"todo", "sales"}
"""Their replies are lists and tables, whose numbers and heads the browser draws."""


def shown(script: Script, text: str) -> str:
    """Return the letters of a reply, as far as the browser draws them as text."""
    text = letters(re.sub(r"^- \[.\]", "", text, flags=re.M))
    return "".join(c for c in text if not c.isdigit()) if script.id in MARKDOWN_NUMBERS else text


def follow(chat: Chat, script: Script, step: Step) -> None:
    """Do one step of a script's expected chat and see what it brings."""
    if step.says is not None:
        chat.say(step.says)
    wanted = shown(script, step.shows + step.later)
    wait = WAIT_MS / 1000 + step.later_seconds
    try:
        eventually(lambda: shown(script, chat.said()) == wanted, wait, what=f"{wanted!r} after {step.says!r}")
    except AssertionError as error:
        raise AssertionError(f"{error}; on the screen is:\n{chat.log.inner_text()}") from None
    if step.asks and any(c.isalnum() for c in step.asks):
        expect(chat.box).to_have_attribute("placeholder", step.asks.strip())
    for name in step.files:
        expect(chat.log).to_contain_text(name)


def steps(script: Script) -> list[Step]:
    """Return the steps that a person can do: an empty message is not sent by the page."""
    return [step for step in script.steps if step.says != ""]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.id)
def test_a_script_typed_into_the_editor(open_page: OpenPage, script: Script) -> None:
    ide = Ide(open_page()).is_open()
    for path, text in script.files.items():
        if path != "app.py":
            ide.page.locator("#upload-input").set_input_files(
                {"name": path, "mimeType": "text/plain", "buffer": text.encode()}
            )
            expect(ide.page.get_by_role("navigation", name="Files")).to_contain_text(path)
    ide.page.get_by_role("tab", name="app.py").click()
    ide.write(script.files["app.py"])
    ide.run()
    for step in steps(script):
        follow(ide, script, step)
        if step.then == CRASHED and step.error:
            card = ide.log.get_by_role("region", name="Your bot stopped").last
            expect(card).to_contain_text(f"{step.error.type}: {step.error.message}")
            expect(card.get_by_role("button", name=f"Show line {step.error.line}")).to_be_visible()
        expect(ide.run_button).to_have_text("Stop" if step.then == WAITING else "Run")
        if step.console:
            expect(ide.console).to_contain_text(step.console.strip())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.id)
def test_a_deployed_script(open_page: OpenPage, make_author: MakeAuthor, server: LiveServer, script: Script) -> None:
    link = make_author(server).deploy(script.files).url
    visit = Visit(open_page(link)).is_open()
    for step in steps(script):
        follow(visit, script, step)
        if step.then == CRASHED:
            expect(visit.log).to_contain_text("Something went wrong in this bot")
            assert step.error and step.error.type not in visit.page.content()
