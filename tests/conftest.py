"""Fixtures of all tests: live servers, people, browsers. A failing test prints the log of every server it used."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveServer
from tests.people import Author, Visitor

MakeServer = Callable[..., LiveServer]
MakeAuthor = Callable[..., Author]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with two web workers that tests share: use it, do not hurt it."""
    with LiveServer(tmp_path_factory.mktemp("server"), workers=2) as live:
        yield live


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with two web workers for one test file, which may kill any part of it."""
    with LiveServer(tmp_path_factory.mktemp("own"), workers=2) as live:
        yield live


@pytest.fixture
def make_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeServer]:
    """Make servers with settings of their own: `make_server(workers=1, settings={…}, start=False)`."""
    with ExitStack() as stack:

        def make(*, start: bool = True, folder: Path | None = None, **options: Any) -> LiveServer:
            live = LiveServer(folder or tmp_path_factory.mktemp("made"), **options)
            stack.callback(live.stop)
            if start:
                live.start()
            return live

        yield make


@pytest.fixture
def make_author() -> Iterator[MakeAuthor]:
    """Make authors on any server: `make_author(server)`, or signed in: `make_author(server, name="ada")`."""
    with ExitStack() as stack:

        def make(on: LiveServer, name: str = "") -> Author:
            link = on.command("login-link", "--user", name).strip() if name else ""
            return stack.enter_context(Author(on.url, login_link=link))

        yield make


@pytest.fixture
def author(server: LiveServer, make_author: MakeAuthor) -> Author:
    """A new guest on the shared server."""
    return make_author(server)


@pytest.fixture
def visit(server: LiveServer) -> Callable[[str], Visitor]:
    """Make a stranger who has a bot's link on the shared server: `visit(deployed.key)`."""
    return lambda key: Visitor(server.url, key)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the servers' logs to the report of a failed test."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, LiveServer):
                report.sections.append((f"log of {name}", value.log()))
    return report
