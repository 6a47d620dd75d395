"""What a person does on the two pages. Elements are found by role and label, as a screen reader finds them."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.live import LiveServer

RUN_KEYS = "Control+Enter"
SAID_SINCE = """log => {
  const all = [...log.querySelectorAll(".msg")]
  const last = all.findLastIndex(node => node.classList.contains("msg--person"))
  return all.slice(last + 1).map(node => node.querySelector(".msg__text")?.innerText ?? "").join("")
}"""


def letters(text: str) -> str:
    """Return a text without what Markdown draws differently: signs, spaces, line ends."""
    return re.sub(r"\W", "", text)


class Chat:
    """A conversation, on either page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = page.get_by_role("log", name="Conversation")
        self.box = page.locator("#say")

    @property
    def replies(self) -> Locator:
        """The bot's replies, files and buttons left out."""
        return self.log.get_by_role("article", name="Bot").locator(".msg__text")

    def say(self, text: str) -> None:
        """Write a message and press Enter; Shift+Enter between its lines."""
        self.box.fill(text)
        self.box.press("Enter")

    def said(self) -> str:
        """Return all that the bot has said since the last message, as letters."""
        return letters(str(self.log.evaluate(SAID_SINCE)))

    def heard(self, text: str) -> None:
        """Wait until the bot's last reply is `text`."""
        expect(self.replies.last).to_have_text(text.strip())

    def button(self, name: str) -> Locator:
        """Return the button beside the box: Send or Stop."""
        return self.page.locator("form.composer").get_by_role("button", name=name)


class Ide(Chat):
    """The page in which an author works."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.editor = page.locator(".cm-content")
        self.console = page.get_by_role("region", name="Console")
        self.run_button = page.get_by_role("banner").locator("#run")
        self.dialog = page.get_by_role("dialog")

    def is_open(self) -> "Ide":
        """Wait until the editor and the chat are there and a bot is loaded."""
        expect(self.editor).to_be_visible()
        expect(self.box).to_be_visible()
        expect(self.run_button).to_have_attribute("aria-disabled", "false")
        return self

    def write(self, code: str) -> None:
        """Replace the file on screen by `code`, as a paste does."""
        self.editor.focus()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)

    def run(self) -> None:
        """Press Ctrl+Enter in the editor, and wait until a new block is in the console."""
        before = self.console.get_by_role("region").count()
        self.editor.press(RUN_KEYS)
        expect(self.console.get_by_role("region").nth(before)).to_be_visible()

    def deploy(self) -> str:
        """Press the rocket; return the link that the dialog shows."""
        self.page.get_by_role("button", name="Deploy", exact=True).click()
        field = self.dialog.get_by_label("Link for visitors")
        expect(field).to_be_visible()
        return f"http://{field.input_value()}"

    def close_dialog(self) -> None:
        """Close the open dialog with Escape."""
        self.page.keyboard.press("Escape")
        expect(self.dialog).to_be_hidden()


class Visit(Chat):
    """A bot's page, as a visitor sees it."""

    def is_open(self) -> "Visit":
        """Wait until a message can be written."""
        expect(self.box).to_be_visible()
        return self


def new_ide(page: Page, server: LiveServer, bot: str = "") -> Ide:
    """Open the IDE, with one of the person's bots or as they left it."""
    page.goto(f"{server.url}/?bot={bot}" if bot else server.url)
    return Ide(page).is_open()
