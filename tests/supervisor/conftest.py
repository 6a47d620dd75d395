"""One supervisor per test file, and makers of others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.supervisor.desk import Desk

MakeDesk = Callable[..., Desk]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A supervisor that the tests of a file share."""
    with TemporaryDirectory(prefix="desk-") as folder, Desk(Path(folder)) as made:
        yield made


@pytest.fixture
def make_desk() -> Iterator[MakeDesk]:
    """Make a supervisor with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Desk:
            folder = stack.enter_context(TemporaryDirectory(prefix="desk-"))
            named = {f"HAL9_IDE_{name.upper()}": str(value) for name, value in settings.items()}
            return stack.enter_context(Desk(Path(folder), named))

        yield make
