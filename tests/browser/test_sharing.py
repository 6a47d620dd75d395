"""From the rocket to a stranger's phone, and back to an older version."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.pages import Ide, Visit
from tests.conftest import MakeAuthor
from tests.live import LiveServer
from tests.people import ECHO

ASKING = 'print("I am version {n}")\nwhile True:\n    print("{n} heard", input())\n'


def test_one_click_deploys_and_a_stranger_chats_on_a_phone(open_page: OpenPage) -> None:
    ide = Ide(open_page(permissions=["clipboard-read", "clipboard-write"])).is_open()
    link = ide.deploy()
    expect(ide.dialog.get_by_role("heading", name="Echo is live")).to_be_visible()
    assert ide.page.evaluate("navigator.clipboard.readText()") == link
    expect(ide.dialog.get_by_role("button", name="Copy")).to_be_focused()
    expect(ide.dialog.get_by_role("link", name="Open")).to_have_attribute("href", link)
    expect(ide.dialog.get_by_text("no QR code")).to_be_visible()  # a loopback address opens nothing on a phone

    stranger = Visit(open_page(link, viewport=PHONE, has_touch=True)).is_open()
    assert stranger.page.context.cookies() == []
    stranger.say("hello from afar")
    stranger.heard("Echo: hello from afar")
    assert stranger.page.context.cookies() == []
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert stranger.page.evaluate(sideways) == 0


def test_a_visitors_conversations_survive_a_reload_and_can_be_several_and_deleted(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    link = make_author(server).deploy(ECHO).url
    visit = Visit(open_page(link)).is_open()
    visit.say("first")
    visit.heard("Echo: first")
    visit.page.reload()
    visit.is_open()
    visit.heard("Echo: first")
    drawer = visit.page.get_by_role("complementary", name="Your conversations")
    expect(drawer.get_by_role("button", name="first", exact=True)).to_be_visible()
    drawer.get_by_role("button", name="New chat").click()
    expect(visit.replies).to_have_count(0)
    visit.say("second")
    visit.heard("Echo: second")
    drawer.get_by_role("button", name="first", exact=True).click()
    visit.heard("Echo: first")
    drawer.get_by_role("button", name="Delete first").click()
    expect(drawer.get_by_role("button", name="first", exact=True)).to_have_count(0)


def test_the_visitor_of_a_crashed_bot_sees_a_kind_sentence_and_no_traceback(
    open_page: OpenPage, make_author: MakeAuthor, server: LiveServer
) -> None:
    link = make_author(server).deploy("secret = input()\nprint('thinking')\nraise RuntimeError('do not show')\n").url
    visit = Visit(open_page(link)).is_open()
    visit.say("x")
    visit.heard("thinking")
    expect(visit.log).to_contain_text("Something went wrong in this bot")
    assert not re.search("Traceback|RuntimeError|do not show|app.py", visit.page.content())


def test_a_script_that_fails_its_start_check_is_refused_and_the_old_version_serves(open_page: OpenPage) -> None:
    ide = Ide(open_page(allowed=("422",))).is_open()
    link = ide.deploy()
    ide.close_dialog()
    ide.write("print(undefined)\n")
    ide.page.get_by_role("button", name=re.compile("^(Deploy|Live)$")).click()
    expect(ide.dialog.get_by_role("heading")).to_contain_text("was not deployed")
    expect(ide.dialog.get_by_role("region", name="Traceback")).to_contain_text("NameError")
    ide.dialog.get_by_role("button", name="Show line 1").click()
    expect(ide.editor).to_be_focused()
    visit = Visit(open_page(link)).is_open()
    visit.say("still?")
    visit.heard("Echo: still?")


def test_roll_back_while_a_chat_is_running(
    open_page: OpenPage, new_person: Callable[..., BrowserContext], make_author: MakeAuthor, server: LiveServer
) -> None:
    author = make_author(server)
    deployed = author.deploy(ASKING.format(n=1))
    author.put_file(deployed.bot, "app.py", ASKING.format(n=2))
    author.deploy(bot=deployed.bot)
    running = Visit(open_page(deployed.url)).is_open()
    running.heard("I am version 2")

    context = new_person()
    context.add_cookies([{"name": c.name, "value": c.value or "", "url": server.url} for c in author.http.cookies])
    page = context.new_page()
    page.goto(f"{server.url}/?bot={deployed.bot}")
    ide = Ide(page).is_open()
    page.get_by_role("button", name=re.compile("^Versions")).click()
    ide.dialog.get_by_role("button", name="Make version 1 live").click()
    expect(page.get_by_text("Version 1 is live")).to_be_visible()

    running.say("a")
    running.heard("2 heard a")
    later = Visit(open_page(deployed.url)).is_open()
    later.heard("I am version 1")


def test_who_can_open_it_and_a_new_link(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    old = ide.deploy()
    with ide.page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        ide.dialog.get_by_role("radio", name=re.compile("Only you")).check()
    visitor = open_page(old, allowed=("404",))
    expect(visitor.get_by_role("heading", name="This bot is private")).to_be_visible()
    with ide.page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        ide.dialog.get_by_role("radio", name=re.compile("Anyone with the link")).check()
    ide.dialog.get_by_role("button", name="New link").click()
    ide.page.get_by_role("button", name="Make a new link").click()
    field = ide.page.get_by_label("Link for visitors")
    expect(field).not_to_have_value(old.removeprefix("http://"))
    new = f"http://{field.input_value()}"
    gone = open_page(old, allowed=("404",))
    expect(gone.get_by_role("heading", name="There is no bot here")).to_be_visible()
    visit = Visit(open_page(new)).is_open()
    visit.say("x")
    visit.heard("Echo: x")
