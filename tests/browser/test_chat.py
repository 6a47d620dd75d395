"""The chat as a person meets it: hostile text, long text, scrolling, stopping, a lost connection."""

import json
import re
import subprocess
from pathlib import Path

from playwright.sync_api import Dialog, WebSocketRoute, expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import Visit
from tests.conftest import MakeAuthor
from tests.live import LiveServer

HOSTILE = Path(__file__).parents[1] / "js" / "hostile.js"
LINES = "import time\ninput()\nfor i in range(400):\n    print(f'Line {i} of many.\\n')\n    time.sleep(0.02)\n"
FROM_END = "log => log.scrollHeight - log.clientHeight - log.scrollTop"


def hostile_texts() -> list[str]:
    """Return the texts that the JavaScript tests use too."""
    script = f"import({json.dumps(HOSTILE.as_uri())}).then(all => console.log(JSON.stringify(all.HOSTILE)))"
    printed = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout
    texts: list[str] = json.loads(printed)
    return texts


def test_hostile_text_does_nothing(open_page: OpenPage, make_author: MakeAuthor, server: LiveServer) -> None:
    texts = hostile_texts()
    code = f"input()\nfor text in {texts!r}:\n    print(text, end='\\n\\n')\nprint('all shown')\n"
    visit = Visit(open_page(make_author(server).deploy(code).url)).is_open()
    dialogs: list[Dialog] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog)
        dialog.dismiss()

    visit.page.on("dialog", note)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.say("go")
    expect(visit.log).to_contain_text("all shown")
    visit.page.wait_for_timeout(300)
    assert not dialogs
    assert [url for url in asked if not url.startswith(server.url)] == []
    assert visit.log.locator("script, iframe, object, embed, form, input, style, [onload], [onerror]").count() == 0
    for link in visit.log.locator("a").all():
        assert re.match(r"https?:|mailto:|tel:|/f/", link.get_attribute("href") or "")


def test_a_reply_that_cannot_be_formatted_is_plain_and_spoils_no_other(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    texts = {"deep": "> " * 5000, "brackets": "[" * 20_000, "stars": "*a **b " * 5000, "ticks": "`" * 30_000}
    code = f"texts = {texts!r}\nwhile True:\n    word = input()\n    print(texts.get(word, '') + word)\n"
    visit = Visit(open_page(make_author(server).deploy(code).url)).is_open()
    for word in texts:
        visit.say(word)
        expect(visit.replies.last).to_contain_text(word)
    visit.say("**fine**")
    expect(visit.log.locator("strong", has_text="fine")).to_be_visible()
    visit.page.reload()
    expect(visit.log.locator("strong", has_text="fine")).to_be_visible()


def test_scrolling_up_lets_go_at_once_and_a_button_leads_back(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    visit = Visit(open_page(make_author(server).deploy(LINES).url)).is_open()
    visit.say("go")
    expect(visit.log).to_contain_text("Line 40 of many.")
    assert visit.log.evaluate(FROM_END) < 2
    visit.log.hover()
    visit.page.mouse.wheel(0, -200)
    expect(visit.page.get_by_role("button", name="New text")).to_be_visible()
    top = visit.log.evaluate("log => log.scrollTop")
    visit.page.wait_for_timeout(400)
    assert visit.log.evaluate("log => log.scrollTop") == top
    visit.page.get_by_role("button", name="New text").click()
    assert visit.log.evaluate(FROM_END) < 2
    visit.box.press("Escape")
    expect(visit.log.get_by_text("Stopped")).to_be_visible()


def test_ten_megabytes_leave_the_page_responsive(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    code = "input()\nfor i in range(120_000):\n    print(i, 'x' * 80)\nprint('the end')\n"
    visit = Visit(open_page(make_author(server).deploy(code).url)).is_open()
    visit.page.evaluate(
        "window.frames_seen = 0; (function count() { window.frames_seen += 1; requestAnimationFrame(count) })()"
    )
    visit.say("go")
    expect(visit.log).to_contain_text("the end", timeout=60_000)
    expect(visit.log).to_contain_text("Earlier output left out")
    assert visit.page.evaluate("window.frames_seen") > 20
    assert visit.page.evaluate("document.querySelectorAll('*').length") < 20_000
    visit.say("and again?")
    expect(visit.log.get_by_role("article", name="You").last).to_have_text("and again?")


class Line:
    """The connection of a page, which a test can cut: `page.route_web_socket(pattern, line.carry)`."""

    def __init__(self) -> None:
        self.is_cut = False
        self._open: list[WebSocketRoute] = []

    def carry(self, socket: WebSocketRoute) -> None:
        """Connect to the server, or close at once while the line is cut."""
        if self.is_cut:
            socket.close()
            return
        self._open.append(socket)
        socket.connect_to_server()

    def cut(self) -> None:
        """Close what is open and let nothing through."""
        self.is_cut = True
        while self._open:
            self._open.pop().close()


def test_a_message_written_while_the_connection_is_lost_is_sent_once_after_a_reload(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    code = "n = 0\nwhile True:\n    text = input()\n    n += 1\n    print(n, text)\n"
    link = make_author(server).deploy(code).url
    line = Line()
    visit = Visit(open_page(server.url + "/healthz"))
    visit.page.route_web_socket(re.compile("/ws$"), line.carry)
    visit.page.goto(link)
    visit.say("one")
    visit.heard("1 one")
    line.cut()
    expect(visit.log.get_by_text("Reconnecting")).to_be_visible()
    visit.say("two")
    expect(visit.log.get_by_text("Sent when the connection is back")).to_be_visible()
    visit.box.fill("a draft")
    visit.page.reload()
    expect(visit.log.get_by_text("two")).to_be_visible()
    line.is_cut = False
    visit.heard("2 two")
    expect(visit.box).to_have_value("a draft")
    visit.say("three")
    visit.heard("3 three")
    people = visit.log.get_by_role("article", name="You")
    expect(people).to_have_text(["one", "two", "three"])


def test_text_that_is_too_long_stays_in_the_box(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    visit = Visit(open_page(make_author(server).deploy("print(len(input()))\n").url)).is_open()
    visit.say("x" * 70_000)
    expect(visit.page.get_by_text("Too long: 69 kB of 64 kB")).to_be_visible()
    assert len(visit.box.input_value()) == 70_000
    visit.say("x" * 60_000)
    visit.heard("60000")
