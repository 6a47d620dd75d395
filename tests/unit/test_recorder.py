"""The recorder's thread: what was handed over is written once, whoever still waits for it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from hal9_ide.settings import read_settings
from hal9_ide.store import migrate
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.recorder import StoreRecorder
from hal9_ide.store.write import Database


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[StoreRecorder]:
    settings = read_settings({"HAL9_IDE_DATA_DIR": str(tmp_path / "data")})
    migrate.upgrade(settings.database)
    database = Database(settings.database)
    made = StoreRecorder(database, Blobs(settings.blobs_dir), lambda *_: [])
    yield made
    made.close()
    database.close()


def test_a_waiter_that_was_cancelled_ends_nobody_elses_writing(recorder: StoreRecorder) -> None:
    is_busy, may_go_on, done = threading.Event(), threading.Event(), []

    def first(_session: object) -> None:
        is_busy.set()
        may_go_on.wait(10)

    async def wait_and_leave(job: "Future[None]") -> None:
        waiter = asyncio.ensure_future(asyncio.wrap_future(job))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)

    recorder._submit(first)
    assert is_busy.wait(10)
    abandoned = recorder._submit(lambda _session: done.append("abandoned"))
    asyncio.run(wait_and_leave(abandoned))
    may_go_on.set()
    later = recorder._submit(lambda _session: done.append("later"))
    later.result(10)
    assert done == ["abandoned", "later"]
