"""What a browser sees: how soon a page is usable, how many bytes it takes, how long a reply takes to show."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.chats import LOOP
from bench.figures import Figure, milliseconds
from tests.people import Author

CHROMIUM = "/usr/bin/chromium"
ROUNDS = 9
TYPED = 20


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield browser
        browser.close()


def measure(author: Author, url: str, _folder: Path) -> list[Figure]:
    """Return the figures of the IDE's page and of a visitor's."""
    link = author.deploy(LOOP).url
    with chromium() as browser:
        ide = [_load(browser, url, ".cm-content") for _ in range(ROUNDS)]
        visit = [_load(browser, link, "textarea") for _ in range(ROUNDS)]
        shown = _enter_to_reply(browser, link)
    return [
        milliseconds("IDE: page load to usable editor", [sample[0] for sample in ide[1:]], aim="400"),
        Figure("IDE: bytes of the page, compressed", ide[-1][1] / 1000, "kB", note=_parts(ide[-1]), aim="240"),
        milliseconds("Visitor: page load to usable box", [sample[0] for sample in visit[1:]], aim="250"),
        Figure("Visitor: bytes of the page, compressed", visit[-1][1] / 1000, "kB", note=_parts(visit[-1]), aim="40"),
        milliseconds("Visitor: Enter to the reply in the page", shown, aim="25"),
    ]


Loaded = tuple[float, int, int]


def _parts(loaded: Loaded) -> str:
    return f"{loaded[2]} requests"


def _load(browser: Browser, address: str, usable: str) -> Loaded:
    """Open a page as a new person; return (seconds until `usable` takes focus, bytes received, requests)."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    box = page.locator(usable).first
    box.wait_for(state="visible")
    box.focus()
    seconds = time.perf_counter() - began
    page.wait_for_load_state("networkidle")
    context.close()
    return seconds, sum(received), len(received)


WATCH = """
expected => new Promise(done => {
  const log = document.querySelector('[role="log"], .chat__log, main')
  const seen = () => log.textContent.includes(expected)
  const watcher = new MutationObserver(() => { if (seen()) { watcher.disconnect(); done(performance.now()) } })
  watcher.observe(log, { childList: true, subtree: true, characterData: true })
  if (seen()) done(performance.now())
})
"""


ENTERED = """() => {
  window.enteredAt = 0
  addEventListener("keydown", () => { window.enteredAt = performance.now() }, { once: true, capture: true })
}"""


def _enter_to_reply(browser: Browser, link: str) -> list[float]:
    """Type into the visitor's page; return the seconds from Enter until each reply is in the document."""
    page = browser.new_page()
    page.goto(link)
    box = page.locator("textarea").first
    samples = [_say(page, box, f"word{number}") for number in range(TYPED + 1)]
    page.close()
    return samples[1:]


def _say(page: Page, box: Any, word: str) -> float:
    box.fill(word)
    page.evaluate(ENTERED)
    page.evaluate(f"() => {{ window.shown = ({WATCH})('Echo: {word}') }}")  # a promise as its value would be waited for
    box.press("Enter")
    seconds: float = page.evaluate("shown.then(at => (at - enteredAt) / 1000)")
    page.wait_for_timeout(50)
    return seconds
