"""Connect to a host of the public internet: resolve its name once, check every answer, connect to one that was checked.

Threat: a name that resolves to a public address for the check and to a private one for the connection (rebinding). The
sockets are made here, in the supervisor's network, and only ever connect to a literal address that `_check` has seen.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from sandbox import addresses
from sandbox.policy import PORTS
from sandbox.resolver import Resolve, Resolver, resolve
from sandbox.targets import Target, is_address

LOOKUP_SECONDS = 5.0
CONNECT_SECONDS = 10.0
ATTEMPTS = 4
"""So many of a name's addresses are tried, one after the other, within CONNECT_SECONDS."""
_NO_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))

Connect = Callable[[str, int], Awaitable[socket.socket]]
"""(address, port) → a connected, non-blocking socket; raises OSError."""


class Refused(Exception):
    """The guard does not let it through: status and sentence for the script."""

    status = 403


class Unreachable(Refused):
    """It was let through, but there is no connection."""

    status = 502


async def connect(address: str, port: int) -> socket.socket:
    """Return a socket connected to a literal address. Raises: OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


def is_ours(address: str) -> bool:
    """Say whether this machine itself answers on `address`.

    A public address of our own leads past the firewall, to what only listens behind it. The kernel picks the very same
    address as the source only for its own; connecting a datagram socket sends nothing.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return False
        return ip_address(probe.getsockname()[0]) == ip_address(address)


class Dialer:
    """The guard of all runs of a server."""

    def __init__(
        self,
        trusted: frozenset[Target] = frozenset(),
        *,
        refused: tuple[addresses.Network, ...] = (),
        resolve: Resolve = resolve,
        connect: Connect = connect,
        is_ours: Callable[[str], bool] = is_ours,
    ) -> None:
        """`trusted` are let through whatever their address and port: a setting, for tests.

        `refused` are public networks that are the operator's own: internal services on public numbers, a NAT64 prefix.
        """
        self._trusted, self._refused = trusted, refused
        self._resolver, self._connect, self._is_ours = Resolver(resolve), connect, is_ours

    async def dial(
        self, target: Target, *, lookups: asyncio.Semaphore, trusted: frozenset[Target] = frozenset()
    ) -> socket.socket:
        """Return a socket connected to `target`. `lookups` bounds the threads that one run can keep busy.

        Raises: Refused, Unreachable.
        """
        trusted = self._trusted | trusted
        if target not in trusted and target.port not in PORTS:
            raise Refused("Only the ports 443 and 80 can be reached")
        found = await self._addresses(target, lookups, is_trusted=target in trusted)
        self._check(target, found, trusted)
        return await self._first(target, found)

    async def _addresses(self, target: Target, lookups: asyncio.Semaphore, *, is_trusted: bool) -> list[str]:
        if is_address(target.host):
            return [target.host]
        # The final dot: without it the resolver also tries the machine's own search domains.
        name = target.host if is_trusted else target.host + "."
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                return await self._resolver.look_up(name, target.port, lookups)
        except TimeoutError as error:
            raise Unreachable(f"The name could not be looked up within {LOOKUP_SECONDS:g} s") from error
        except (OSError, UnicodeError) as error:
            raise Unreachable(_lookup_failure(error)) from error

    def _check(self, target: Target, found: Sequence[str], trusted: frozenset[Target]) -> None:
        """One address that is not public spoils the name: else its owner could choose which one is used."""
        if target in trusted:
            return
        if not found:
            raise Unreachable("The name has no address")
        for address in found:
            kind = addresses.refusal(address) or self._operators_refusal(address)
            if kind is not None and Target(address, target.port) not in trusted:
                raise Refused(f"That is not a public address ({kind})")

    def _operators_refusal(self, address: str) -> str | None:
        if any(ip_address(address) in network for network in self._refused):
            return "the operator's"
        return "this server" if self._is_ours(address) else None

    async def _first(self, target: Target, found: Sequence[str]) -> socket.socket:
        last: OSError | None = None
        tried = found[:ATTEMPTS]
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                for number, address in enumerate(tried, 1):
                    share = None if number == len(tried) else CONNECT_SECONDS / len(tried)
                    try:
                        async with asyncio.timeout(share):
                            return await self._connect(address, target.port)
                    except OSError as error:  # TimeoutError is one
                        last = error
        raise Unreachable(_failure(last)) from last


def _lookup_failure(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError) or error.errno in _NO_NAME:
        return "There is no such host name"
    return "The name could not be looked up: the server's own name server does not answer"


def _failure(error: OSError | None) -> str:
    if error is not None and error.errno == errno.ECONNREFUSED:
        return "The host refused the connection"
    if error is not None and error.errno in (errno.EMFILE, errno.ENFILE):
        return "The server has too many connections open"
    if error is not None and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return "The host cannot be reached from this server"
    return f"The host did not answer within {CONNECT_SECONDS:g} s"
