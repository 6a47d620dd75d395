"""axe finds nothing to complain about, and the keyboard reaches everything."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.pages import Ide, Visit
from tests.conftest import MakeAuthor
from tests.live import LiveServer

CRASHING = 'print("**Hello** `code`\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |")\ninput()\nprint(missing)\n'
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def violations(page: Page) -> list[str]:
    """Return what axe finds on the page as it is now: rule, and the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


@SCHEMES
def test_the_ide_has_no_violation(open_page: OpenPage, scheme: str) -> None:
    ide = Ide(open_page(color_scheme=scheme)).is_open()
    ide.write(CRASHING)
    ide.run()
    ide.say("x")
    expect(ide.log.get_by_role("region", name="Your bot stopped")).to_be_visible()
    assert violations(ide.page) == []


@SCHEMES
def test_the_ide_with_the_share_dialog_open_has_no_violation(open_page: OpenPage, scheme: str) -> None:
    ide = Ide(open_page(color_scheme=scheme)).is_open()
    ide.deploy()
    assert violations(ide.page) == []


@SCHEMES
@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desk", "phone"])
def test_the_visitors_page_has_no_violation(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer, scheme: str, viewport: dict[str, int] | None
) -> None:
    link = make_author(server).deploy(CRASHING).url
    visit = Visit(open_page(link, color_scheme=scheme, viewport=viewport)).is_open()
    expect(visit.replies.last).to_contain_text("Hello")
    visit.say("x")
    expect(visit.log).to_contain_text("Something went wrong in this bot")
    assert violations(visit.page) == []


@SCHEMES
@pytest.mark.parametrize("address", ["/login", "/devs", "/explore", "/learn"])
def test_the_other_pages_have_no_violation(open_page: OpenPage, scheme: str, address: str) -> None:
    page = open_page(address, color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert violations(page) == []


def test_the_ide_on_a_phone_has_no_sideways_scroll_and_three_views(open_page: OpenPage) -> None:
    ide = Ide(open_page(viewport=PHONE))
    expect(ide.editor).to_be_visible()
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for view, there in (("Chat", ide.box), ("Files", ide.page.locator("#files")), ("Code", ide.editor)):
        ide.page.get_by_role("tablist", name="View").get_by_role("tab", name=view).click()
        expect(there).to_be_visible()
        assert ide.page.evaluate(sideways) == 0
    assert violations(ide.page) == []


def test_the_finished_reply_is_announced_once_by_a_region_of_its_own(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    expect(ide.log).to_have_attribute("aria-live", "off")
    ide.say("hear this")
    ide.heard("Echo: hear this")
    expect(ide.page.get_by_role("status").filter(has_text="Echo: hear this")).to_have_count(1)


def test_escape_then_tab_leaves_the_editor(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.editor.focus()
    ide.page.keyboard.press("Escape")
    ide.page.keyboard.press("Tab")
    expect(ide.editor).not_to_be_focused()
