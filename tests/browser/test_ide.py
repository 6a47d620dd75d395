"""An author's first minutes: open, talk, edit, run, stop, crash."""

import re
import secrets

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import Ide
from tests.live import LiveServer


def test_the_first_visit_is_a_working_bot_with_its_chat_open(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    expect(ide.editor).to_contain_text('print(f"Echo: {echo}")')
    expect(ide.page.get_by_role("button", name="Stop").first).to_be_visible()  # it runs already
    ide.say("hello")
    ide.heard("Echo: hello")
    expect(ide.page).to_have_title(re.compile("Echo - Hal9 IDE"))


def test_edit_run_and_the_reply_is_the_new_one(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.write('name = input("Your name? ")\nprint(f"Good day, {name}")\n')
    ide.run()
    ide.heard("Your name?")
    expect(ide.box).to_have_attribute("placeholder", "Your name?")
    ide.say("Ada")
    ide.heard("Good day, Ada")


def test_what_is_written_is_saved_without_a_key_and_survives_a_reload(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    expect(ide.page.get_by_role("banner").get_by_text("Saved", exact=True)).to_be_visible()
    with ide.page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        ide.write("print('kept')\n")
    ide.page.reload()
    ide.is_open()
    expect(ide.editor).to_contain_text("print('kept')")


def test_a_reload_keeps_the_conversation(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.say("one")
    ide.heard("Echo: one")
    ide.say("two")
    ide.heard("Echo: two")
    ide.page.reload()
    ide.is_open()
    expect(ide.replies).to_have_text(["Echo: one", "Echo: two"])


def test_stop_ends_the_script_and_keeps_what_was_said(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.write("import time\ninput()\nfor n in range(1000):\n    print('tick', n)\n    time.sleep(0.1)\n")
    ide.run()
    ide.say("go")
    expect(ide.replies.last).to_contain_text("tick 3")
    ide.button("Stop").click()
    expect(ide.log).to_contain_text(re.compile("stopped", re.I))
    expect(ide.run_button).to_have_text("Run")
    expect(ide.replies.last).to_contain_text("tick 3")
    expect(ide.console).to_contain_text("stopped by you")


def test_a_crash_says_where_and_its_link_moves_the_cursor_there(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.write("import sys\nprint('a word to stderr', file=sys.stderr)\ninput()\n\nprint(missing)\n")
    ide.run()
    ide.say("x")
    expect(ide.log.get_by_role("region", name="Your bot stopped")).to_contain_text("NameError")
    expect(ide.console).to_contain_text("a word to stderr")
    expect(ide.console).to_contain_text("name 'missing' is not defined")
    ide.page.keyboard.press("Control+Home")
    ide.console.get_by_role("button", name=re.compile("app.py.*line 5")).click()
    expect(ide.editor).to_be_focused()
    expect(ide.page.get_by_role("button", name=re.compile("Ln 5"))).to_be_visible()


def test_a_message_sent_while_the_bot_is_busy_waits_for_its_turn(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.write("import time\nwhile True:\n    word = input()\n    time.sleep(0.7)\n    print('done', word)\n")
    ide.run()
    ide.say("first")
    ide.say("second")
    expect(ide.replies).to_have_text(["done first", "done second"])


def test_several_files_and_a_rename(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    files = ide.page.get_by_role("navigation", name="Files")
    files.get_by_role("button", name="New file").click()
    ide.page.keyboard.type("greet.py")
    ide.page.keyboard.press("Enter")
    expect(ide.page.get_by_role("tab", name="greet.py")).to_have_attribute("aria-selected", "true")
    ide.write("def greet(name):\n    return 'Hej ' + name\n")
    ide.page.get_by_role("tab", name="app.py").click()
    ide.write("import greet\nprint(greet.greet(input()))\n")
    ide.run()
    ide.say("Bo")
    ide.heard("Hej Bo")


def test_a_save_that_lost_a_race_is_shown_and_not_written(open_page: OpenPage) -> None:
    ide = Ide(open_page(allowed=("412",))).is_open()
    other = ide.page.context.new_page()
    there = Ide(other)
    other.goto(ide.page.url)
    there.is_open()
    with other.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        there.write("print('theirs')\n")
    ide.write("print('mine')\n")
    expect(ide.page.get_by_role("banner").get_by_text("Changed elsewhere")).to_be_visible()
    expect(ide.page.get_by_role("button", name="Keep mine")).to_be_visible()
    bot = ide.page.url.partition("bot=")[2]
    kept = ide.page.request.get(f"{ide.page.url.partition('?')[0]}api/v1/bots/{bot}/files/app.py")
    assert kept.text() == "print('theirs')\n"


def test_a_long_flood_of_output_leaves_the_page_alive(open_page: OpenPage) -> None:
    ide = Ide(open_page()).is_open()
    ide.write("input()\nfor n in range(100_000):\n    print('line', n, 'x' * 90)\nprint('the end')\n")
    ide.run()
    ide.say("go")
    expect(ide.replies.last).to_contain_text("the end", timeout=60_000)
    ide.say("still there?")
    expect(ide.box).to_have_value("")


def test_the_network_policy_is_chosen_in_a_dialog(open_page: OpenPage, server: LiveServer) -> None:
    ide = Ide(open_page(server.command("login-link", "--user", f"net-{secrets.token_hex(4)}").strip()))
    ide.page.get_by_role("button", name="Sign in").click()
    ide.page.wait_for_url(f"{server.url}/")
    ide.is_open()
    ide.page.get_by_role("button", name="Network").click()
    dialog = ide.page.get_by_role("dialog")
    expect(dialog.get_by_label("The public internet")).to_be_checked()
    dialog.get_by_label("These hosts").check()
    dialog.get_by_label("Hosts, one on a line").fill("api.example.org")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    ide.page.get_by_role("button", name="Network").click()
    expect(dialog.get_by_label("Hosts, one on a line")).to_have_value("api.example.org")
