"""Look host names up without keeping the event loop waiting: the system's resolver, in threads that are counted."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread

THREADS = 32
"""getaddrinfo cannot be cut short: a lookup that nobody waits for keeps its thread until the system gives up."""

Resolve = Callable[[str, int], Sequence[str]]
"""(name, port) → addresses as text; blocking, raises OSError."""


def resolve(name: str, port: int) -> list[str]:
    """Return every address the system's resolver knows. Raises: OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class Resolver:
    """Looks names up for all runs of a server."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._threads = asyncio.Semaphore(THREADS)

    async def look_up(self, name: str, port: int, lookups: asyncio.Semaphore) -> list[str]:
        """Return the addresses of a name. The caller's place in `lookups` is kept until its thread ends.

        Raises: OSError, UnicodeError.
        """
        await lookups.acquire()
        try:
            await self._threads.acquire()
        except BaseException:
            lookups.release()
            raise
        lookup = _Lookup(self._resolve, name, port, (lookups, self._threads))
        lookup.start()
        return await lookup.answer


class _Lookup:
    """One call of the resolver in a thread of its own; a daemon, since it must not hold up the end of the process."""

    def __init__(self, resolve: Resolve, name: str, port: int, places: tuple[asyncio.Semaphore, ...]) -> None:
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[list[str]] = self._loop.create_future()
        self._resolve, self._name, self._port, self._places = resolve, name, port, places

    def start(self) -> None:
        """Begin; `answer` gets the addresses or the failure."""
        try:
            Thread(target=self._run, name="lookup", daemon=True).start()
        except RuntimeError as error:  # no thread left
            self._deliver([], OSError(str(error)))

    def _run(self) -> None:
        found: list[str] = []
        failure: Exception | None = None
        try:
            found = list(self._resolve(self._name, self._port))
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._deliver, found, failure)

    def _deliver(self, found: list[str], failure: Exception | None) -> None:
        for place in self._places:
            place.release()
        if self.answer.done():  # nobody waits any more
            return
        if failure is None:
            self.answer.set_result(found)
        else:
            self.answer.set_exception(failure)
