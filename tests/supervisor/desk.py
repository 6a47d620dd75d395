"""A real supervisor for tests, without web: a process, its store, and a client of its socket."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hal9_ide.store import migrate
from hal9_ide.store.base import new_id
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.tables import Bot, Chat, Turn, User
from hal9_ide.store.write import Database

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 15.0
LENGTH = struct.Struct(">I")
Frame = dict[str, Any]


class Desk:
    """A supervisor on a data folder of its own. Use it in a `with` block."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = folder / "data"
        self.data_dir.mkdir(mode=0o700, parents=True)
        self.log_path = folder / "supervisor.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HAL9_")},
            "HAL9_IDE_DATA_DIR": str(self.data_dir),
            "HAL9_IDE_FREE_DISK_BYTES": "1",
            "HAL9_IDE_RUNS_PER_USER": "100",
            **(settings or {}),
        }
        url = f"sqlite:///{self.data_dir / 'hal9.sqlite3'}"
        migrate.upgrade(url)
        self.database = Database(url)
        self.blobs = Blobs(self.data_dir / "blobs")
        self._socket_path = self.data_dir / "run" / "supervisor.sock"
        if len(str(self._socket_path)) > 100:
            raise AssertionError("the test folder's path is too long for a socket")
        self._process: subprocess.Popen[bytes] | None = None
        self.readers: list[Reader] = []

    def __enter__(self) -> "Desk":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self.readers:
            reader.close()
        self.stop()
        self.database.close()

    def start(self) -> None:
        """Start the process and wait for its socket."""
        with self.log_path.open("ab") as log:
            command = [sys.executable, "-m", "hal9_ide.supervise"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                self.call("health")
                return
            time.sleep(0.01)
        raise AssertionError(f"no supervisor\n{self.log()}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process with a signal."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise AssertionError(f"the supervisor did not end\n{self.log()}") from None
            finally:
                self._process = None

    @property
    def pid(self) -> int:
        """The supervisor's pid."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Return what the process printed."""
        return self.log_path.read_text(errors="replace")[-8_000:]

    def connect(self) -> socket.socket:
        """Return a connection to the supervisor."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(WAIT_SECONDS)
        try:
            connection.connect(str(self._socket_path))
        except OSError:
            connection.close()
            raise
        return connection

    def call(self, op: str, **fields: Any) -> Frame:
        """Do one call."""
        with self.connect() as connection:
            send(connection, {"op": op, **fields})
            answer = receive(connection)
        assert answer is not None, self.log()
        return answer

    def manifest(self, files: Mapping[str, str | bytes], main: str = "app.py") -> str:
        """Store a version and return its manifest."""
        shas = {path: self.blobs.put(text.encode() if isinstance(text, str) else text) for path, text in files.items()}
        value = {"files": shas, "main": main}
        return self.blobs.put(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())

    def bot(self, network: list[str] | None = None) -> str:
        """Make a bot with a network policy (None: the default) and return its id."""
        with self.database.write() as session:
            name = f"u-{new_id()}"
            user = User(name=name, name_key=name.casefold(), is_guest=True)
            session.add(user)
            session.flush()
            bot = Bot(owner_id=user.id, slug=new_id().lower(), name_key=new_id(), network=network)
            session.add(bot)
            session.flush()
            return bot.id

    def chat(
        self, files: Mapping[str, str | bytes] | str, *, bot: str = "", stage: str = "draft", owner: str = "ann"
    ) -> str:
        """Make a chat and return its id; the script does not start yet."""
        sources = {"app.py": files} if isinstance(files, str) else files
        bot = bot or self.bot()
        people = {"user_id": owner} if stage == "draft" else {"visitor_id": owner, "version_number": 1}
        with self.database.write() as session:
            chat = Chat(bot_id=bot, stage=stage, manifest=self.manifest(sources), **people)
            session.add(chat)
            session.flush()
            return chat.id

    def set_files(self, chat: str, files: Mapping[str, str | bytes] | str) -> None:
        """Change what a draft chat runs at its next restart."""
        sources = {"app.py": files} if isinstance(files, str) else files
        manifest = self.manifest(sources)
        with self.database.write() as session:
            row = session.get(Chat, chat)
            assert row is not None
            row.manifest = manifest

    def open(self, files: Mapping[str, str | bytes] | str, **options: Any) -> "Reader":
        """Make a chat, open it and follow it from the start."""
        chat = self.chat(files, **options)
        answer = self.call("open", chat=chat, address=None)
        assert answer["ok"], answer
        return self.follow(chat)

    def follow(self, chat: str, after: int = 0, role: str = "author") -> "Reader":
        """Follow a chat."""
        reader = Reader(self, chat, after, role)
        self.readers.append(reader)
        return reader

    def turns(self, chat: str) -> list[Turn]:
        """Return the turns on record."""
        with self.database.read() as session:
            return list(session.query(Turn).filter_by(chat_id=chat).order_by(Turn.number))


class Reader:
    """One attached reader; a thread collects its frames."""

    def __init__(self, desk: Desk, chat: str, after: int, role: str) -> None:
        self.desk, self.chat = desk, chat
        self.frames: list[Frame] = []
        self.raw: list[bytes] = []
        self.answers: dict[str, Frame] = {}
        self._changed = threading.Condition()
        self._connection = desk.connect()
        send(self._connection, {"op": "attach", "chat": chat, "role": role})
        hello = receive(self._connection)
        assert hello is not None and hello["kind"] == "hello"
        self.hello = hello
        send(self._connection, {"op": "resume", "after": after})
        self._connection.settimeout(None)
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        with suppress(OSError):
            while (data := receive_bytes(self._connection)) is not None:
                frame = json.loads(data)
                with self._changed:
                    if frame["kind"] in ("accepted", "refused"):
                        self.answers[frame["id"]] = frame
                    else:
                        self.frames.append(frame)
                        self.raw.append(data)
                    self._changed.notify_all()

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        self._thread.join(5)

    def post(self, text: str, message: str = "") -> str:
        """Send a message without waiting; return its id."""
        message = message or new_id()
        send(self._connection, {"op": "deliver", "id": message, "text": text, "uploads": []})
        return message

    def say(self, text: str) -> list[Frame]:
        """Send a message; return the frames from its input to the next `waiting` or `end`."""
        message = self.post(text)
        self.wait(lambda: any(f["kind"] == "input" and f["id"] == message for f in self.frames), f"input of {text!r}")
        start = next(n for n, f in enumerate(self.frames) if f["kind"] == "input" and f["id"] == message)
        self.wait(lambda: any(f["kind"] in ("waiting", "end") for f in self.frames[start:]), f"an answer to {text!r}")
        stop = next(n for n, f in enumerate(self.frames) if n > start and f["kind"] in ("waiting", "end"))
        return self.frames[start : stop + 1]

    def act(self, op: str) -> None:
        """Send stop or restart."""
        send(self._connection, {"op": op})

    def wait(self, claim: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until `claim` holds."""
        with self._changed:
            held = self._changed.wait_for(claim, seconds)
        assert held, f"no {what}; have {self.frames[-12:]}\n{self.desk.log()}"

    def until(self, kind: str, count: int = 1) -> list[Frame]:
        """Wait until there are `count` frames of a kind; return all frames so far."""
        self.wait(lambda: sum(f["kind"] == kind for f in self.frames) >= count, f"{count} {kind}")
        return list(self.frames)

    def kinds(self) -> list[str]:
        """Return the kinds of all frames."""
        return [frame["kind"] for frame in self.frames]


def text_of(frames: list[Frame], kind: str = "output") -> str:
    """Return the text of all frames of a kind."""
    return "".join(frame["text"] for frame in frames if frame["kind"] == kind)


def send(connection: socket.socket, fields: Mapping[str, Any]) -> None:
    """Send one message."""
    data = json.dumps(fields).encode()
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive_bytes(connection: socket.socket) -> bytes | None:
    """Return the next message, None at the end."""
    head = _exactly(connection, LENGTH.size)
    return _exactly(connection, LENGTH.unpack(head)[0]) if head else None


def receive(connection: socket.socket) -> Frame | None:
    """Return the next message decoded."""
    data = receive_bytes(connection)
    return None if data is None else dict(json.loads(data))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data
