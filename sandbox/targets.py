"""Whom a request to the proxy names: a host in its one spelling, and a port. Pure.

Everything is normalised here, once, so that policy, guard, log and connection see the same name: two spellings of one
host must not be judged differently.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

HOST_BYTES = 253
"""RFC 1035, section 2.3.4, without the final dot; a label has at most 63."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[0-9]{1,5}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\%@#?/]")
"""In a host: what parsers read differently. `%` also begins a zone id, `@` ends userinfo."""


class BadTarget(ValueError):
    """It names no host and port; the text says why, in words for the author of the script."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host in lower case without a final dot (IPv6 without brackets), and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """Return a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def from_authority(text: str, default_port: int | None = None) -> Target:
    """Return what `host:port` or `[v6]:port` names. Without a `default_port` the port must be there.

    Raises: BadTarget.
    """
    host, port = _split(text)
    if port is None:
        if default_port is None:
            raise BadTarget("there is no port")
        return Target(normal_host(host), default_port)
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise BadTarget("the port is not a number from 1 to 65535")
    return Target(normal_host(host), int(port))


def from_url(url: str) -> tuple[Target, str]:
    """Return whom an absolute http URL names, and the path with its query to ask for there. Raises: BadTarget."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadTarget("it is not an http:// URL") from error
    if parts.scheme != "http" or not parts.netloc:
        raise BadTarget("it is not an http:// URL")
    path = parts.path or "/"
    return from_authority(parts.netloc, 80), f"{path}?{parts.query}" if parts.query else path


def normal_host(text: str) -> str:
    """Return a host in its one spelling. Raises: BadTarget for what is no host, and for numbers that only some
    programs take for an address (127.1, 0x7f000001, 2130706433, 0177.0.0.1)."""
    if text.startswith("["):
        return _address_6(text)
    if _FORBIDDEN.search(text) or ":" in text:
        raise BadTarget("the host holds a character that no host name has")
    name = _ascii(text.removesuffix("."))
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _address_4(name)
    if len(name) > HOST_BYTES or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadTarget("that is not a host name")
    return name


def is_address(host: str) -> bool:
    """Say whether a normal host is an IP address rather than a name."""
    return ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, bracket, port = text.partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise BadTarget("the address in brackets is not whole")
        return host + bracket, port[1:] if port else None
    if "@" in text:
        raise BadTarget("a user name or password before the host is not allowed")
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _ascii(name: str) -> str:
    """Return a name as it is asked for in the DNS. Python's codec is IDNA 2003; clients mostly send xn-- themselves."""
    if name.isascii():
        return name.lower()
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise BadTarget("that is not a host name") from error


def _address_4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise BadTarget("write an IPv4 address as four decimal numbers") from error


def _address_6(text: str) -> str:
    try:
        address = IPv6Address(text[1:-1] if text.endswith("]") else "")
    except ValueError as error:
        raise BadTarget("that is not an IPv6 address") from error
    if address.scope_id is not None:
        raise BadTarget("an address with a zone is not allowed")
    return str(address)
