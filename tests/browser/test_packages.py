"""A package that is missing: offered where the bot crashed, installed by the next Run, its progress in the console."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import new_ide
from tests.conftest import MakeServer
from tests.wheelhouse import served


def test_a_failed_import_is_cured_with_two_clicks(
    make_server: MakeServer, new_person: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    with served(tmp_path) as house:
        house.add("tiny-greeting", "1.0", {"tiny_greeting.py": "def hello():\n    return 'hello'\n"})
        server = make_server(settings={"HAL9_IDE_PACKAGE_INDEX": house.url})
        ide = new_ide(new_person().new_page(), server)
        ide.write("import tiny_greeting\nprint(tiny_greeting.hello(), input())\n")
        ide.run()
        card = ide.log.get_by_role("region", name="Your bot stopped")
        expect(card).to_contain_text("No module named 'tiny_greeting'")
        expect(ide.console).to_contain_text("tiny_greeting is not installed for this bot")
        card.get_by_role("button", name="Add tiny-greeting to requirements.txt").click()
        expect(ide.page.get_by_role("tab", name=re.compile("requirements.txt"))).to_be_visible()
        expect(ide.editor).to_contain_text("tiny-greeting")
        ide.page.locator(".toast").get_by_role("button", name="Run").click()
        expect(ide.console).to_contain_text("packages: fetching tiny-greeting 1.0")
        ide.say("you")
        ide.heard("hello you")
