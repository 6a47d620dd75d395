"""All that holds for a script in a sandbox of its own holds in a child of a zygote: the same tests, run that way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox import arena, pooled_arena, scenes
from tests.sandbox.arena import Arena, Outcome
from tests.sandbox.test_hostile import *  # noqa: F403
from tests.sandbox.test_hostile import ABSENT
from tests.sandbox.test_runner import *  # noqa: F403


@pytest.fixture(scope="module")
def ring() -> Iterator[Arena]:
    """The process that starts sandboxes, here in a pool."""
    made = Arena(pooled_arena.argv())
    yield made
    made.close()


@pytest.fixture(scope="module")
def run(ring: Arena) -> Callable[..., Outcome]:
    """Run a script in a child of the zygote."""

    def in_arena(script: str, **options: object) -> Outcome:
        return ring.call(arena.run, script, **options)

    return in_arena


def test_no_other_process_is_there(acts: dict[str, Any]) -> None:  # type: ignore[no-redef]
    """Not even the init, which a run without a zygote can see: /proc is mounted with hidepid."""
    assert acts["other_processes"] == []
    assert acts["init_memory"] in ABSENT
    assert acts["signals_to_init"] is False  # it cannot see that it is there, but went on


def test_siblings_do_not_see_each_other(ring: Arena) -> None:  # type: ignore[no-redef]
    first, second = ring.call(scenes.siblings)
    assert first == {"abstract": "done", "port": "done", "tmp": "done", "work": "done", "shared": "done", "pids": 1}
    assert [second[name] for name in ("abstract", "port")] == ["ECONNREFUSED"] * 2
    assert [second[name] for name in ("tmp", "work")] == ["ENOENT"] * 2
    assert (second["shared"], second["pids"]) == ("hello", 1)
