"""Fixtures of the sandbox tests: real sandboxes, started from a process of their own (arena.py)."""

from collections.abc import Callable, Iterator

import pytest

from tests.sandbox import arena
from tests.sandbox.arena import Arena, Outcome


@pytest.fixture(scope="session")
def ring() -> Iterator[Arena]:
    """The process that starts sandboxes."""
    made = Arena()
    yield made
    made.close()


@pytest.fixture(scope="session")
def run(ring: Arena) -> Callable[..., Outcome]:
    """Run a script in a sandbox: `run(script, stdin=…, files=…, limits=…, env=…)`, see arena.run."""

    def in_arena(script: str, **options: object) -> Outcome:
        return ring.call(arena.run, script, **options)

    return in_arena
