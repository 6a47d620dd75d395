"""An echo in place of the supervisor, to run all of web without a sandbox.

    python -m tests.http.fake_supervisor --data-dir /tmp/x [--port 8000]    this, and gunicorn with the web application
    python -m tests.http.fake_supervisor --data-dir /tmp/x --alone          this alone; start gunicorn yourself:
    HAL9_IDE_DATA_DIR=/tmp/x .venv/bin/gunicorn -c gunicorn.conf.py hal9_ide.web:application

Every message is answered `Echo: …`; `slow`, `crash`, `flood N` and `ask` show other frames. Chats live in memory.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLOOD_PIECE = "ab" * 3_500
Send = Callable[[dict[str, Any]], None]


class FakeChat:
    """A chat's frames and its readers."""

    def __init__(self, chat: str) -> None:
        self.id, self.seq, self.state = chat, 0, "ended"
        self.frames: list[dict[str, Any]] = []
        self.seen: set[str] = set()
        self.readers: list[Send] = []
        self.task: asyncio.Task[None] | None = None

    def cut(self, kind: str, **fields: Any) -> None:
        self.seq += 1
        frame = {"kind": kind, "seq": self.seq, **fields}
        self.frames.append(frame)
        for send in self.readers:
            send(frame)

    def open(self, by: str = "open") -> None:
        self.cut("start", by=by, version=None)
        self.cut("output", text="Hello. Say something.", src=[[0, "app.py", 1]])
        self.state = "waiting"
        self.cut("waiting")

    async def answer(self, message: str, text: str) -> None:
        if self.state == "ended":
            self.cut("start", by="message", version=None)
        self.state = "running"
        self.cut("input", id=message, text=text, uploads=[])
        if text == "crash":
            error = {"type": "NameError", "message": "name 'x' is not defined", "file": "app.py", "line": 2}
            error["traceback"] = (
                'Traceback (most recent call last):\n  File "app.py", line 2, in <module>\nNameError: x\n'
            )
            self.state = "ended"
            self.cut("end", reason="crashed", exit_status=1, seconds=0.1, error=error)
            return
        if text.startswith("flood"):
            for _ in range(int(text.split()[1])):
                self.cut("output", text=FLOOD_PIECE, src=[])
                await asyncio.sleep(0)
        for word in text.split() if text.startswith("slow") else [text]:
            self.cut("output", text=f"Echo: {word}\n", src=[[0, "app.py", 2]])
            await asyncio.sleep(0.3 if text.startswith("slow") else 0)
        self.cut("console", text="a line on stderr\n")
        if text == "ask":
            self.cut("prompt", text="And then? ")
        self.state = "waiting"
        self.cut("waiting")

    def stop(self) -> None:
        if self.task:
            self.task.cancel()
        if self.state != "ended":
            self.state = "ended"
            self.cut("end", reason="stopped", exit_status=None, seconds=1.0)


class FakeSupervisor:
    """Speaks the supervisor's RPC; `check` passes unless the test sets `check_answer`."""

    def __init__(self) -> None:
        self.chats: dict[str, FakeChat] = {}
        self.calls: list[dict[str, Any]] = []
        self.check_answer: dict[str, Any] = {"passed": True, "seconds": 0.1, "reason": "waiting", "traceback": None}

    def chat(self, name: str) -> FakeChat:
        return self.chats.setdefault(name, FakeChat(name))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(message: dict[str, Any]) -> None:
            data = json.dumps(message, ensure_ascii=False).encode()
            writer.write(len(data).to_bytes(4, "big") + data)

        try:
            while True:
                call = json.loads(await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big")))
                self.calls.append(call)
                if call["op"] == "attach":
                    await self.attached(call, reader, writer, send)
                    return
                send(self.answer(call))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        match call["op"]:
            case "open" if not self.chat(call["chat"]).frames:
                self.chat(call["chat"]).open()
            case "stop":
                self.chat(call["chat"]).stop()
            case "restart":
                self.chat(call["chat"]).open("restart")
            case "close":
                self.chats.pop(call["chat"], None)
            case "status":
                return {"ok": True, "state": self.chat(call["chat"]).state, "seq": self.chat(call["chat"]).seq}
            case "check":
                return {"ok": True, "error": None, **self.check_answer}
            case "health" | "metrics":
                return {"ok": True, "level": "strong", "runs": len(self.chats), "waiting": 0, "chats": len(self.chats)}
        return {"ok": True}

    async def attached(  # noqa: C901
        self, call: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, send: Send
    ) -> None:
        chat = self.chat(call["chat"])

        is_author = call["role"] == "author"

        def forward(frame: dict[str, Any]) -> None:
            if is_author or frame["kind"] != "console":
                hidden = () if is_author else ("src", "error")
                send({name: value for name, value in frame.items() if name not in hidden})

        send({"kind": "hello", "chat": chat.id, "seq": chat.seq, "state": chat.state})
        try:
            while True:
                op = json.loads(await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big")))
                self.calls.append({"chat": chat.id, **op})
                if op["op"] == "resume":
                    for frame in chat.frames[op["after"] :]:
                        forward(frame)
                        await writer.drain()
                    chat.readers.append(forward)
                elif op["op"] == "deliver":
                    send({"kind": "accepted", "id": op["id"]})
                    if op["id"] not in chat.seen:
                        chat.seen.add(op["id"])
                        chat.task = asyncio.create_task(chat.answer(op["id"], op["text"]))
                else:
                    self.answer({"op": op["op"], "chat": chat.id})
        finally:
            if forward in chat.readers:
                chat.readers.remove(forward)


async def listen(path: Path, fake: FakeSupervisor) -> asyncio.Server:
    """Open the socket."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(fake.serve, str(path))


def main() -> None:
    """Run until SIGTERM or Ctrl+C."""
    from hal9_ide.settings import read_settings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--port", default="8000")
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    os.environ |= {"HAL9_IDE_DATA_DIR": options.data_dir, "HAL9_IDE_PORT": options.port}
    settings = read_settings()
    web: subprocess.Popen[bytes] | None = None
    if not options.alone:
        root = Path(__file__).resolve().parents[2]
        argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "hal9_ide.web:application"]
        web = subprocess.Popen(argv, cwd=root)
        print(f"{time.strftime('%X')} {settings.link_base}", flush=True)

    async def run() -> None:
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        server = await listen(settings.supervisor_socket, FakeSupervisor())
        await told.wait()
        server.close()

    try:
        asyncio.run(run())
    finally:
        if web:
            web.terminate()
            web.wait()


if __name__ == "__main__":
    main()
