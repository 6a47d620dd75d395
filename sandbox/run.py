"""One running script: its pipes, its pace and its watch, turned into a few calls on a listener.

Single-threaded: everything here runs on the supervisor's event loop. The order that matters: what a script wrote before
it asked is delivered before the asking, so `waiting` is acted on only when stdout and stderr are read empty.
"""

import asyncio
import os
import struct
import time
from typing import Protocol

from sandbox import wire
from sandbox.frames import Segment
from sandbox.guard import QUIET_SECONDS, Guard
from sandbox.launcher import AnyProcess
from sandbox.limits import Limits
from sandbox.outcome import parse_error, reason_of
from sandbox.output import Decoder, parse_source
from sandbox.pace import Pace
from sandbox.pipes import InputPipe, unread
from sandbox.record import Error

READ_BYTES = 64 * 1024
COALESCE_SECONDS = 0.010


class Listener(Protocol):
    """What a run tells its chat."""

    def on_output(self, segments: list[Segment]) -> None:
        """Take text for the chat."""

    def on_console(self, text: str) -> None:
        """Take text for the author's console."""

    def on_asks(self, prompt: str | None) -> None:
        """Learn that the script waits for input; `prompt` is None where it gave none."""

    def on_exit(self) -> None:
        """Learn that the run has ended and all it said was delivered."""

    def may_read(self) -> bool:
        """Say whether there is room for more frames now; when there is again, `Run.resume` is called."""


class Run:
    """A started sandbox. Owns the process and its descriptors until `on_exit`."""

    def __init__(self, process: AnyProcess, limits: Limits, listener: Listener) -> None:
        self.process, self._limits, self._listener = process, limits, listener
        self.is_ready = False
        self.error: Error | None = None
        self.exit_status: int | None = None
        self.signal: int | None = None
        self.killed_for: str | None = None
        self.has_exited = False
        self.waiting_since: float | None = None
        self.started = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._guard = Guard(process.pid, process.stdin_pipe_inode, limits)
        self._pace = Pace(limits)
        self._stdout, self._console = Decoder(), Decoder()
        self._control: wire.Parser | None = wire.Parser()
        self._asked = False
        self._prompt: str | None = None
        self._reported_status: int | None = None
        self._held: list[Segment] = []
        self._flush_timer: asyncio.TimerHandle | None = None
        self._last_flush = self._last_activity = 0.0
        self._stdin = InputPipe(process.stdin_fd)
        self._open = {process.stdout_fd, process.stderr_fd, process.control_fd}
        self._reading = False
        self._died = self._is_lost = self._was_out_of_memory = False
        self._loop.add_reader(process.pidfd, self._on_death)
        self._loop.add_reader(process.control_fd, self._on_control_ready)
        self.resume()
        self._watcher = self._loop.create_task(self._watch(), name=f"watch-{process.pid}")

    @property
    def reason(self) -> str:
        """How the finished run ended; `lost` when the sandbox never got as far as the script."""
        if self.killed_for is None and self._was_out_of_memory and self.exit_status != 0:
            return "out_of_memory"
        if self.killed_for is None and (self._is_lost or not self.is_ready):
            return "lost"
        return reason_of(self.killed_for, self.error, self.signal)

    @property
    def peak_memory_bytes(self) -> int | None:
        """The most memory seen in use by the whole tree; None when nobody looked."""
        return self._guard.peak_memory_bytes

    def begin_turn(self) -> None:
        """Start the turn's own limits: output, CPU and wall time."""
        self._pace = Pace(self._limits)
        self._guard.begin_turn()

    def give(self, line: str) -> None:
        """Answer the script's question with one line."""
        self.waiting_since = None
        self._asked, self._prompt = False, None
        self._last_activity = time.monotonic()
        self._stdin.put(line)

    def kill(self, reason: str) -> None:
        """End the whole tree; `reason` is what the record will say, the first one counts."""
        if self.killed_for is None and not self._died:
            self.killed_for = reason
            self.process.kill()

    def resume(self) -> None:
        """Read on, after the listener had no room or the pace held us back."""
        if self._reading or self.has_exited:
            return
        self._reading = True
        for fd in (self.process.stdout_fd, self.process.stderr_fd):
            if fd in self._open:
                self._loop.add_reader(fd, self._on_readable)
        self._loop.call_soon(self._settle)

    def _pause(self) -> None:
        self._reading = False
        for fd in (self.process.stdout_fd, self.process.stderr_fd):
            self._loop.remove_reader(fd)

    # Reading. One pass reads what is there, control first after each chunk: an announcement precedes its bytes.

    def _on_readable(self) -> None:
        if self._may_read():
            self._read_chunk(self.process.stdout_fd)
            self._read_chunk(self.process.stderr_fd)
        self._settle()

    def _on_control_ready(self) -> None:
        self._read_control()
        self._settle()

    def _may_read(self) -> bool:
        if not self._listener.may_read():
            self._pause()
            return False
        wait = self._pace.wait_seconds(time.monotonic())
        if wait:
            self._pause()
            self._loop.call_later(wait, self.resume)
            return False
        return True

    def _read_chunk(self, fd: int) -> bool:
        """Read once from `fd`; True when something came."""
        if fd not in self._open:
            return False
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._close(fd)
            return False
        self._read_control()
        self._account(len(data))
        if fd == self.process.stdout_fd:
            self._collect(self._stdout.feed(data))
        elif text := "".join(segment.text for segment in self._console.feed(data)):
            self._flush()
            self._listener.on_console(text)
        return True

    def _account(self, size: int) -> None:
        self._last_activity = time.monotonic()
        self._pace.add(size, self._last_activity)
        if self._pace.is_over:
            self.kill("output_limit")

    def _collect(self, segments: list[Segment]) -> None:
        """Send the first bytes at once and later ones together, at most COALESCE_SECONDS late."""
        self._held += segments
        if self._flush_timer is not None or not self._held:
            return
        wait = self._last_flush + COALESCE_SECONDS - time.monotonic()
        if wait <= 0:
            self._flush()
        else:
            self._flush_timer = self._loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._held:
            segments, self._held = self._held, []
            self._last_flush = time.monotonic()
            self._listener.on_output(segments)

    def _settle(self) -> None:
        """Act on what the script said after its output, once that output is all delivered."""
        if not self._asked and not self._died:
            return
        while self._reading and self._may_read():
            came = self._read_chunk(self.process.stdout_fd)
            if not self._read_chunk(self.process.stderr_fd) and not came:
                break
        if not self._reading and not self._is_drained():
            return
        self._flush()
        if self._died:
            self._finish()
        elif self._asked:
            self._asks()

    def _is_drained(self) -> bool:
        return not any(unread(fd) for fd in (self.process.stdout_fd, self.process.stderr_fd) if fd in self._open)

    def _asks(self) -> None:
        self._asked = False
        prompt, self._prompt = self._prompt, None
        if not self._stdin.is_read_empty:
            return
        if self.waiting_since is None or prompt is not None:
            self.waiting_since = time.monotonic()
            self._listener.on_asks(prompt)

    # Control records.

    def _read_control(self) -> None:
        while self.process.control_fd in self._open:
            try:
                data = os.read(self.process.control_fd, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._close(self.process.control_fd)
            elif self._control is not None:
                self._take_records(self._control, data)

    def _take_records(self, control: wire.Parser, data: bytes) -> None:
        try:
            for kind, payload in control.feed(data):
                self._on_record(kind, payload)
        except ValueError:  # forged: heed it no more, but read on, or a full pipe would stop the script
            self._control = None

    def _on_record(self, kind: int, payload: bytes) -> None:
        if kind == wire.SOURCE:
            if source := parse_source(payload):
                self._stdout.announce(source)
        elif kind == wire.WAITING:
            self._asked = True
        elif kind == wire.PROMPT:
            self._prompt = payload.decode("utf-8", "replace")
        elif kind == wire.READY:
            self.is_ready = True
        elif kind == wire.ERROR:
            self.error = parse_error(payload)
        elif kind == wire.EXIT and len(payload) == 4:
            self._reported_status = struct.unpack(">i", payload)[0]

    # The end.

    def _on_death(self) -> None:
        self._loop.remove_reader(self.process.pidfd)
        if self.process.leaves_orphans:
            self.process.kill()  # bubblewrap leaves with the script; what the script left behind goes now
        self._died = True
        self._pace.lift()
        self.resume()
        self._settle()

    def _finish(self) -> None:
        if self.has_exited:
            return
        self.has_exited = True
        self._read_control()
        self._collect(self._stdout.flush())
        self._flush()
        self._watcher.cancel()
        self._stdin.detach()
        for fd in tuple(self._open):
            self._close(fd)
        self._set_status(self.process.wait())
        self._is_lost, self._was_out_of_memory = self.process.is_lost, self.process.was_out_of_memory
        self.process.close()
        self._listener.on_exit()

    def _set_status(self, code: int) -> None:
        if self._reported_status is not None:
            self.exit_status = self._reported_status
        elif code > 128:
            self.signal = code - 128
        else:
            self.exit_status = code

    def _close(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        self._open.discard(fd)

    # Watching.

    async def _watch(self) -> None:
        pause = QUIET_SECONDS
        while not self.has_exited:
            await asyncio.sleep(pause)
            now = time.monotonic()
            if offence := self._guard.offence(now, self.waiting_since):
                self.kill(offence)
            elif self.process.was_out_of_memory:  # the kernel ends one process of the run, we the rest
                self.kill("out_of_memory")
            quiet = now - self._last_activity
            if self.waiting_since is None and self.is_ready and quiet >= QUIET_SECONDS:
                self._look_for_waiting()
            pause = self._guard.pause_seconds(quiet, self.waiting_since is not None)

    def _look_for_waiting(self) -> None:
        if not self._stdin.is_read_empty or not self._is_drained():
            return
        if self._guard.waits_for_input():
            self._asked = True
            self._settle()

    def sample_peak(self) -> None:
        """Look at memory once more, at a moment when a short script would otherwise never have been seen."""
        if not self._died:
            self._guard.sample()
