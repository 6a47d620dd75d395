"""The supervisor's door: a Unix socket on which web processes call it and follow chats.

A message is four bytes of length, big-endian, then UTF-8 JSON. A connection serves one call after another, or, from
`attach` on, one reader: every message from us is then one frame of the chat protocol, ready for the WebSocket.
"""

import asyncio
import contextlib
import os
import struct
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import structlog

from sandbox import sentences
from sandbox.chat import Chat
from sandbox.frames import encode, for_visitor
from sandbox.host import SandboxUnavailable
from sandbox.inbox import Message
from sandbox.refused import Refused
from sandbox.supervisor import Supervisor

log = structlog.get_logger()
LENGTH = struct.Struct(">I")
MESSAGE_BYTES = 1 << 20
BUFFER_BYTES = 256 * 1024
"""What may wait in one reader's socket before it is not fed any further; the chat goes on without it."""

Fields = dict[str, Any]
Call = Callable[[Fields], Awaitable[Fields]]


def pack(data: bytes) -> bytes:
    """Return a message with its length."""
    return LENGTH.pack(len(data)) + data


async def read_message(reader: asyncio.StreamReader) -> Fields | None:
    """Return the next message, or None at the end. Raises ValueError for what cannot be one."""
    try:
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        if length > MESSAGE_BYTES:
            raise ValueError("message too long")
        found = msgspec.json.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except msgspec.DecodeError as problem:
        raise ValueError("not JSON") from problem
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


class Door:
    """Listens for one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._calls: dict[str, Call] = {
            "open": self._open,
            "deliver": self._deliver,
            "stop": self._stop,
            "restart": self._restart,
            "status": self._status,
            "close": self._close,
            "check": self._check,
            "health": self._health,
            "metrics": self._metrics,
        }

    async def listen(self, path: Path) -> asyncio.Server:
        """Listen on `path`, which only our own user can open."""
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._serve, path, limit=MESSAGE_BYTES, backlog=512)
        finally:
            os.umask(before)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (fields := await read_message(reader)) is not None:
                if fields.get("op") == "attach":
                    await self._attach(fields, reader, writer)
                    break
                writer.write(pack(encode(await self._answer(fields))))
                await writer.drain()
        except (ValueError, ConnectionError) as problem:
            log.warning("connection ended", reason=str(problem))
        finally:
            writer.close()

    async def _answer(self, fields: Fields) -> Fields:
        call = self._calls.get(str(fields.get("op")))
        if call is None:
            return {"ok": False, "code": "bad_request", "text": "There is no such call."}
        try:
            return {"ok": True, **await call(fields)}
        except Exception as problem:
            return refusal(problem)

    async def _open(self, fields: Fields) -> Fields:
        await self._supervisor.open(fields["chat"], fields.get("address"))
        return {}

    async def _deliver(self, fields: Fields) -> Fields:
        await self._supervisor.deliver(fields["chat"], message_of(fields))
        return {}

    async def _stop(self, fields: Fields) -> Fields:
        (await self._supervisor.chat(fields["chat"])).stop()
        return {}

    async def _restart(self, fields: Fields) -> Fields:
        await self._supervisor.restart(fields["chat"])
        return {}

    async def _status(self, fields: Fields) -> Fields:
        chat = await self._supervisor.chat(fields["chat"])
        return {"state": chat.state, "seq": chat.stream.seq}

    async def _close(self, fields: Fields) -> Fields:
        await self._supervisor.close(fields["chat"])
        return {}

    async def _check(self, fields: Fields) -> Fields:
        verdict = await self._supervisor.check(fields["manifest"])
        error = verdict.error
        return {
            "passed": verdict.passed,
            "reason": verdict.reason,
            "exit_status": verdict.exit_status,
            "traceback": error.traceback if error else verdict.console or None,
            "error": asdict(error) if error else None,
        }

    async def _health(self, fields: Fields) -> Fields:
        return {"level": "strong", **self._supervisor.metrics()}

    async def _metrics(self, fields: Fields) -> Fields:
        return dict(self._supervisor.metrics())

    async def _attach(self, fields: Fields, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            chat = await self._supervisor.chat(str(fields.get("chat")))
        except Refused:
            return
        await Attached(self._supervisor, chat, fields.get("role") == "author", reader, writer).serve()


class Attached:
    """One socket that follows a chat: a task that sends frames, and the reading of what the client says."""

    def __init__(
        self,
        supervisor: Supervisor,
        chat: Chat,
        is_author: bool,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._supervisor, self._chat, self._is_author = supervisor, chat, is_author
        self._reader, self._writer = reader, writer
        self._event = chat.stream.follow()

    async def serve(self) -> None:
        """Say hello, wait for `resume`, then send frames until either side ends."""
        stream = self._chat.stream
        self._writer.transport.set_write_buffer_limits(high=BUFFER_BYTES)
        sender: asyncio.Task[None] | None = None
        try:
            seq = stream.seq
            self._send(encode({"kind": "hello", "chat": self._chat.record.chat, "seq": seq, "state": self._chat.state}))
            first = await read_message(self._reader)
            if first is None:
                return
            is_resume = first.get("op") == "resume"
            after = int(first.get("after", 0)) if is_resume else seq
            sender = asyncio.get_running_loop().create_task(self._send_frames(max(0, after)))
            if not is_resume:
                await self._act(first)
            while (fields := await read_message(self._reader)) is not None:
                await self._act(fields)
        finally:
            if sender is not None:
                sender.cancel()
            stream.unfollow(self._event)
            self._chat.on_reader_left()

    async def _send_frames(self, position: int) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                self._event.clear()
                frames = await self._chat.stream.read(position)
                for seq, frame in frames:
                    position = seq
                    shown = frame if self._is_author else for_visitor(frame)
                    if shown is not None:
                        self._send(shown)
                await self._writer.drain()
                if not frames and self._chat.stream.is_closed:
                    self._writer.close()
                    return
                if not frames:
                    await self._event.wait()

    def _send(self, frame: bytes) -> None:
        self._writer.write(pack(frame))

    async def _act(self, fields: Fields) -> None:
        op = fields.get("op")
        if op == "deliver":
            await self._deliver(fields)
        elif op == "stop":
            self._chat.stop()
        elif op == "restart":
            try:
                await self._supervisor.restart(self._chat.record.chat)
            except Exception as problem:
                self._refuse("", problem)
        await self._writer.drain()

    async def _deliver(self, fields: Fields) -> None:
        message = message_of(fields)
        try:
            await self._chat.deliver(message)
        except Exception as problem:
            self._refuse(message.id, problem)
        else:
            self._send(encode({"kind": "accepted", "id": message.id}))

    def _refuse(self, message: str, problem: Exception) -> None:
        found = refusal(problem)
        self._send(encode({"kind": "refused", "id": message, "code": found["code"], "text": found["text"]}))


def message_of(fields: Fields) -> Message:
    """Return the message in a call; web has checked its text."""
    return Message(str(fields["id"]), str(fields["text"]), [str(url) for url in fields.get("uploads") or ()])


def refusal(problem: Exception) -> Fields:
    """Return the answer that stands for a failure; ours is logged, and told in general words."""
    if isinstance(problem, Refused):
        code, retry_after = problem.code, problem.retry_after
    elif isinstance(problem, SandboxUnavailable):
        code, retry_after = "sandbox_unavailable", None
    else:
        log.error("call failed", exc_info=problem)
        code, retry_after = "failed", None
    text = sentences.REFUSALS.get(code, sentences.REFUSALS["failed"])
    return {"ok": False, "code": code, "text": text, "retry_after": retry_after}
