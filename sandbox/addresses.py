"""Which addresses belong to the public internet: the only ones that a script may reach. Pure.

Threat: a script, or a name server that its author controls, names an address on which this machine or its network
answers (a database, a cloud's metadata service). So a name is resolved once, every answer must pass `refusal`, and the
connection goes to an answer that did (dialer.py). `ipaddress.is_global` alone is not enough: it changed between Python
releases and lets through forms that carry another address inside.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*rows: tuple[str, str]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(network), what) for network, what in rows)


# The first match counts. Sources: the IANA special-purpose registries for IPv4 and IPv6, and the clouds' manuals.
_REFUSED_4 = _networks(
    ("0.0.0.0/8", "this host"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),  # Alibaba's metadata service is 100.100.100.200
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),  # metadata of most clouds: 169.254.169.254, .170.2, .169.123
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),  # Oracle's metadata service is 192.0.0.192
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("168.63.129.16/32", "cloud metadata"),  # Azure's, on a public number
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA gives out for hosts. Everything else is refused without being named, so also what comes to be later."""

_REFUSED_6 = _networks(
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("::/96", "IPv4-compatible"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("fc00::/7", "private"),  # Amazon's metadata service is fd00:ec2::254
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("2001::/32", "Teredo"),
    ("2001:db8::/32", "documentation"),
    ("2001::/23", "protocol assignments"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3ffe::/16", "6bone"),
    ("3fff::/20", "documentation"),
)

_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The third quarter of an ISATAP address (RFC 5214); the last is an IPv4 address that a router would tunnel to."""


def refusal(address: str | Address) -> str | None:
    """Return what kind of address it is when it is not a public one ("private", "loopback", …), or None when it is.

    A text that is not one plain address (a zone id, an octal or short form) is "not an address".
    """
    try:
        found = ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(found, IPv6Address):
        return _refusal_6(found)
    return _first(_REFUSED_4, found) or (None if found.is_global else "not public")


def all_public(addresses: Iterable[str | Address]) -> bool:
    """Say whether there is at least one address and every one is public: one bad answer spoils a name."""
    found = [refusal(address) for address in addresses]
    return bool(found) and not any(found)


def _refusal_6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "not an address"
    if kind := _first(_REFUSED_6, address):
        return kind
    if address not in _GLOBAL_UNICAST:
        return "reserved"
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return "ISATAP"
    return None if address.is_global else "not public"


def _first(table: tuple[tuple[Network, str], ...], address: Address) -> str | None:
    return next((kind for network, kind in table if address in network), None)
