"""Which addresses, hosts and ports a script may ask for, and which spelling counts."""

import asyncio
import socket
from ipaddress import ip_network

import pytest

from sandbox import addresses, dialer, policy, targets
from sandbox.dialer import Dialer, Refused, Unreachable
from sandbox.policy import BadPolicy
from sandbox.targets import BadTarget, Target

PUBLIC_4, PUBLIC_6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

NOT_PUBLIC = {
    "0.0.0.0": "this host",
    "0.1.2.3": "this host",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "carrier-grade NAT",
    "100.127.255.255": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.169.254": "link-local",
    "169.254.170.2": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "protocol assignments",
    "192.0.0.192": "protocol assignments",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relay",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:10.0.0.1": "IPv4-mapped",
    "::ffff:93.184.215.14": "IPv4-mapped",
    "::ffff:0:127.0.0.1": "IPv4-translated",
    "::127.0.0.1": "IPv4-compatible",
    "::93.184.215.14": "IPv4-compatible",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::5db8:d70e": "NAT64",
    "64:ff9b:1::a00:1": "NAT64",
    "100::1": "discard",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "febf::1": "link-local",
    "fec0::5": "site-local",
    "ff02::1": "multicast",
    "2001::1": "Teredo",
    "2001:0:53aa:64c:0:fffe:80ff:fffe": "Teredo",
    "2001:2::1": "protocol assignments",
    "2001:10::1": "protocol assignments",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "2002:5db8:d70e::1": "6to4",
    "3fff::1": "documentation",
    "3ffe::1": "6bone",
    "5f00::1": "reserved",
    "4000::1": "reserved",
    "2606:2800:21f:cb07:0:5efe:7f00:1": "ISATAP",
    "2606:2800:21f:cb07:200:5efe:a00:1": "ISATAP",
    "fe80::1%eth0": "not an address",
    "2606:2800::1%1": "not an address",
    "0177.0.0.1": "not an address",
    "127.1": "not an address",
    "2130706433": "not an address",
    "localhost": "not an address",
    "": "not an address",
}


@pytest.mark.parametrize(("address", "kind"), NOT_PUBLIC.items())
def test_address_that_is_not_public_is_refused_and_named(address: str, kind: str) -> None:
    assert addresses.refusal(address) == kind


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC_4,
        PUBLIC_6,
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "168.63.129.15",
        "2001:4860:4860::8888",
        "2a00:1450:4001::200e",
        "2001:200::1",
    ],
)
def test_neighbouring_public_address_is_allowed(address: str) -> None:
    assert addresses.refusal(address) is None


def test_one_bad_answer_spoils_all() -> None:
    assert addresses.all_public([PUBLIC_4, PUBLIC_6])
    assert not addresses.all_public([PUBLIC_4, "10.0.0.1"])
    assert not addresses.all_public([])


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("1.1.1.1", "1.1.1.1"),
        ("1.1.1.1.", "1.1.1.1"),
        ("１２７.0.0.1", "127.0.0.1"),  # digits of another script are digits
        ("example。org", "example.org"),
        ("[2606:2800:21F::1]", "2606:2800:21f::1"),
        ("[::FFFF:127.0.0.1]", "::ffff:7f00:1"),
    ],
)
def test_host_has_one_spelling(text: str, host: str) -> None:
    found = targets.normal_host(text)
    assert found in (host, "::ffff:127.0.0.1" if host == "::ffff:7f00:1" else host)
    assert targets.normal_host(targets.bracketed(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "-a.example",
        "a-.example",
        "a" * 64 + ".example",
        "a." * 127 + "abc",
        "a b",
        "a\tb",
        "a\x00b",
        "a%00b",
        "a\\b",
        "a@b",
        "a#b",
        "a?b",
        "a/b",
        "::1",
        "a:b",
        "[::1",
        "[::1]x",
        "[127.0.0.1]",
        "[fe80::1%25lo]",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.1.1.1",
        "a.0x10",
        "0",
        "example.123",
        "℀.example",
        "a‥b",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        targets.normal_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "example.org:",
        "example.org:0",
        "example.org:65536",
        "example.org:-1",
        "example.org:443x",
        ":443",
        "user@example.org:443",
        "user:pw@example.org:443",
        "[::1]",
        "[::1]443",
        "::1:443",
        "example.org:４４３",
        "a:1:2",
    ],
)
def test_authority_of_a_tunnel_needs_a_host_and_a_port(text: str) -> None:
    with pytest.raises(BadTarget):
        targets.from_authority(text)


def test_authority_keeps_host_and_port() -> None:
    assert targets.from_authority("API.example.org.:443") == Target("api.example.org", 443)
    assert str(targets.from_authority("[2606:2800:21f::1]:443")) == "[2606:2800:21f::1]:443"


@pytest.mark.parametrize(
    ("url", "target", "path"),
    [
        ("http://Example.org", Target("example.org", 80), "/"),
        ("http://example.org/a/../b?c=d&e", Target("example.org", 80), "/a/../b?c=d&e"),
        ("http://example.org?q", Target("example.org", 80), "/?q"),
        ("http://example.org:8080/#part", Target("example.org", 8080), "/"),
        ("HTTP://[2606:2800:21f::1]/x", Target("2606:2800:21f::1", 80), "/x"),
    ],
)
def test_url_names_a_target_and_a_path(url: str, target: Target, path: str) -> None:
    assert targets.from_url(url) == (target, path)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "ftp://example.org/",
        "example.org",
        "/path",
        "*",
        "http:///x",
        "http://",
        "http://[::1/",
        "http://user@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org%2f@127.0.0.1/",
        "http://127.0.0.1%00.example.org/",
        "http://example.org:99999/",
        "http://2130706433/",
    ],
)
def test_url_that_parsers_read_differently_is_refused(url: str) -> None:
    with pytest.raises(BadTarget):
        targets.from_url(url)


LIST = policy.parse(
    ["api.example.org", "Other.example.:443", ".cdn.example", "*.wild.example:80", "[2606:2800:21f::1]"]
)


@pytest.mark.parametrize(
    ("authority", "is_allowed"),
    [
        ("api.example.org:443", True),
        ("API.example.org.:80", True),
        ("x.api.example.org:443", False),
        ("other.example:443", True),
        ("other.example:80", False),
        ("a.cdn.example:443", True),
        ("a.b.cdn.example:443", True),
        ("cdn.example:443", False),
        ("evilcdn.example:443", False),
        ("a.wild.example:80", True),
        ("a.wild.example:443", False),
        ("[2606:2800:21F::1]:443", True),
        ("api.example.org.evil.example:443", False),
    ],
)
def test_list_allows_what_it_names_and_no_more(authority: str, is_allowed: bool) -> None:
    refusal = LIST.refusal(targets.from_authority(authority))
    assert refusal is None if is_allowed else refusal is not None and "policy: list" in refusal


def test_policy_survives_its_record() -> None:
    for record in ([], ["*"], LIST.record):
        assert policy.parse(record).record == record
        assert policy.parse(policy.parse(record).record) == policy.parse(record)
    assert [policy.parse(record).name for record in ([], ["*"], ["a.example"])] == ["off", "public", "list"]
    assert policy.OFF.refusal(Target("a.example", 443)) == "This bot may not use the network (policy: off)"
    assert policy.PUBLIC.refusal(Target("a.example", 443)) is None


@pytest.mark.parametrize(
    "record",
    [
        ["*", "a.example"],
        [""],
        ["a b"],
        ["https://a.example"],
        ["a.example/x"],
        ["u@a.example"],
        ["a*.example"],
        ["**"],
        ["a.example:x"],
        ["127.1"],
        ["a.example"] * 101,
    ],
)
def test_policy_that_means_nothing_is_refused(record: list[str]) -> None:
    with pytest.raises(BadPolicy):
        policy.parse(record)


class World:
    """A resolver whose answers are a script, and connections that only note where they went."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.failing: set[str] = set()

    def resolve(self, name: str, port: int) -> list[str]:
        self.asked.append(name)
        return self.answers.pop(0)

    async def connect(self, address: str, port: int) -> socket.socket:
        self.connected.append((address, port))
        if address in self.failing:
            raise ConnectionRefusedError(111, "refused")
        return socket.socket()

    def dial(self, authority: str, *trusted: str, ours: str = "") -> None:
        async def go() -> None:
            guard = Dialer(
                policy.parse_trusted(trusted),
                resolve=self.resolve,
                connect=self.connect,
                is_ours=lambda address: address == ours,
            )
            (await guard.dial(targets.from_authority(authority), lookups=asyncio.Semaphore(1))).close()

        asyncio.run(go())


def test_name_is_resolved_once_and_the_checked_address_is_the_one_connected() -> None:
    world = World([PUBLIC_4], ["127.0.0.1"])
    world.dial("rebinding.example:443")
    assert world.asked == ["rebinding.example."]
    assert world.connected == [(PUBLIC_4, 443)]


def test_name_that_changes_to_a_private_address_is_refused_then() -> None:
    world = World([PUBLIC_4], ["10.0.0.1"])
    world.dial("rebinding.example:443")
    with pytest.raises(Refused, match="private"):
        world.dial("rebinding.example:443")
    assert world.connected == [(PUBLIC_4, 443)]


@pytest.mark.parametrize(
    "answer",
    [
        [PUBLIC_4, "10.0.0.1"],
        ["10.0.0.1", PUBLIC_4],
        [PUBLIC_6, "::1"],
        [PUBLIC_4, PUBLIC_6, "::ffff:169.254.169.254"],
        [PUBLIC_4, "fe80::1%eth0"],
    ],
)
def test_mixed_answers_are_refused_whatever_their_order(answer: list[str]) -> None:
    world = World(answer)
    with pytest.raises(Refused):
        world.dial("mixed.example:443")
    assert world.connected == []


@pytest.mark.parametrize("address", [address for address in NOT_PUBLIC if "%" not in address and address])
def test_no_address_that_is_not_public_is_connected_whatever_names_it(address: str) -> None:
    world = World([address])
    with pytest.raises(Refused):
        world.dial("private.example:80")
    assert world.connected == []


@pytest.mark.parametrize("authority", ["127.0.0.1:443", "[::1]:80", "[::ffff:127.0.0.1]:443", "169.254.169.254:80"])
def test_literal_address_is_checked_without_a_lookup(authority: str) -> None:
    world = World()
    with pytest.raises(Refused):
        world.dial(authority)
    assert world.asked == [] and world.connected == []


def test_public_literal_is_connected() -> None:
    world = World()
    world.dial(f"[{PUBLIC_6}]:443")
    assert world.connected == [(PUBLIC_6, 443)]


@pytest.mark.parametrize("port", [22, 25, 8000, 6379, 5432, 444, 1])
def test_other_ports_are_refused_before_a_lookup(port: int) -> None:
    world = World([PUBLIC_4])
    with pytest.raises(Refused, match="443 and 80"):
        world.dial(f"example.org:{port}")
    assert world.asked == []


def test_trusted_pair_passes_and_its_neighbours_do_not() -> None:
    world = World(["127.0.0.1"], ["127.0.0.1"])
    world.dial("fake.example:9000", "fake.example:9000")
    assert world.asked == ["fake.example"] and world.connected == [("127.0.0.1", 9000)]
    with pytest.raises(Refused):
        world.dial("fake.example:9001", "fake.example:9000")
    with pytest.raises(Refused):
        world.dial("other.example:443", "fake.example:9000")


def test_public_address_of_this_machine_is_refused() -> None:
    world = World([PUBLIC_4])
    with pytest.raises(Refused, match="this server"):
        world.dial("our.example:443", ours=PUBLIC_4)
    assert dialer.is_ours("127.0.0.1") and not dialer.is_ours("192.0.2.77")


def test_network_of_the_operator_is_refused_and_its_neighbour_is_not() -> None:
    async def dial(address: str) -> None:
        guard = Dialer(refused=(ip_network("93.184.215.0/24"),), connect=World().connect, is_ours=lambda _: False)
        (await guard.dial(Target(address, 443), lookups=asyncio.Semaphore(1))).close()

    with pytest.raises(Refused, match="operator"):
        asyncio.run(dial(PUBLIC_4))
    asyncio.run(dial("93.184.216.1"))
    asyncio.run(dial(PUBLIC_6))


def test_next_address_is_tried_and_failure_is_named() -> None:
    world = World([PUBLIC_6, PUBLIC_4], [PUBLIC_6])
    world.failing.add(PUBLIC_6)
    world.dial("two.example:443")
    assert [address for address, _ in world.connected] == [PUBLIC_6, PUBLIC_4]
    with pytest.raises(Unreachable, match="refused the connection"):
        world.dial("one.example:443")


def test_lookup_has_a_deadline_and_keeps_its_place_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "LOOKUP_SECONDS", 0.05)

    async def go() -> None:
        import threading

        end = threading.Event()
        guard = Dialer(resolve=lambda name, port: [PUBLIC_4] if end.wait(10) else [])
        lookups = asyncio.Semaphore(1)
        for _ in range(2):  # the second waits for the first one's thread, and no longer than its own deadline
            with pytest.raises(Unreachable, match="looked up"):
                await guard.dial(Target("slow.example", 443), lookups=lookups)
        assert lookups.locked()
        end.set()
        await asyncio.wait_for(lookups.acquire(), 5)

    asyncio.run(go())


@pytest.mark.parametrize(
    ("code", "why"), [(socket.EAI_NONAME, "no such host"), (socket.EAI_AGAIN, "name server does not answer")]
)
def test_name_without_an_answer_is_unreachable(code: int, why: str) -> None:
    async def go() -> None:
        def unknown(name: str, port: int) -> list[str]:
            raise socket.gaierror(code, "no")

        guard = Dialer(resolve=unknown)
        with pytest.raises(Unreachable, match=why):
            await guard.dial(Target("nowhere.example", 443), lookups=asyncio.Semaphore(1))

    asyncio.run(go())
