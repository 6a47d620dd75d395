"""One chat: decides when its script starts, what it is given, and what goes on record.

An actor: pipes and timers only leave notes (`_wake`), one task (`_drive`) acts on them one after the other. Output
alone is passed on at once. A chat has at most one run; every frame belongs to a turn.
"""

import asyncio
import time
from pathlib import Path

import structlog

from sandbox import sentences
from sandbox.capacity import Keys
from sandbox.frames import Segment
from sandbox.inbox import Inbox, Message
from sandbox.install_failures import PackagesFailed
from sandbox.record import ChatRecord, Error, TurnRecord
from sandbox.refused import Refused
from sandbox.requirements import FILE as REQUIREMENTS
from sandbox.run import Run
from sandbox.runs import Runs, Started
from sandbox.screen import Screen
from sandbox.stream import Stream

log = structlog.get_logger()
FORSAKEN_SECONDS = 60.0
"""An opening that nobody answered ends this long after its last socket closed."""


class Stopped(Exception):
    """A stop came before the script was there."""


class Chat:
    """A chat in memory. Implements the run's Listener."""

    def __init__(self, record: ChatRecord, runs: Runs) -> None:
        self.record = record
        self.state = "ended"
        self._runs = runs
        self._recorder, self._limits = runs.recorder, runs.limits
        self.stream = Stream(record.chat, record.seq_ceiling, runs.recorder, runs.spool, runs.limits.output_kept_bytes)
        self.stream.on_room = self._on_room
        self._screen = Screen(record, self.stream, runs.recorder)
        self._turns = self._screen.turns
        self._keys = Keys(record.stage, record.owner, record.bot)
        self._has_opened = record.has_opened
        self._inbox = Inbox(runs.limits)
        self._started: Started | None = None
        self._starter: Message | None = None
        self._prompt: str | None = None
        self._has_asked = self._has_exited = self._wants_restart = self._wants_opening = False
        self._wants_stop = False
        self._preparing: asyncio.Future[Path | None] | None = None
        self._is_answered_ever = record.last_position > 0
        self._wake = asyncio.Event()
        self._accepting = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self.last_used = time.monotonic()
        self._driver = asyncio.get_running_loop().create_task(self._drive(), name=f"chat-{record.chat}")

    # What the outside asks.

    async def open(self) -> None:
        """Start the script for the first time; nothing when that has happened. Raises Refused."""
        async with self._accepting:
            if self._has_opened:
                return
            await self._runs.admit(self.record.chat, self._keys)
            self._has_opened = True
            await asyncio.wrap_future(self._recorder.update(self.record.chat, {"has_opened": True}))
            self._wants_opening = True
            self._nudge()
            self.on_reader_left()

    async def deliver(self, message: Message) -> None:
        """Accept a message, once per id. Raises Refused; only an accepted message has an effect."""
        async with self._accepting:
            if not self._inbox.has_room_for(message):
                raise Refused("queue_full")
            if self._started is None and not self._inbox:
                await self._runs.admit(self.record.chat, self._keys)
            if await asyncio.wrap_future(
                self._recorder.accept(self.record.chat, message.id, message.text, message.uploads)
            ):
                self._is_answered_ever = True
                self._inbox.add(message)
            self._nudge()

    def stop(self) -> None:
        """End the run and the queue; a run that is being started ends as soon as it is there."""
        self._inbox.cancel()
        if self._started is not None:
            self._started.run.kill("stopped")
        elif self.state == "starting":
            self._wants_stop = True
            if self._preparing is not None:
                self._preparing.cancel()
        self._nudge()

    async def restart(self, record: ChatRecord) -> None:
        """End the run, if any, and start the version on record. Raises Refused."""
        async with self._accepting:
            if self._started is None:
                await self._runs.admit(record.chat, self._keys)
            self.record.manifest, self.record.version = record.manifest, record.version
            self.record.network = record.network
            self._has_opened = True
            self.stop()
            self._wants_restart = True
            self._nudge()

    def evict(self, reason: str) -> None:
        """End the run because the server wants its place."""
        if self._started is not None:
            self._started.run.kill(reason)

    async def quiet(self) -> None:
        """Return when nothing runs and nothing waits to."""
        await self._idle.wait()

    async def close(self) -> None:
        """End everything; the chat object is not used again."""
        self.stop()
        await self.quiet()
        self._driver.cancel()
        self.stream.close()

    @property
    def is_idle(self) -> bool:
        """Say whether the object may be dropped from memory."""
        return self._idle.is_set() and not self.stream.readers and not self._accepting.locked()

    def on_reader_left(self) -> None:
        """Note that no socket follows this chat, perhaps: nobody may ever answer its opening."""
        if not self.stream.readers and not self._is_answered_ever:
            asyncio.get_running_loop().call_later(FORSAKEN_SECONDS, self._end_forsaken)

    def _end_forsaken(self) -> None:
        if not self.stream.readers and not self._is_answered_ever and self.state == "waiting":
            self.evict("idle")

    # What the run tells (Listener).

    def on_output(self, segments: list[Segment]) -> None:
        """Show output."""
        self._screen.printed(segments)

    def on_console(self, text: str) -> None:
        """Show stderr to the author."""
        self._screen.console(text)

    def on_asks(self, prompt: str | None) -> None:
        """Leave a note that the script asks."""
        self._has_asked, self._prompt = True, prompt
        self._nudge()

    def on_exit(self) -> None:
        """Leave a note that the script ended."""
        self._has_exited = True
        self._nudge()

    def may_read(self) -> bool:
        """Say whether frames can be numbered now."""
        return self.stream.has_room()

    def _on_room(self) -> None:
        if self._started is not None:
            self._started.run.resume()

    # The one task that acts.

    def _nudge(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _drive(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while await self._step():
                    self.last_used = time.monotonic()
            except Exception:
                log.exception("chat failed", chat=self.record.chat)
                await self._give_up()
            if not self._wake.is_set() and self._started is None:
                self._idle.set()

    async def _step(self) -> bool:
        """Do the next thing there is to do; False when there is nothing."""
        if self._started is None:
            return await self._step_without_run()
        if self._has_exited:
            await self._finish(self._started)
        elif self._has_asked:
            await self._answer_question(self._started)
        elif self.state == "waiting" and self._inbox:
            await self._take_next(self._started)
        else:
            return False
        return True

    async def _step_without_run(self) -> bool:
        if self._inbox.has_cancelled:
            await self.stream.ready()
            self._after_end()
        elif self._wants_restart:
            self._wants_restart = False
            await self._start("restart", None)
        elif self._wants_opening:
            self._wants_opening = False
            await self._open_first()
        elif self._inbox:
            await self._start("message", self._inbox.take())
        else:
            return False
        return True

    async def _open_first(self) -> None:
        welcome = await self._runs.welcome(self.record)
        if welcome is None:
            await self._start("open", None)
            return
        await self.stream.ready()
        self.state = "waiting"
        self._screen.welcome(welcome, self.record.manifest)
        self._runs.slots.release(self.record.chat)

    async def _start(self, by: str, message: Message | None) -> None:
        await self.stream.ready()
        self.state, self._wants_stop = "starting", False
        self._screen.begin(by, self.record.manifest, message.input if message else None)
        self._starter = message
        self._screen.starting(by, self.record.version, await self._runs.welcome(self.record) is not None)
        self._has_asked = self._has_exited = False
        try:
            environment = await self._prepare()
            self._started = await self._runs.start(self.record, self, environment)
        except Stopped:
            self._end_unstarted("stopped")
        except PackagesFailed as problem:
            error = Error("Packages", str(problem), REQUIREMENTS, problem.line, problem.log)
            self._end_unstarted("crashed", f"{problem}\n", error)
        except Exception as problem:
            log.exception("run not started", chat=self.record.chat)
            self._end_unstarted("lost", f"{sentences.NOT_STARTED} ({problem})\n")
        else:
            self._begin_running(self._started)

    def _begin_running(self, started: Started) -> None:
        self.state = "running"
        started.run.resume()
        if self._wants_stop or self._wants_restart:
            started.run.kill("stopped")

    async def _prepare(self) -> Path | None:
        """Get the script's packages, which may take minutes; a stop does not wait for them. Raises: Stopped."""
        preparing = asyncio.ensure_future(self._runs.prepare(self.record, self, self._keys))
        self._preparing = preparing
        try:
            return await preparing
        except asyncio.CancelledError:
            if preparing.cancelled() and (self._wants_stop or self._wants_restart):
                raise Stopped from None
            preparing.cancel()
            raise
        finally:
            self._preparing = None

    async def _answer_question(self, started: Started) -> None:
        """The script asks: the turn is answered, or the message that started the script is what it asks for."""
        self._has_asked = False
        self._screen.asked(self._prompt or "")
        if self._starter is not None:
            starter, self._starter = self._starter, None
            self._give(started, starter)
        else:
            await self._answered(started)

    async def _answered(self, started: Started) -> None:
        """The turn is answered; say `waiting` unless a message is there to be taken."""
        self._turns.answered()
        started.run.sample_peak()
        await self._runs.publish_files(started, self._turns)
        if self._has_exited:
            return
        self.state = "waiting"
        if self._inbox:
            return
        self.stream.emit("waiting")
        self._runs.slots.set_waiting(self.record.chat, time.monotonic())
        await self._runs.snapshot(started, self._turns)

    async def _take_next(self, started: Started) -> None:
        """Seal the answered turn and give the script the next message."""
        await self._runs.snapshot(started, self._turns)
        if self._has_exited or not self._inbox:
            return
        message = self._inbox.take()
        self._turns.seal("replied", peak_memory_bytes=started.run.peak_memory_bytes)
        self._screen.begin("message", self.record.manifest, message.input)
        started.begin_turn()
        self._give(started, message)

    def _give(self, started: Started, message: Message) -> None:
        self.state = "running"
        self._runs.slots.set_waiting(self.record.chat, None)
        started.run.give(message.text.replace("\n", "\f"))

    async def _finish(self, started: Started) -> None:
        """The run has ended and said all: put that on record."""
        self._has_exited, self._has_asked, self._starter = False, False, None
        run = started.run
        self._screen.flush()
        reason = run.reason
        self._turns.answered()
        await self._runs.publish_files(started, self._turns)
        self._release_place()
        self._emit_end(run, reason)
        await self._runs.finish(started, self._turns)
        self._turns.seal(reason, exit_status=run.exit_status, error=run.error, peak_memory_bytes=run.peak_memory_bytes)
        self._started = None
        self._after_end()

    def _emit_end(self, run: Run, reason: str) -> None:
        sentence = sentences.stopped_because(reason, self._limits) if run.is_ready else sentences.NOT_STARTED
        if sentence and reason != "stopped":
            self.on_console(sentence + "\n")
        self.state = "ended"
        self._screen.ended(reason, run.exit_status, round(time.monotonic() - run.started, 3), run.error)

    def _after_end(self) -> None:
        for message in self._inbox.pop_cancelled():
            self._turns.record_untaken(message.input, self.record.manifest, "stopped")
        self._release_place()

    def _release_place(self) -> None:
        """Give the place back, unless the next run of this chat takes it at once."""
        if not self._inbox and not self._wants_restart:
            self._runs.slots.release(self.record.chat)

    def _end_unstarted(self, reason: str, sentence: str = "", error: Error | None = None) -> None:
        """End a turn whose script did not get to run; `sentence` is for the author's console."""
        self._starter = None
        self._screen.flush()
        if sentence:
            self.on_console(sentence)
        self.state = "ended"
        self._screen.ended(reason, error=error)
        self._turns.seal(reason, error=error)
        self._after_end()

    async def _give_up(self) -> None:
        """Something of ours failed: end the run and the open turn, so that the next message starts clean."""
        started, self._started = self._started, None
        if started is not None:
            await self._runs.abandon(started)
        self._has_exited = self._has_asked = False
        if self._turns.is_open:
            self._end_unstarted("lost", f"{sentences.NOT_STARTED} (internal error)\n")
        self._runs.slots.release(self.record.chat)

    # After a crash of the supervisor.

    def record_lost(self, turns: list[tuple[TurnRecord, bytes]], messages: list[Message]) -> None:
        """End what an earlier supervisor left open. `stream.ready` must have been awaited."""
        for turn, lines in turns:
            self._turns.seal_lost(turn, lines)
        for message in messages:
            self._turns.record_untaken(message.input, self.record.manifest, "lost")
