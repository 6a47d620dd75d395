"""gunicorn's gevent worker, which ends at once: it says goodbye on sockets and drops connections that only wait.

As gunicorn ships it, a worker that was told to end waits for every idle keep-alive connection and every WebSocket until
`graceful_timeout`; a browser with a page open keeps both, so every restart took that long.
"""

from contextlib import suppress
from socket import SHUT_RD
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

LOOK_SECONDS = 0.1


class Worker(GeventWorker):  # type: ignore[misc]
    """A worker that knows which of its connections wait for a request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: set[Any] = set()

    def run(self) -> None:
        """Serve until told to end."""
        gevent.spawn(self._end_in_time)
        super().run()

    def _end_in_time(self) -> None:
        from hal9_ide.sockets import open_sockets  # noqa: PLC0415  after gevent has patched the library

        while self.alive:
            gevent.sleep(LOOK_SECONDS)
        open_sockets.end()
        while True:
            for client in list(self._idle):
                with suppress(OSError):
                    client.shutdown(SHUT_RD)  # wakes its greenlet, which finds the end and closes
            gevent.sleep(LOOK_SECONDS)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Serve one request of a connection."""
        self._idle.discard(sock)
        super().handle_request(listener_name, req, sock, addr)
        self._idle.add(sock)
