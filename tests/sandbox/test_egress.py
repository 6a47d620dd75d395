"""What a script sees of its proxy, byte by byte, from a network namespace of its own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from sandbox import egress, internal
from sandbox.internal import Body, Caller, Reply
from sandbox.meter import Caps
from sandbox.policy import OFF, PUBLIC, parse
from sandbox.targets import Target
from tests.sandbox.netns import Net, Visit, echo, upstream

TALK = """
import socket, sys
def talk(data, *more, port=3128, shut=False):
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    s.sendall(data)
    for piece in more: s.sendall(piece)
    if shut: s.shutdown(socket.SHUT_WR)
    got = b""
    try:
        while piece := s.recv(65536): got += piece
    except ConnectionResetError: got += b"<reset>"
    s.close()
    return got.decode("latin-1")
"""


def visit(net: Net, script: str) -> Visit:
    """Run a client that has `talk`; it must end well."""
    found = asyncio.run(net.visit(TALK + script))
    assert found.status == 0, found.stderr
    return found


def with_echo(net: Net, script: str, host: str = "api.test") -> Visit:
    """Run a client beside an upstream that echoes, on PORT of `host`."""

    async def go() -> Visit:
        async with upstream(echo) as port:
            world = replace(net, names={host: ["127.0.0.1"]}, trusted=frozenset({Target(host, port)}))
            return await world.visit(f"PORT = {port}\n{TALK}{script}")

    found = asyncio.run(go())
    assert found.status == 0, found.stderr
    return found


def test_tunnel_reaches_the_host_and_the_author_is_told_once() -> None:
    script = r"""
request = b"GET /x HTTP/1.1\r\nHost: api.test\r\n\r\n"
print(talk(b"CONNECT api.test:%d HTTP/1.1\r\nHost: x\r\n\r\n" % PORT, request))
print(PORT)
"""
    seen = with_echo(Net(), script)
    assert seen.stdout.startswith("HTTP/1.1 200 Connection established")
    assert "GET /x HTTP/1.1" in seen.stdout
    port = seen.stdout.split()[-1]
    assert seen.lines == [f"network: api.test:{port} allowed"]


def test_bytes_sent_along_with_connect_are_not_lost() -> None:
    script = r"""
print(talk(b"CONNECT api.test:%d HTTP/1.1\r\n\r\nGET /early HTTP/1.1\r\nHost: api.test\r\n\r\n" % PORT))
"""
    assert "GET /early HTTP/1.1" in with_echo(Net(), script).stdout


def test_policy_off_refuses_everything_but_us_and_looks_nothing_up() -> None:
    net = Net(policy=OFF, names={"example.org": ["93.184.215.14"]})
    script = r"""
print(talk(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n"))
print(talk(b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n"))
print(talk(b"GET http://hal9.internal/health HTTP/1.1\r\nHost: hal9.internal\r\n\r\n"))
"""
    seen = visit(net, script)
    assert seen.stdout.count("HTTP/1.1 403 This bot may not use the network (policy: off)\n") == 2
    assert "HTTP/1.1 200 OK" in seen.stdout and "ok" in seen.stdout.split()
    assert net.asked == []
    why = "refused: This bot may not use the network (policy: off)"
    assert seen.lines == [f"network: example.org:443 {why}", f"network: example.org:80 {why}"]


def test_policy_list_lets_through_what_it_names_only() -> None:
    script = r"""
print(talk(b"CONNECT api.test:%d HTTP/1.1\r\n\r\nGET /listed HTTP/1.1\r\n\r\n" % PORT))
print(talk(b"CONNECT other.test:443 HTTP/1.1\r\n\r\n"))
"""
    seen = with_echo(Net(policy=parse(["api.test"])), script)
    assert "GET /listed" in seen.stdout
    assert "403 This bot may only reach the hosts on its list (policy: list): other.test:443" in seen.stdout


@pytest.mark.parametrize(
    "authority",
    [
        "127.0.0.1:443",
        "localhost:443",
        "[::1]:443",
        "[::ffff:127.0.0.1]:443",
        "169.254.169.254:80",
        "10.0.0.1:443",
        "2130706433:80",
        "0x7f.1:80",
        "127.1:443",
        "0:80",
        "mixed.test:443",
        "inside.test:443",
        "INSIDE.test.:443",
        "user@inside.test:443",
        "example.org:22",
        "nat64.test:443",
        "hal9.internal:443",
        "hal9.internal:22",
        "hal9.internal.:443",
    ],
)
def test_forms_of_private_addresses_are_refused_on_the_wire(authority: str) -> None:
    connected: list[str] = []

    async def connect(address: str, port: int) -> socket.socket:
        connected.append(address)
        raise OSError

    names = {
        "localhost": ["127.0.0.1", "::1"],
        "mixed.test": ["93.184.215.14", "10.0.0.1"],
        "inside.test": ["192.168.1.1"],
        "nat64.test": ["64:ff9b::a00:1"],
    }
    net = Net(names=names, connect=connect)
    seen = visit(net, f'print(talk(b"CONNECT {authority} HTTP/1.1\\r\\n\\r\\n"))')
    assert seen.stdout.startswith(("HTTP/1.1 403 ", "HTTP/1.1 400 "))
    assert connected == []
    assert authority.startswith("hal9") or "refused" in seen.lines[0]


def test_what_is_connected_is_the_address_that_was_checked() -> None:
    connected: list[str] = []

    async def connect(address: str, port: int) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError(111, "no")

    class Rebinding(Net):
        def resolve(self, name: str, port: int) -> list[str]:
            self.asked.append(name)
            return ["93.184.215.14"] if len(self.asked) == 1 else ["127.0.0.1"]

    net = Rebinding(connect=connect)
    ask = r'print(talk(b"CONNECT rebinding.test:443 HTTP/1.1\r\n\r\n"))'
    seen = visit(net, f"{ask}\n{ask}")
    assert connected == ["93.184.215.14"]
    assert net.asked == ["rebinding.test.", "rebinding.test."]
    assert "502 The host refused the connection: rebinding.test:443" in seen.stdout
    assert "403 That is not a public address (loopback): rebinding.test:443" in seen.stdout


def test_plain_request_is_passed_on_with_the_checked_host_and_without_hop_headers() -> None:
    script = r"""
print(talk(b"POST http://api.test:%d/a?b=c HTTP/1.1\r\nHost: evil.test\r\nProxy-Authorization: Basic eA==\r\n"
    b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Stays: 2\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\n" % PORT,
    b"body"))
"""
    out = with_echo(Net(), script).stdout
    head, _, seen = out.partition("\n\n")
    assert head.startswith("HTTP/1.1 200 OK") and "connection: close" in head
    assert seen.startswith("POST /a?b=c HTTP/1.1\nhost: api.test:")
    assert "x-stays: 2" in seen and seen.rstrip().endswith("body")
    for dropped in ("evil.test", "proxy-authorization", "x-hop", "upgrade"):
        assert dropped not in seen


def test_chunked_upload_and_100_continue_pass_through_a_plain_request() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower() and b"expect: 100-continue" in head.lower()
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    async def go() -> Visit:
        async with upstream(answer) as port:
            net = Net(names={"api.test": ["127.0.0.1"]}, trusted=frozenset({Target("api.test", port)}))
            return await net.visit(
                TALK
                + f"PORT = {port}\n"
                + r"""
s = socket.create_connection(("127.0.0.1", 3128), timeout=10)
s.sendall(b"PUT http://api.test:%d/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n" % PORT)
print(s.recv(1000))
s.sendall(b"5\r\nhello\r\n0\r\n\r\n")
print(s.makefile("rb").read())
"""
            )

    out = asyncio.run(go()).stdout
    assert "HTTP/1.1 100 Continue" in out and "HTTP/1.1 201 Created" in out and "5\\r\\nhello" in out


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (r"GARBAGE\r\n\r\n", 400),
        (r"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (r"GET https://example.org/ HTTP/1.1\r\n\r\n", 400),
        (r"GET http://example.org/ HTTP/2.0\r\n\r\n", 400),
        (r"PRI * HTTP/2.0\r\n\r\n", 400),
        (r"CONNECT example.org HTTP/1.1\r\n\r\n", 400),
        (r"GET http://hal9.internal/ HTTP/1.1\r\nBad Header: x\r\n\r\n", 400),
        (r"GET http://hal9.internal/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (r"GET http://hal9.internal/ HTTP/1.1\r\nA: b\nB: c\r\n\r\n", 400),
        (r"POST http://hal9.internal/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (r"POST http://hal9.internal/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (r"POST http://hal9.internal/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (r"POST http://hal9.internal/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(request_bytes: str, status: int) -> None:
    out = visit(Net(), f'print(talk(b"{request_bytes}"))').stdout
    assert out.startswith(f"HTTP/1.1 {status} ")


def test_head_is_bounded_in_size_number_and_time() -> None:
    script = r"""
print(talk(b"GET http://hal9.internal/health HTTP/1.1\r\nA: " + b"x" * 17000 + b"\r\n\r\n"))
print(talk(b"GET http://hal9.internal/health HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n"))
print(talk(b"GET http://hal9.internal/health HTTP/1.1\r\nA: " + b"x" * 15000 + b"\r\n\r\n"))
import threading, time
s = socket.create_connection(("127.0.0.1", 3128), timeout=20)
began = time.monotonic()
def drip():
    try:
        for _ in range(100): s.sendall(b"A"); time.sleep(0.05)
    except OSError: pass
threading.Thread(target=drip, daemon=True).start()
print(s.recv(1000).split(b"\r\n")[0], time.monotonic() - began < 3)
"""
    out = visit(Net(caps=Caps(head_seconds=0.5)), script).stdout
    assert out.startswith("HTTP/1.1 431 ")
    assert "HTTP/1.1 400 " in out and "HTTP/1.1 200 OK" in out
    assert "408 The head of a request must come within 0.5 s' True" in out


def test_half_closed_connection_still_gets_its_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        everything = await reader.read()  # to the end that the script states by closing its half
        writer.write(b"got %d" % len(everything))
        await writer.drain()

    async def go() -> Visit:
        async with upstream(answer) as port:
            net = Net(names={"api.test": ["127.0.0.1"]}, trusted=frozenset({Target("api.test", port)}))
            script = f'print(talk(b"CONNECT api.test:{port} HTTP/1.1\\r\\n\\r\\n", b"x" * 300_000, shut=True))'
            return await net.visit(TALK + script)

    assert "got 300000" in asyncio.run(go()).stdout


def test_slow_reader_stops_the_upstream_and_loses_nothing() -> None:
    size, sent = 48 << 20, 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        while sent < size:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    at_pause = 0

    async def look(outlet: egress.Outlet) -> None:
        nonlocal at_pause
        while sent == 0 or sent != at_pause:  # until it stands still
            at_pause = sent
            await asyncio.sleep(0.4)

    async def go() -> Visit:
        async with upstream(answer) as port:
            caps = Caps(bytes_per_second=1 << 30)
            net = Net(names={"api.test": ["127.0.0.1"]}, trusted=frozenset({Target("api.test", port)}), caps=caps)
            script = f"""
import time
s = socket.create_connection(("127.0.0.1", 3128))
s.sendall(b"CONNECT api.test:{port} HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.1\\r\\n\\r\\n")
time.sleep(4)
count = 0
while piece := s.recv(1 << 20): count += len(piece)
print(count - len(b"HTTP/1.1 200 Connection established\\r\\n\\r\\n"))
"""
            return await net.visit(TALK + script, before_end=look)

    assert asyncio.run(go()).stdout == f"{size}\n"
    assert 0 < at_pause < 32 << 20  # the kernel's own buffers hold some


def test_bytes_of_a_turn_are_bounded_and_the_cut_is_an_error() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def go() -> Visit:
        async with upstream(flood) as port:
            caps = Caps(down_bytes=1 << 20)
            net = Net(names={"api.test": ["127.0.0.1"]}, trusted=frozenset({Target("api.test", port)}), caps=caps)
            ask = f'talk(b"CONNECT api.test:{port} HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.1\\r\\n\\r\\n")'
            return await net.visit(TALK + f"got = {ask}; print(len(got) <= 1 << 20, got[-7:])\nprint({ask})")

    seen = asyncio.run(go())
    assert seen.stdout.startswith("True <reset>\nHTTP/1.1 429 This bot may receive 1 MB in one turn")
    assert ["cut: This bot may receive 1 MB" in line for line in seen.lines] == [False, True, False]


def test_connections_of_a_turn_are_bounded_and_a_new_turn_begins_afresh() -> None:
    answered = 0

    async def handler(run: Caller, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        nonlocal answered
        answered += 1
        return await internal.answer(run, method, path, headers, body)

    async def new_turn(outlet: egress.Outlet) -> None:
        while answered < 3:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)
        outlet.begin_turn()

    script = r"""
import time
def ask(): return talk(b"GET http://hal9.internal/health HTTP/1.1\r\n\r\n").split("\n")[0][:12]
print([ask() for _ in range(5)])
end = time.monotonic() + 15
while ask() != "HTTP/1.1 200" and time.monotonic() < end: time.sleep(0.1)
print(time.monotonic() < end)
"""
    net = Net(caps=Caps(connections_per_turn=3), handler=handler)
    seen = asyncio.run(net.visit(TALK + script, before_end=new_turn))
    assert seen.stdout == f"{['HTTP/1.1 200'] * 3 + ['HTTP/1.1 429'] * 2}\nTrue\n"
    assert len(seen.lines) == 1  # said once, not with every further one


def test_connections_at_once_are_bounded_and_a_free_place_is_taken() -> None:
    script = r"""
import threading, time
ask = b"CONNECT api.test:%d HTTP/1.1\r\n\r\n" % PORT
held = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(2)]
for s in held: s.sendall(ask); print(s.recv(100).split(b"\r\n")[0])
print(talk(ask).split("\r\n")[0])
threading.Timer(0.2, held[0].close).start()
late = socket.create_connection(("127.0.0.1", 3128)); late.sendall(ask); print(late.recv(100).split(b"\r\n")[0])
"""
    out = with_echo(Net(caps=Caps(connections=2, wait_seconds=0.6)), script).stdout.splitlines()
    assert out[0] == out[1] == out[3] == "b'HTTP/1.1 200 Connection established'"
    assert out[2] == "HTTP/1.1 429 This bot may have 2 connections at once, and has them open"


@pytest.mark.parametrize(
    ("caps", "why"), [(Caps(idle_seconds=0.3), "nothing was sent"), (Caps(connection_seconds=0.3), "it was open for")]
)
def test_silent_and_endless_connections_are_cut(caps: Caps, why: str) -> None:
    seen = with_echo(Net(caps=caps), r'print(talk(b"CONNECT api.test:%d HTTP/1.1\r\n\r\n" % PORT))')
    assert "<reset>" in seen.stdout
    assert why in seen.lines[-1] and "cut" in seen.lines[-1]


def test_closing_cuts_everything_and_lets_the_network_namespace_go() -> None:
    before = set(os.listdir("/proc/self/fd"))

    is_connected = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_connected.set()
        await reader.read()

    async def close(outlet: egress.Outlet) -> None:
        await asyncio.wait_for(is_connected.wait(), 10)
        await outlet.close()
        await outlet.close()

    async def go() -> Visit:
        async with upstream(hold) as port:
            net = Net(names={"api.test": ["127.0.0.1"]}, trusted=frozenset({Target("api.test", port)}))
            script = f"""
talk(b"CONNECT api.test:{port} HTTP/1.1\\r\\n\\r\\n")
try: talk(b"")
except ConnectionRefusedError: print("no proxy any more")
"""
            return await net.visit(TALK + script, before_end=close)

    seen = asyncio.run(go())
    assert seen.stdout == "no proxy any more\n", seen
    assert set(os.listdir("/proc/self/fd")) <= before


async def _store(run: Caller, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
    if path == "/fail":
        raise RuntimeError("secret detail")
    if path == "/ignore":
        return 202, {"Content-Length": "2"}, internal.once(b"no")
    got = b"".join([piece async for piece in body])
    said = f"{run.chat} {run.policy.name} {method} {path} {headers.get('x-a')} {len(got)} {got[:10]!r}"
    return 200, {"X-Own": "1"}, internal.once(said.encode())


def test_internal_handler_gets_run_request_and_body() -> None:
    script = r"""
print(talk(b"POST http://hal9.internal/p?q=1 HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello"))
print(talk(b"POST http://hal9.internal/c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"))
print(talk(b"CONNECT hal9.internal:80 HTTP/1.1\r\n\r\nGET /inner HTTP/1.1\r\nHost: hal9.internal\r\n\r\n"))
print(talk(b"GET /direct HTTP/1.1\r\nHost: hal9.internal\r\n\r\n"))
print(talk(b"GET http://HAL9.internal./dot HTTP/1.0\r\n\r\n"))
print(talk(b"HEAD http://hal9.internal/head HTTP/1.1\r\n\r\n"))
print(talk(b"POST http://hal9.internal/ignore HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n", b"x" * 9000))
print(talk(b"POST http://hal9.internal/bad HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"))
print(talk(b"GET http://hal9.internal/fail HTTP/1.1\r\n\r\n"))
"""
    seen = visit(Net(policy=OFF, handler=_store), script)
    out = seen.stdout
    assert "chat-1 off POST /p?q=1 1, 2 5 b'hello'" in out
    assert "chat-1 off POST /c None 5 b'abcde'" in out
    assert "chat-1 off GET /inner None 0" in out and "chat-1 off GET /direct None 0" in out
    answer_1_0 = out.partition("GET /dot")[0].rpartition("HTTP/1.1 200 OK")[2]
    assert "chunked" not in answer_1_0
    assert "HEAD /head" not in out
    assert "202 Accepted" in out and "400 The proxy cannot read this request" in out
    assert "500 hal9.internal failed" in out and "secret detail" not in out
    assert seen.lines == []


def test_internal_handler_streams_and_stops_when_the_script_leaves() -> None:
    stopped = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.05)
        finally:
            stopped.set()

    async def handler(run: Caller, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        return 200, {"Content-Type": "text/event-stream"}, endless()

    async def wait(outlet: egress.Outlet) -> Any:
        await asyncio.wait_for(stopped.wait(), 10)

    script = r"""
s = socket.create_connection(("127.0.0.1", 3128))
s.sendall(b"GET http://hal9.internal/stream HTTP/1.1\r\n\r\n")
got = b""
while got.count(b"tick") < 3: got += s.recv(100)
s.close()
import time; time.sleep(1)
"""
    asyncio.run(Net(handler=handler).visit(TALK + script, before_end=wait))
    assert stopped.is_set()


def test_internal_handler_is_cancelled_while_it_thinks() -> None:
    cancelled = asyncio.Event()

    async def handler(run: Caller, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return internal.not_found(path)

    async def wait(outlet: egress.Outlet) -> Any:
        await asyncio.wait_for(cancelled.wait(), 10)

    script = r"""
s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(b"GET http://hal9.internal/think HTTP/1.1\r\n\r\n")
import time; time.sleep(0.3); s.close(); time.sleep(1)
"""
    asyncio.run(Net(handler=handler).visit(TALK + script, before_end=wait))
    assert cancelled.is_set()


def test_only_a_listening_tcp_socket_is_taken_for_a_listener() -> None:
    read, write = os.pipe()
    os.close(write)
    with pytest.raises(ValueError, match="not a socket"):
        egress.listener_from(read)
    with socket.socket() as plain, pytest.raises(ValueError, match="listening"):
        egress.listener_from(plain.detach())
    with socket.socket() as real:
        real.bind(("127.0.0.1", 0))
        real.listen()
        egress.listener_from(real.detach()).close()


def test_script_that_only_connects_does_not_keep_the_server_busy() -> None:
    late = 0.0

    async def watch(outlet: egress.Outlet) -> None:
        nonlocal late
        loop = asyncio.get_running_loop()
        for _ in range(100):
            before = loop.time()
            await asyncio.sleep(0.01)
            late = max(late, loop.time() - before)

    script = """
import time
end = time.monotonic() + 1.5
while time.monotonic() < end:
    try: socket.create_connection(("127.0.0.1", 3128), timeout=0.2).close()
    except OSError: pass
"""
    net = Net(policy=PUBLIC, caps=Caps(connections_per_turn=50))
    found = asyncio.run(net.visit(TALK + script, before_end=watch))
    assert found.status == 0
    assert late < 0.5


async def _protocol_change(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nanything")
    await writer.drain()


async def _interim_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
        await writer.drain()


async def _nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-x\r\n\r\n")
    await writer.drain()


async def _no_length(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\n\r\n" + head[:14])
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_protocol_change, "HTTP/1.1 502 The host did not answer in HTTP/1.1: api.test:"),
        (_nothing, "HTTP/1.1 502 The host did not answer in HTTP/1.1: api.test:"),
        (_garbage, "HTTP/1.1 502 The host did not answer in HTTP/1.1: api.test:"),
        (_interim_for_ever, "HTTP/1.1 103 Early Hints"),
        (_no_length, "HTTP/1.1 200 OK\nconnection: close\n\nGET / HTTP/1.0"),
    ],
)
def test_hostile_answer_to_a_plain_request_ends_where_it_should(answer: Any, expected: str) -> None:
    async def go() -> Visit:
        async with upstream(answer) as port:
            trusted = frozenset({Target("api.test", port)})
            net = Net(names={"api.test": ["127.0.0.1"]}, trusted=trusted, caps=Caps(down_bytes=1 << 20))
            return await net.visit(TALK + f'print(talk(b"GET http://api.test:{port}/ HTTP/1.0\\r\\n\\r\\n"))')

    seen = asyncio.run(go())
    assert seen.stdout.startswith(expected), seen.stdout[:300]
    assert len(seen.stdout) < 2 << 20
