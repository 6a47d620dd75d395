"""The WebSocket layer by itself, on a pair of sockets: each defect of the library it replaces, and its bounds."""

import struct
import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent import socket as gsocket
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage

from hal9_ide import sockets
from hal9_ide.sockets import Closed, Patience, WebSocket

LIMIT = 400_000
HELLO = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


class Peer:
    """The other end, as a browser would speak, or worse."""

    def __init__(self, message_bytes: int = LIMIT, **patience: float) -> None:
        self.sock, theirs = gsocket.socketpair()
        self.wire = Connection(ConnectionType.CLIENT)
        self.server = WebSocket(theirs, HELLO, message_bytes=message_bytes, patience=Patience(**patience))
        self.theirs = theirs
        assert self.sock.recv(len(HELLO)) == HELLO

    def send(self, event: Message | Ping | Pong | CloseConnection) -> None:
        self.sock.sendall(self.wire.send(event))

    def events(self, seconds: float = 5.0) -> Iterator[object]:
        """Yield what comes until the line ends."""
        with gevent.Timeout(seconds):
            while data := self.sock.recv(65_536):
                self.wire.receive_data(data)
                yield from self.wire.events()

    def close_code(self) -> int | None:
        """Return the code with which the server closes; None when the line is cut."""
        return next((event.code for event in self.events() if isinstance(event, CloseConnection)), None)


MakePeer = Callable[..., Peer]


@pytest.fixture
def make_peer() -> Iterator[MakePeer]:
    """Make pairs of ends; both are closed after the test."""
    peers: list[Peer] = []

    def make(message_bytes: int = LIMIT, **patience: float) -> Peer:
        peers.append(Peer(message_bytes, **patience))
        return peers[-1]

    yield make
    for peer in peers:
        peer.sock.close()
        peer.server.finish()
        peer.theirs.close()


@pytest.fixture
def peer(make_peer: MakePeer) -> Peer:
    """One pair of ends with the limit of the product."""
    return make_peer()


def text(event: object) -> str:
    assert isinstance(event, TextMessage)
    return event.data


def test_messages_go_both_ways_whole_and_in_order(peer: Peer) -> None:
    words = ["", "héllo", "😀" * 2_000, "x" * 65_000, "{}"]

    def say() -> None:
        for word in words:
            peer.send(TextMessage(data=word))

    sender = gevent.spawn(say)
    assert [peer.server.receive() for _ in words] == words
    sender.join()
    for word in words:
        peer.server.send(word.encode())
    got = ""
    for event in peer.events():
        got += text(event)
        if got == "".join(words):
            return


def test_fragments_are_joined(peer: Peer) -> None:
    for part in ("one ", "two ", ""):
        peer.send(TextMessage(data=part, message_finished=False))
    peer.send(TextMessage(data="three", message_finished=True))
    assert peer.server.receive() == "one two three"


def test_many_senders_pings_and_pongs_never_mix_their_bytes(make_peer: MakePeer) -> None:  # noqa: C901
    peer = make_peer(ping_seconds=0.01)
    peer.sock.setsockopt(gsocket.SOL_SOCKET, gsocket.SO_RCVBUF, 4_096)
    frames = {f"{sender}-{number}-" + "x" * 8_000 for sender in range(4) for number in range(50)}

    def say(sender: int) -> None:
        for number in range(50):
            peer.server.send((f"{sender}-{number}-" + "x" * 8_000).encode())

    def read() -> None:
        with pytest.raises(Closed):
            peer.server.receive()

    senders = [gevent.spawn(say, sender) for sender in range(4)]
    reader = gevent.spawn(read)
    got: set[str] = set()
    whole, pings, pongs = "", 0, 0
    for event in peer.events(20):
        if isinstance(event, TextMessage):
            whole += event.data
            if event.message_finished:
                got.add(whole)
                whole = ""
                peer.send(Ping(payload=b"p"))
        pings += isinstance(event, Ping)
        pongs += isinstance(event, Pong)
        if got == frames and pings and pongs:
            break
    assert got == frames
    peer.sock.shutdown(gsocket.SHUT_RDWR)
    for greenlet in senders:
        greenlet.get(timeout=5)
    reader.get(timeout=5)


def test_a_client_that_does_not_read_waits_alone_and_is_cut_off(make_peer: MakePeer) -> None:
    deaf, well = make_peer(send_seconds=0.3), make_peer()
    sent = 0

    def flood() -> None:
        nonlocal sent
        while True:
            deaf.server.send(b"x" * 8_000)
            sent += 8_000

    flooding = gevent.spawn(flood)
    begun = time.monotonic()
    well.server.send(b"hello")
    assert text(next(well.events())) == "hello"
    assert time.monotonic() - begun < 0.2
    with pytest.raises(Closed):
        flooding.get(timeout=5)
    kernel_bytes = 1 << 20
    assert sent < sockets.QUEUE_BYTES + kernel_bytes
    with pytest.raises(Closed):
        deaf.server.receive()


def test_a_slow_client_that_reads_is_not_cut_off(make_peer: MakePeer) -> None:
    peer = make_peer(send_seconds=0.3)
    total = 1_500_000

    def say() -> None:
        for _ in range(total // 7_500):
            peer.server.send(b"x" * 7_500)

    sender = gevent.spawn(say)
    got = 0
    with gevent.Timeout(20):
        while got < total:
            data = peer.sock.recv(20_000)
            assert data
            peer.wire.receive_data(data)
            got += sum(len(text(event)) for event in peer.wire.events())
            gevent.sleep(0.01)
    sender.get(timeout=1)


def test_a_message_over_the_limit_closes_with_1009_before_it_is_kept(make_peer: MakePeer) -> None:
    peer = make_peer(message_bytes=1_000)
    peer.sock.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 40) + b"\0\0\0\0" + b"x" * 1_001)
    with pytest.raises(Closed):
        peer.server.receive()
    gevent.spawn(peer.server.finish)
    assert peer.close_code() == 1009


def test_a_message_over_the_limit_in_fragments_closes_too(make_peer: MakePeer) -> None:
    peer = make_peer(message_bytes=1_000)
    for _ in range(11):
        peer.send(TextMessage(data="é" * 50, message_finished=False))
    with pytest.raises(Closed):
        peer.server.receive()
    assert peer.close_code() == 1009


def test_a_client_that_is_closed_while_it_sends_sees_why(make_peer: MakePeer) -> None:
    peer = make_peer(message_bytes=1_000)

    def keep_sending() -> None:
        for _ in range(200):
            peer.sock.sendall(b"x" * 10_000)

    peer.sock.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 40) + b"\0\0\0\0")
    gevent.spawn(keep_sending)
    with pytest.raises(Closed):
        peer.server.receive()
    finishing = gevent.spawn(peer.server.finish)
    assert peer.close_code() == 1009
    finishing.get(timeout=5)


def test_what_is_not_read_stays_with_the_sender(peer: Peer) -> None:
    sent = 0

    def flood() -> None:
        nonlocal sent
        while True:
            peer.send(TextMessage(data="x" * 60_000))
            sent += 60_000

    flooding = gevent.spawn(flood)
    assert peer.server.receive() == "x" * 60_000
    gevent.sleep(0.3)
    assert sent < 2 << 20
    flooding.kill()


def test_empty_fragments_and_pings_pile_up_nowhere(peer: Peer) -> None:
    empty = peer.wire.send(TextMessage(data="", message_finished=False))
    again = peer.wire.send(TextMessage(data="", message_finished=False))
    ping = peer.wire.send(Ping(payload=b"p" * 100))

    def flood() -> None:
        peer.sock.sendall(empty)
        for _ in range(200):
            peer.sock.sendall((again + ping) * 100)
        peer.send(TextMessage(data="end"))

    gevent.spawn(flood)
    assert peer.server.receive() == "end"
    assert len(peer.server._out) < 10
    assert peer.server._parts == []


def test_pings_come_from_the_server_and_a_peer_that_is_gone_is_noticed(make_peer: MakePeer) -> None:
    peer = make_peer(ping_seconds=0.05, silent_seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(Closed), gevent.Timeout(5):
        peer.server.receive()
    assert 0.15 < time.monotonic() - begun < 2
    assert isinstance(next(peer.events()), Ping)


def test_a_peer_that_answers_pings_stays(make_peer: MakePeer) -> None:
    peer = make_peer(ping_seconds=0.05, silent_seconds=0.2)
    receiving = gevent.spawn(peer.server.receive)
    answered = 0
    for event in peer.events():
        if isinstance(event, Ping):
            peer.send(event.response())
            answered += 1
        if answered == 10:
            break
    peer.send(TextMessage(data="still here"))
    assert receiving.get(timeout=2) == "still here"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x82\0\0\0\0\xff\xfe", 1007),  # not UTF-8
        (b"\x81\x83\0\0\0\0\xed\xa0\x80", 1007),  # half a character, in UTF-8
        (b"\x82\x81\0\0\0\0x", 1003),  # binary
        (b"\x81\x01x", 1002),  # not masked
        (b"\x83\x81\0\0\0\0x", 1002),  # no such opcode
        (b"\xc1\x81\0\0\0\0x", 1002),  # compressed, which was never agreed
        (b"\x80\x81\0\0\0\0x", 1002),  # goes on with nothing
        (b"\x89\xfe\0\xff\0\0\0\0" + b"x" * 255, 1002),  # a ping that is too long
    ],
)
def test_nonsense_closes_the_socket(peer: Peer, data: bytes, code: int) -> None:
    peer.sock.sendall(data)
    with pytest.raises(Closed):
        peer.server.receive()
    assert peer.close_code() == code


def test_a_close_is_answered(peer: Peer) -> None:
    peer.send(CloseConnection(1000, "bye"))
    with pytest.raises(Closed):
        peer.server.receive()
    assert peer.close_code() == 1000
    with pytest.raises(Closed):
        peer.server.send(b"late")


def test_a_close_that_is_not_answered_cuts_the_line(make_peer: MakePeer) -> None:
    peer = make_peer(close_seconds=0.1)
    peer.server.close(1013, "Come back.")
    with pytest.raises(Closed), gevent.Timeout(5):
        peer.server.receive()


def test_a_client_that_closes_without_reading_frees_who_sends(make_peer: MakePeer) -> None:
    peer = make_peer(send_seconds=30)

    def flood() -> None:
        while True:
            peer.server.send(b"x" * 8_000)

    flooding = gevent.spawn(flood)
    gevent.sleep(0.1)
    peer.send(CloseConnection(1001))
    with pytest.raises(Closed):
        peer.server.receive()
    with pytest.raises(Closed):
        flooding.get(timeout=1)


def test_what_is_queued_goes_out_before_the_close(peer: Peer) -> None:
    for number in range(20):
        peer.server.send(str(number).encode())
    peer.server.close(1012, "The server restarts.")
    events = list(peer.events())
    assert [text(event) for event in events[:-1]] == [str(number) for number in range(20)]
    assert isinstance(events[-1], CloseConnection)
    assert events[-1].code == 1012


def test_a_lost_line_ends_both_sides(peer: Peer) -> None:
    peer.sock.shutdown(gsocket.SHUT_RDWR)
    with pytest.raises(Closed):
        peer.server.receive()
    peer.server.finish()
    assert peer.server._writer.dead


def test_binary_is_not_for_us(peer: Peer) -> None:
    peer.send(BytesMessage(data=b"x"))
    with pytest.raises(Closed):
        peer.server.receive()
    assert peer.close_code() == 1003
