"""Nothing is lost and nothing comes twice, whatever is cut: sockets, web workers, gunicorn, the supervisor.

Each test states what a client can rely on, and uses two web processes as DESIGN section 2 allows any number.
"""

import random
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from websockets.exceptions import ConnectionClosed

from tests.chat_socket import ChatSocket, Frame
from tests.conftest import MakeAuthor
from tests.live import LiveServer, eventually
from tests.people import Author

SOCKET_CUTS, WORKER_KILLS, GUNICORN_RESTARTS = 175, 20, 5
REPLIES = 3
LINES = 400
REPLY_SCRIPT = f"""
import time
while True:
    word = input()
    for n in range({LINES}):
        print(word, n, "😀" * 1300)
        time.sleep(0.02)
    print("end of", word)
"""


def reply_text(word: str) -> str:
    """Return what REPLY_SCRIPT prints for a word: two million bytes, nearly all in characters of four."""
    return "".join(f"{word} {n} {'😀' * 1300}\n" for n in range(LINES)) + f"end of {word}\n"


@pytest.fixture
def people(own_server: LiveServer, make_author: MakeAuthor) -> Iterator[Author]:
    """An author on the server that this file may hurt."""
    yield make_author(own_server)


class Tab(threading.Thread):
    """A browser tab: reads frames, and connects again whenever its connection is gone, until it has seen enough."""

    def __init__(self, socket: ChatSocket, ends: int) -> None:
        super().__init__(daemon=True)
        self.socket, self._ends = socket, ends
        self.problem: BaseException | None = None
        self.is_done = threading.Event()

    def run(self) -> None:
        try:
            self.socket.reconnect()
            while self.socket.text().count("end of ") < self._ends:
                self._read()
        except BaseException as problem:
            self.problem = problem
        self.is_done.set()

    def _read(self) -> None:
        try:
            self.socket.next(20)
        except (OSError, ConnectionClosed, AttributeError):
            self.socket.reconnect()

    def lose_connection(self) -> None:
        """Cut the TCP connection under the tab, as a phone in a tunnel does."""
        connection = self.socket._socket
        if connection is not None:
            connection.socket.close()


def cut_at_random(server: LiveServer, tabs: list[Tab]) -> None:
    """Do all cuts in random order, spread over the replies."""
    rng = random.Random(20)
    cuts = ["socket"] * SOCKET_CUTS + ["worker"] * WORKER_KILLS + ["gunicorn"] * GUNICORN_RESTARTS
    rng.shuffle(cuts)
    for cut in cuts:
        if cut == "socket":
            rng.choice(tabs).lose_connection()
        elif cut == "worker":
            server.kill_web_worker(0)
        else:
            server.restart_gunicorn()
        time.sleep(rng.uniform(0.05, 0.15))  # not a wait for anything: it spreads the cuts


def test_two_hundred_cuts_lose_and_double_nothing(own_server: LiveServer, people: Author) -> None:
    chat = people.open_chat(people.make_bot(REPLY_SCRIPT))
    tabs = [Tab(people.socket(chat), REPLIES) for _ in range(2)]
    for tab in tabs:
        tab.start()
    words = [f"reply{n}" for n in range(REPLIES)]
    with people.socket(chat) as writer:
        writer.until("waiting")
        for word in words:
            writer.post(word)
            writer.until(lambda frame: frame["kind"] == "accepted")
    cut_at_random(own_server, tabs)
    for tab in tabs:
        assert tab.is_done.wait(90), f"a tab did not get all; it has {tab.socket.kinds()[-5:]}"
        assert tab.problem is None, tab.problem
    own_server.wait_ready()
    expected = "".join(reply_text(word) for word in words)
    assert tabs[0].socket.text() == expected
    assert tabs[1].socket.text() == expected
    late = people.socket(chat).connect()
    late.until(lambda frame: frame["kind"] == "waiting" and late.text() == expected, 30)
    late.stop()
    late.until("end")
    turns = eventually_sealed(people, chat)
    assert [turn["input"] for turn in turns] == [None, *words]
    assert [turn["reply"] for turn in turns] == ["", *map(reply_text, words)]


def eventually_sealed(author: Author, chat: str) -> list[dict[str, str]]:
    """Return the transcript once its last turn is on record."""

    def sealed() -> list[dict[str, str]] | None:
        turns = author.get(f"/chats/{chat}")["turns"]
        return turns if turns[-1]["ended"] else None

    return eventually(sealed, what="a sealed turn")


def _answers(message: str, frame: Frame) -> bool:
    return frame.get("id") == message and "seq" not in frame


def _ran_all(socket: ChatSocket, _frame: Frame) -> bool:
    return "ran 99\n" in socket.text()


def test_a_hundred_messages_with_repeats_each_run_once_in_the_order_of_acceptance(people: Author) -> None:
    chat = people.open_chat(people.make_bot("while True:\n    print('ran', input())\n"))
    sockets = [people.socket(chat).connect() for _ in range(2)]
    for socket in sockets:
        socket.until("waiting")
    rng = random.Random(4)
    accepted: list[str] = []
    for number in range(100):
        message = f"m{number}"
        senders = [rng.choice(sockets) for _ in range(rng.choice((1, 1, 2, 3)))]
        for socket in senders:
            socket.post(str(number), message)
        for socket in senders:
            answer = socket.until(partial(_answers, message))
            assert answer["kind"] == "accepted", answer
        accepted.append(message)
    for socket in sockets:
        socket.until(partial(_ran_all, socket), 30)
    for socket in sockets:
        assert [f["id"] for f in socket.frames if f["kind"] == "input"] == accepted
        assert socket.text() == "".join(f"ran {n}\n" for n in range(100))


def test_supervisor_killed_in_mid_reply_the_turn_is_lost_and_the_next_message_works(
    own_server: LiveServer, people: Author
) -> None:
    script = "import time\nword = input()\nfor n in range(500):\n    print(word, n)\n    time.sleep(0.01)\n"
    chat = people.open_chat(people.make_bot(script))
    socket = people.socket(chat).connect()
    socket.until("waiting")
    socket.post("first")
    socket.until(lambda frame: "first 20\n" in socket.text())
    shown = list(socket.frames)
    own_server.kill_supervisor()
    own_server.wait_ready()
    socket.reconnect()
    end = socket.until("end")
    assert end["reason"] == "lost"
    again = people.socket(chat).connect(after=0)
    again.until(lambda frame: frame["seq"] == end["seq"])
    assert again.frames[: len(shown)] == shown
    assert people.get(f"/chats/{chat}")["turns"][-1]["ended"] == "lost"
    assert socket.say("second", 30).startswith("second 0\n")
