"""What people see of a chat, and what is put on record of it: the words of a run as frames of its turns.

It decides nothing about runs; it knows how each thing that happens is shown, and to which turn it belongs.
"""

import asyncio

from sandbox.frames import Segment, error_fields, output_fields, split_fields
from sandbox.hold import HOLD_SECONDS, Hold
from sandbox.opening import Opening
from sandbox.record import ChatRecord, Error, Recorder
from sandbox.stream import Stream
from sandbox.turns import Input, Turns

PROMPTS_PER_TURN = 100


class Screen:
    """The screen of one chat."""

    def __init__(self, record: ChatRecord, stream: Stream, recorder: Recorder) -> None:
        self.stream = stream
        self.turns = Turns(record, stream, recorder)
        self._opening = Opening(record.opening, lambda known: recorder.update(record.chat, {"opening": known}))
        self._prompts = 0

    def begin(self, by: str, manifest: str, message: Input | None = None) -> None:
        """Open a turn."""
        self._prompts = 0
        self.turns.begin(by, manifest, message)

    def starting(self, by: str, version: int | None, has_welcome: bool) -> None:
        """Say that a script starts. What repeats its known opening is held back for a while."""
        self.stream.emit("start", by=by, version=version)
        hold = self._opening.begin(by, has_welcome)
        if hold is not None:
            asyncio.get_running_loop().call_later(HOLD_SECONDS, self._release, hold)

    def printed(self, segments: list[Segment]) -> None:
        """Show what the script printed, or hold it while it may be the opening again."""
        self._show(self._opening.add(segments))

    def console(self, text: str) -> None:
        """Show text to the author alone."""
        for fields in split_fields(text):
            self.stream.emit("console", **fields)

    def asked(self, prompt: str) -> None:
        """Show the script's question, and what was held back if this is not the opening again."""
        text, shown = self._opening.asks(prompt)
        self._show(text)
        if shown and self._prompts < PROMPTS_PER_TURN:
            self._prompts += 1
            for fields in split_fields(shown):
                self.stream.emit("prompt", **fields)

    def welcome(self, text: str, manifest: str) -> None:
        """Show a text in place of an opening: a turn of its own, without a run."""
        self.begin("open", manifest)
        for fields in split_fields(text):
            self.stream.emit("output", text=fields["text"])
        self.turns.add_reply(text)
        self.stream.emit("waiting")
        self.turns.seal("replied")

    def flush(self) -> None:
        """Show what is still held: the script has ended."""
        self._show(self._opening.end())

    def ended(
        self, reason: str, exit_status: int | None = None, seconds: float = 0.0, error: Error | None = None
    ) -> None:
        """Say how a run ended; `error` is for the author."""
        fields = {"error": error_fields(error)} if error and reason == "crashed" else {}
        self.stream.emit("end", reason=reason, exit_status=exit_status, seconds=seconds, **fields)

    def _show(self, segments: list[Segment]) -> None:
        for fields in output_fields(segments):
            self.stream.emit("output", **fields)
            self.turns.add_reply(str(fields["text"]))

    def _release(self, hold: Hold) -> None:
        self._show(self._opening.release(hold))
