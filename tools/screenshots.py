"""Takes the pictures: docs/images/ide.png for the README, and every page in every look into build/screenshots."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import CHROMIUM, DESK, PHONE  # noqa: E402
from tests.browser.pages import Ide, Visit  # noqa: E402
from tests.live import LiveServer  # noqa: E402

CODE = """\
import hal9 as h9

words = h9.load("words", [])
word = input("Give me a word: ")
words.append(word)

print(f"I remember **{len(words)}** words:")
for word in words:
    print(f"- {word}")

h9.save("words", words, hidden=True)
"""
SHOTS = ROOT / "build" / "screenshots"
LOOKS = [("desk", DESK, "light"), ("desk", DESK, "dark"), ("phone", PHONE, "light"), ("phone", PHONE, "dark")]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield browser
        browser.close()


def remembering(page: Page) -> Ide:
    """Write the bot of the README and talk to it."""
    ide = Ide(page).is_open()
    ide.write(CODE)
    ide.run()
    for number, word in enumerate(("sun", "moon", "stars"), 1):
        ide.say(word)
        expect(ide.replies.last).to_contain_text(f"I remember {number} words")
    expect(page.get_by_role("banner").get_by_text("Saved", exact=True)).to_be_visible()
    page.mouse.move(0, 0)
    return ide


def readme_picture(browser: Browser, server: LiveServer, target: Path) -> None:
    """Take the README's picture, sharp on dense screens."""
    page = browser.new_page(viewport={"width": 1280, "height": 720}, device_scale_factor=1.5)
    page.goto(server.url)
    remembering(page)
    page.screenshot(path=target)
    page.close()


def shoot(page: Page, what: str) -> None:
    """Save what the page shows when it has come to rest."""
    page.wait_for_timeout(400)
    page.screenshot(path=SHOTS / f"{what}.png")


def ide_pictures(page: Page, look: str) -> str:
    """Take the IDE, and the dialog after the rocket; return the link."""
    ide = Ide(page)
    if look.startswith("phone"):
        expect(ide.editor).to_be_visible()
        shoot(page, f"ide-code-{look}")
        page.get_by_role("tab", name="Files").click()
        shoot(page, f"ide-files-{look}")
        page.get_by_role("tab", name="Chat").click()
    expect(ide.box).to_be_visible()
    ide.say("Hello")
    expect(ide.replies.last).to_contain_text("Echo: Hello")
    shoot(page, f"ide-{look}")
    page.get_by_role("button", name="Deploy", exact=True).click()
    link = f"http://{page.get_by_label('Link for visitors').input_value()}"
    shoot(page, f"share-{look}")
    return link


def visit_pictures(page: Page, look: str) -> None:
    """Take a bot's page before and after the first message."""
    visit = Visit(page).is_open()
    shoot(page, f"visit-empty-{look}")
    visit.say("Hello from afar")
    expect(visit.replies.last).to_contain_text("from afar")
    shoot(page, f"visit-{look}")


def every_look(browser: Browser, server: LiveServer) -> None:
    """Take each page at 1280 and 390 px, light and dark."""
    for name, viewport, scheme in LOOKS:
        look = f"{name}-{scheme}"
        context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        page, visited = context.new_page(), context.new_page()
        page.goto(server.url)
        visited.goto(ide_pictures(page, look))
        visit_pictures(visited, look)
        for address in ("devs", "login", "explore", "learn"):
            page.goto(f"{server.url}/{address}")
            shoot(page, f"{address}-{look}")
        context.close()


def main() -> None:
    """Take all pictures."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, LiveServer(Path(data)) as server, chromium() as browser:
        readme_picture(browser, server, ROOT / "docs" / "images" / "ide.png")
        every_look(browser, server)


if __name__ == "__main__":
    main()
