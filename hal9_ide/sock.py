"""flask-sock with connections of our own: its way to declare routes, none of what its connection lets clients do.

The extension opens the socket before the view runs and hands it a simple-websocket connection, whose defects `sockets`
lists. Here a view gets an Upgrade: it can still refuse with an HTTP status, and what `accept` returns is bounded.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, request
from flask_sock import Sock

from hal9_ide.errors import BadRequest
from hal9_ide.sockets import WebSocket, accept_headers, open_sockets

View = Callable[..., None]


class Taken(Response):
    """What a view returns when it has used the connection up itself."""

    def __call__(self, *_: Any) -> Any:
        """Tell gunicorn to close the connection without an answer (it treats StopIteration so)."""
        raise StopIteration


class Upgrade:
    """A request for a WebSocket that has not been answered yet."""

    def __init__(self) -> None:
        self._socket: WebSocket | None = None
        self._forget: Callable[[], None] = lambda: None

    def accept(self, protocol: str, message_bytes: int) -> WebSocket:
        """Open the socket. Raises BadRequest when the client did not offer `protocol`, or asks for no WebSocket."""
        offered = [word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if protocol not in offered:
            raise BadRequest(f"Ask for the sub-protocol {protocol}.", code="bad_protocol")
        opening = accept_headers(request.environ, protocol)
        self._socket = WebSocket(request.environ["gunicorn.socket"], opening, message_bytes=message_bytes)
        self._forget = open_sockets.add(self._socket)
        return self._socket

    def finish(self) -> None:
        """Close the socket, if it was opened."""
        if self._socket is not None:
            self._socket.finish()
        self._forget()


class BoundedSock(Sock):  # type: ignore[misc]
    """flask-sock whose views get an Upgrade instead of an open connection."""

    def route(self, path: str, bp: Blueprint, **options: Any) -> Callable[[View], View]:
        """Declare a WebSocket route on a blueprint."""

        def decorator(view: View) -> View:
            @wraps(view)
            def answer(**arguments: Any) -> Response:
                upgrade = Upgrade()
                try:
                    view(upgrade, **arguments)
                finally:
                    upgrade.finish()
                return Taken()

            bp.route(path, websocket=True, **options)(answer)
            return view

        return decorator


sock = BoundedSock()
