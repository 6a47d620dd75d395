"""What a browser sees: how soon a page is usable, how many bytes it takes, how long a reply takes to show."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request, sync_playwright

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
        milliseconds("IDE: page load to usable editor", [sample.seconds for sample in ide[1:]], aim="400"),
        ide[-1].figure("IDE: bytes of the page, compressed", "240"),
        milliseconds("Visitor: page load to usable box", [sample.seconds for sample in visit[1:]], aim="250"),
        visit[-1].figure("Visitor: bytes of the page, compressed", "40"),
        milliseconds("Visitor: Enter to the reply in the page", shown, aim="25"),
    ]


@dataclass(frozen=True, slots=True)
class Loaded:
    """One page as a new person opened it; bytes are bodies as they came, compressed."""

    seconds: float
    body_bytes: int
    header_bytes: int
    requests: int

    def figure(self, name: str, aim: str) -> Figure:
        """Return the bytes as a line of the table."""
        note = f"{self.requests} requests, their heads {self.header_bytes / 1000:.1f} kB more"
        return Figure(name, self.body_bytes / 1000, "kB", note=note, aim=aim)


def _load(browser: Browser, address: str, usable: str) -> Loaded:
    """Open a page as a new person and wait until `usable` takes the focus, then until nothing more is fetched."""
    context = browser.new_context()
    page = context.new_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108  it must be a Python function
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    box = page.locator(usable).first
    box.wait_for(state="visible")
    box.focus()
    seconds = time.perf_counter() - began
    page.wait_for_load_state("networkidle")
    sizes = [request.sizes() for request in finished]
    context.close()
    bodies = sum(size["responseBodySize"] for size in sizes)
    return Loaded(seconds, bodies, sum(size["responseHeadersSize"] for size in sizes), len(sizes))


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
