"""Open the listener of a run inside its network namespace and pass it out, before a script is there to interfere.

Runs inside the sandbox at every cold start; `_socket` is part of the interpreter, `socket` would cost milliseconds.
"""

import _socket
import struct

PORT = 3128
"""On 127.0.0.1 of the run's own network. The script cannot take it first, nor later: it is bound already."""
BACKLOG = 64
"""Connections that wait while the proxy has no place for them, or does not look yet."""


def hand_over(channel_fd: int) -> None:
    """Send a listener over a Unix socket, whose descriptor is closed; nothing of it is left in this process."""
    channel = _socket.socket(fileno=channel_fd)
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        listener.bind(("127.0.0.1", PORT))
        listener.listen(BACKLOG)
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener.fileno()))
        channel.sendmsg([b"L"], [rights])
    except BrokenPipeError:
        pass  # nobody wants it: this run gets no way out
    finally:
        listener.close()
        channel.close()
