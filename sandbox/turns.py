"""The record of a chat's turns: opened, filled, sealed; one at a time.

Sealing hands the log's lines to the recorder and removes the files once they are on record.
"""

import asyncio
from concurrent.futures import Future

from sandbox import turnlog
from sandbox.frames import encode, split_fields
from sandbox.record import ChatRecord, Error, Recorder, TurnRecord, utc_ms
from sandbox.stream import Stream

REPLY_CHARACTERS = 2_000
Input = tuple[str, str, list[str]]
"""Message id, text, uploads."""


class Turns:
    """The turns of one chat."""

    def __init__(self, record: ChatRecord, stream: Stream, recorder: Recorder) -> None:
        self._chat, self._stream, self._recorder = record.chat, stream, recorder
        self._number = record.last_turn
        self._open: TurnRecord | None = None
        self.folders: dict[str, str | None] = {}

    @property
    def is_open(self) -> bool:
        """Say whether a turn is open."""
        return self._open is not None

    @property
    def number(self) -> int:
        """The number of the open turn, else of the last one."""
        return self._number

    def begin(self, by: str, manifest: str, message: Input | None = None) -> None:
        """Open the next turn; with a message, cut its `input` frames."""
        self._number += 1
        turn = TurnRecord(self._number, manifest, by, started_at_ms=utc_ms(), first_seq=self._stream.seq + 1)
        if message is not None:
            turn.message, turn.input, turn.uploads = message
        self._open = turn
        self._stream.open_log(self._number)
        self._recorder.begin(self._chat, turn)
        if message is not None:
            for fields in split_fields(message[1], id=message[0], uploads=message[2]):
                self._stream.emit("input", **fields)

    def add_reply(self, text: str) -> None:
        """Remember the beginning of what the bot said, for lists."""
        if self._open is not None and len(self._open.reply) < REPLY_CHARACTERS:
            self._open.reply = (self._open.reply + text)[:REPLY_CHARACTERS]

    def emit_file(self, path: str, url: str, type_: str, size: int) -> None:
        """Announce a file of the open turn."""
        self._stream.emit("file", name=path, url=url, type=type_, bytes=size)

    def answered(self) -> None:
        """Note the time of the first `waiting` or the exit."""
        if self._open is not None and self._open.milliseconds is None:
            self._open.milliseconds = self._stream.milliseconds()

    def seal(
        self,
        ended: str,
        *,
        exit_status: int | None = None,
        error: Error | None = None,
        peak_memory_bytes: int | None = None,
    ) -> None:
        """Close the open turn for good."""
        turn, self._open = self._open, None
        if turn is None:
            raise RuntimeError("no turn is open")
        turn.ended, turn.exit_status, turn.error = ended, exit_status, error
        turn.peak_memory_bytes, turn.last_seq = peak_memory_bytes, self._stream.seq
        turn.folders = dict(self.folders)
        if turn.milliseconds is None:
            turn.milliseconds = self._stream.milliseconds()
        lines, log = self._stream.close_log()
        self._when_kept(self._recorder.seal(self._chat, turn, lines), log)

    def record_untaken(self, message: Input, manifest: str, reason: str) -> None:
        """Make a turn of a message that no script will get."""
        self.begin("message", manifest, message)
        self._stream.emit("end", reason=reason, exit_status=None, seconds=0.0)
        self.seal(reason)

    def seal_lost(self, turn: TurnRecord, lines: bytes) -> None:
        """End a turn that a dead supervisor left open; what was shown is kept."""
        seq = self._stream.emit("end", reason="lost", exit_status=None, seconds=0.0)
        frame = encode({"kind": "end", "seq": seq, "reason": "lost", "exit_status": None, "seconds": 0.0})
        turn.ended, turn.last_seq = "lost", seq
        rows = lines + turnlog.line(seq, 0, frame)
        turn.first_seq = next(turnlog.frames_in(rows, 0))[0]
        self._recorder.seal(self._chat, turn, rows)

    @staticmethod
    def _when_kept(kept: "Future[None]", log: turnlog.TurnLog) -> None:
        loop = asyncio.get_running_loop()

        def done(future: "Future[None]") -> None:
            if future.exception() is None:
                loop.call_soon_threadsafe(log.remove)

        kept.add_done_callback(done)
