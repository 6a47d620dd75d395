"""Real Chromium for the tests in this folder. A page that logs an error, or breaks its own policy, fails its test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.live import LiveServer

OpenPage = Callable[..., Page]
CHROMIUM = "/usr/bin/chromium"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder `browser`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start Debian's Chromium, with a home folder of its own so that nothing is written into ours.

    One for each file: Playwright's event loop runs in the main thread, and other tests want to start theirs there.
    """
    home = str(tmp_path_factory.mktemp("chromium"))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
        )
        yield started
        started.close()


class Watched:
    """What went wrong in a page: uncaught errors, console errors, broken policies."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.problems: list[str] = []
        self._allowed = allowed

    def watch(self, page: Page) -> None:
        """Note problems of `page` from now on."""
        page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location.get('url', '')})")

    def _note(self, problem: str) -> None:
        if not any(words in problem for words in self._allowed):
            self.problems.append(problem)


@pytest.fixture
def new_person(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts, each a person without cookies: `new_person(viewport=PHONE, color_scheme="dark")`.

    `allowed` are words of console errors that the test provokes on purpose.
    """
    made: list[tuple[BrowserContext, Watched]] = []

    def make(
        *, viewport: dict[str, int] | None = None, allowed: tuple[str, ...] = (), **options: Any
    ) -> BrowserContext:
        context = browser.new_context(viewport=viewport or DESK, **options)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        watched = Watched(allowed)
        context.on("page", watched.watch)
        made.append((context, watched))
        return context

    yield make
    for context, _ in made:
        context.close()
    problems = [problem for _, watched in made for problem in watched.problems]
    assert not problems, problems


@pytest.fixture
def open_page(new_person: Callable[..., BrowserContext], server: LiveServer) -> OpenPage:
    """Open a page of the shared server as a new person: `open_page("/b/…", viewport=PHONE)`."""

    def open_(address: str = "/", **options: Any) -> Page:
        page = new_person(**options).new_page()
        page.goto(address if address.startswith("http") else server.url + address)
        return page

    return open_
