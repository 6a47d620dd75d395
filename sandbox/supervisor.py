"""The supervisor: all chats of one machine, found by id, loaded when asked for, dropped when nobody needs them.

It knows nothing of sockets, Flask or tables: `rpc` speaks for it, a Recorder and Blobs are handed to it.
"""

import asyncio
import contextlib
import time
from itertools import groupby

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from sandbox import turnlog
from sandbox.chat import Chat
from sandbox.check import Verdict, check
from sandbox.folders import FolderStore, free_disk_bytes
from sandbox.inbox import Message
from sandbox.launcher import Launcher
from sandbox.refused import Refused
from sandbox.runs import Runs, Setup
from sandbox.stream import log_name

log = structlog.get_logger()
CHAT_IDLE_SECONDS = 60.0
HOUSEKEEPING_SECONDS = 5.0
CLOSING_SECONDS = 5.0


class Supervisor:
    """Owns chats, runs and folders. All methods run on one event loop."""

    def __init__(self, setup: Setup) -> None:
        self._setup, self._recorder, self._spool = setup, setup.recorder, setup.spool
        self._folders = FolderStore(setup.host, setup.volumes, setup.blobs, setup.limits)
        self._launcher = Launcher(setup.host, setup.limits, pool_size=setup.pool_size, trusted=setup.trusted)
        self._runs = Runs(setup, self._folders, self._launcher)
        self._runs.evict = self._evict
        self._chats: dict[str, Chat] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._addresses = MovingWindowRateLimiter(MemoryStorage())
        self._per_minute = RateLimitItemPerMinute(setup.new_chats_per_minute)
        self._started = time.monotonic()

    async def chat(self, chat_id: str) -> Chat:
        """Return the chat. Raises Refused(absent)."""
        found = self._chats.get(chat_id)
        if found is not None:
            return found
        async with self._loading.setdefault(chat_id, asyncio.Lock()):
            if chat_id not in self._chats:
                record = await asyncio.wrap_future(self._recorder.load(chat_id))
                if record is None:
                    raise Refused("absent")
                self._chats[chat_id] = Chat(record, self._runs)
        self._loading.pop(chat_id, None)
        return self._chats[chat_id]

    async def open(self, chat_id: str, address: str | None) -> None:
        """Start a chat's opening, once. Raises Refused."""
        if address is not None and not self._addresses.hit(self._per_minute, address):
            raise Refused("too_many_chats", 60)
        if free_disk_bytes(self._spool) < self._setup.free_disk_bytes:
            raise Refused("disk_full", 600)
        await (await self.chat(chat_id)).open()

    async def deliver(self, chat_id: str, message: Message) -> None:
        """Accept a message. Raises Refused."""
        await (await self.chat(chat_id)).deliver(message)

    async def restart(self, chat_id: str) -> None:
        """Start a chat's script afresh, with the version on record. Raises Refused."""
        chat = await self.chat(chat_id)
        record = await asyncio.wrap_future(self._recorder.load(chat_id))
        if record is None:
            raise Refused("absent")
        await chat.restart(record)

    async def close(self, chat_id: str) -> None:
        """End a chat that is being deleted; nothing when it is not in memory."""
        chat = self._chats.pop(chat_id, None)
        if chat is not None:
            await chat.close()

    async def check(self, manifest: str) -> Verdict:
        """Run the start check of a version. It counts against no limit of runs."""
        setup = self._setup
        return await check(self._launcher, self._folders, setup.limits, manifest, self._runs.environment)

    def metrics(self) -> dict[str, float]:
        """Return numbers for monitoring."""
        return {
            "runs": len(self._runs.slots),
            "waiting": self._runs.slots.waiting,
            "chats": len(self._chats),
            "readers": sum(chat.stream.readers for chat in self._chats.values()),
            "folder_bytes": self._folders.used_bytes(),
            "uptime_seconds": round(time.monotonic() - self._started, 1),
        }

    async def begin(self) -> None:
        """Get ready: the pool fills in the background, what an earlier supervisor left open is ended."""
        self._launcher.begin()
        await self._recover()

    async def _recover(self) -> None:
        """End what an earlier supervisor left open: turns with what they showed, messages nobody took."""
        turns, messages = await asyncio.wrap_future(self._recorder.unfinished())
        lost = {chat: list(group) for chat, group in groupby(turns, key=lambda pair: pair[0])}
        untaken = {chat: list(group) for chat, group in groupby(messages, key=lambda message: message.chat)}
        for chat_id in {**lost, **untaken}:
            with contextlib.suppress(Refused):
                chat = await self.chat(chat_id)
                await chat.stream.ready()
                found = [(turn, self._recovered(chat_id, turn.number)) for _, turn in lost.get(chat_id, [])]
                waiting = [Message(row.message, row.text, list(row.uploads)) for row in untaken.get(chat_id, [])]
                chat.record_lost(found, waiting)
        if lost or untaken:
            log.info("recovered", turns=len(turns), messages=len(messages))

    def _recovered(self, chat_id: str, turn: int) -> bytes:
        name = log_name(chat_id, turn)
        lines = turnlog.recover(self._spool, name)
        turnlog.discard(self._spool, name)
        return lines

    async def housekeep(self) -> None:
        """Drop what nobody used for a while; runs until cancelled."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            await self._folders.drop_idle()
            if self._setup.packages is not None:
                await self._setup.packages.collect()
            now = time.monotonic()
            for chat_id, chat in list(self._chats.items()):
                if chat.is_idle and now - chat.last_used > CHAT_IDLE_SECONDS:
                    del self._chats[chat_id]
                    await chat.close()

    async def shut_down(self) -> None:
        """End all runs, keep their folders and records, unmount."""
        for chat in self._chats.values():
            chat.evict("idle" if chat.state == "waiting" else "lost")
        endings = [chat.quiet() for chat in self._chats.values()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*endings), CLOSING_SECONDS)
        if self._setup.packages is not None:
            await self._setup.packages.close()
        await self._launcher.close()
        await self._folders.drop_idle(0.0)
        self._folders.close_all()

    def _evict(self, chat_id: str, reason: str) -> None:
        if chat_id in self._chats:
            self._chats[chat_id].evict(reason)
