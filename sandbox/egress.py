"""The way out of a sandbox: a proxy that listens inside the run's own network namespace and connects from outside it.

The run has no route and no name server. What it has is a listener on 127.0.0.1:3128 of its own, made before the script
begins and passed to us as a descriptor: whoever connects there is that run and nobody else, so nothing has to be
authenticated. We accept here, judge, and connect in the supervisor's network.

    CONNECT host:443        a tunnel; TLS stays between the script and the host
    GET http://host/path    one plain request to port 80, passed on with its body
    GET http://hal9.internal/path    answered by us under every policy (internal.py)
"""

import asyncio
import os
import socket
from collections.abc import Callable

import structlog

from sandbox import internal
from sandbox.dialer import Dialer
from sandbox.exchange import Way, serve
from sandbox.internal import Caller, Handler
from sandbox.listen import PORT
from sandbox.meter import Caps, Meter
from sandbox.peer import Peer
from sandbox.targets import Target

log = structlog.get_logger()

MOST_CONNECTIONS = 4000
"""Of all runs; each takes two descriptors."""
_OVER_CAP_SECONDS = 0.1
"""Between accepts once the turn's connections are used up: a script that only connects must not keep us busy."""
_NO_DESCRIPTOR_SECONDS = 0.5

_PROXY = f"http://127.0.0.1:{PORT}"
_OWN_SERVERS = "localhost,127.0.0.1,::1"
"""Not proxied: in there they are the run's own, so a script can talk to a server it started itself."""

ENVIRONMENT = {
    **{name: _PROXY for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")},
    **{name: _OWN_SERVERS for name in ("NO_PROXY", "no_proxy")},
}
"""What a run with a listener gets: how every HTTP client finds its proxy."""


class Egress:
    """The ways out of all runs of a server. Use it from one event loop."""

    def __init__(
        self, dialer: Dialer, *, handler: Handler = internal.answer, most_connections: int = MOST_CONNECTIONS
    ) -> None:
        self._dialer, self._handler = dialer, handler
        self._connections = asyncio.Semaphore(most_connections)

    def open(
        self,
        listener: socket.socket,
        caller: Caller,
        tell: Callable[[str], None],
        *,
        caps: Caps | None = None,
        trusted: frozenset[Target] = frozenset(),
    ) -> "Outlet":
        """Serve what connects to `listener`, which becomes the outlet's, until it is closed.

        `tell` gets a line for the author per connection, without payload. `trusted` are let through by the guard for
        this run alone (an operator's own package index); the caller's policy must allow them too.
        """
        caps = caps or Caps()
        way = Way(
            caller=caller,
            caps=caps,
            meter=Meter(caps),
            dialer=self._dialer,
            trusted=trusted,
            handler=self._handler,
            tell=tell,
            lookups=asyncio.Semaphore(caps.lookups),
            places=asyncio.Semaphore(caps.connections),
        )
        return Outlet(listener, way, self._connections)


class Outlet:
    """The way out of one run. Close it when the run has ended: the listener keeps its network namespace alive."""

    def __init__(self, listener: socket.socket, way: Way, all_connections: asyncio.Semaphore) -> None:
        listener.setblocking(False)
        self._listener, self._way, self._all = listener, way, all_connections
        self._accepted = asyncio.Semaphore(2 * way.caps.connections)  # those that wait for a place are some more
        self._serving: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept(), name=f"egress {way.caller.chat}")

    def begin_turn(self) -> None:
        """Count connections and bytes from zero."""
        self._way.meter.begin_turn()

    async def close(self) -> None:
        """Close the listener and cut every connection. May be called twice."""
        await _cancel({self._accepting})
        self._listener.close()
        await _cancel(self._serving)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._accepted.acquire()
            try:
                sock, _ = await loop.sock_accept(self._listener)
            except BaseException as error:
                self._accepted.release()
                if not isinstance(error, OSError):
                    raise
                log.warning("egress cannot accept", chat=self._way.caller.chat, error=str(error))
                await asyncio.sleep(_NO_DESCRIPTOR_SECONDS)
                continue
            self._serve(sock)
            if not self._way.meter.add_connection():
                await asyncio.sleep(_OVER_CAP_SECONDS)

    def _serve(self, sock: socket.socket) -> None:
        peer = Peer(sock)
        task = asyncio.create_task(self._serve_in_turn(peer))
        self._serving.add(task)
        task.add_done_callback(lambda served: self._served(served, peer))

    async def _serve_in_turn(self, peer: Peer) -> None:
        async with self._all:
            await serve(self._way, peer)

    def _served(self, task: "asyncio.Task[None]", peer: Peer) -> None:
        peer.close()  # a task that was cancelled before its first step has not
        self._serving.discard(task)
        self._accepted.release()


async def _cancel(tasks: "set[asyncio.Task[None]]") -> None:
    found = tuple(tasks)
    for task in found:
        task.cancel()
    await asyncio.gather(*found, return_exceptions=True)


def listener_from(fd: int) -> socket.socket:
    """Return the listener that came from inside as `fd`, which becomes the socket's.

    Raises: ValueError when it is not a listening TCP socket; then `fd` is closed.
    """
    try:
        found = socket.socket(fileno=fd)
    except OSError as error:
        os.close(fd)
        raise ValueError("not a socket") from error
    if (
        found.family != socket.AF_INET
        or found.type != socket.SOCK_STREAM
        or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        found.close()
        raise ValueError("not a listening TCP socket")
    found.set_inheritable(False)
    return found


async def receive_listener(channel: socket.socket) -> socket.socket:
    """Return the listener that a cold start sends over `channel`, which is closed. What connects until then waits.

    Raises: ValueError when the run ended before, or sent something else.
    """
    channel.setblocking(False)
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(channel, ready.set)
    try:
        await ready.wait()
        _, fds, _, _ = socket.recv_fds(channel, 1, 1)
    except OSError as error:
        raise ValueError("no listener came") from error
    finally:
        loop.remove_reader(channel)
        channel.close()
    if not fds:
        raise ValueError("no listener came")
    return listener_from(fds[0])
