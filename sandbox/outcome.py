"""How a run ended, from what the kernel and the runner say of it; the runner's words are hostile text."""

import signal

import msgspec

from sandbox.record import Error


class _ErrorShape(msgspec.Struct):
    type: str
    message: str
    traceback: str
    file: str | None = None
    line: int | None = None

    def to_error(self) -> Error:
        return Error(self.type[:200], self.message[:2_000], self.file and self.file[:300], self.line, self.traceback)


def parse_error(payload: bytes) -> Error | None:
    """Return the exception in an ERROR record, or None when it is not one."""
    try:
        return msgspec.json.decode(payload, type=_ErrorShape).to_error()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def reason_of(killed_for: str | None, error: Error | None, by_signal: int | None) -> str:
    """Return the end reason in the words of the protocol.

    `killed_for` is why we ended it, None: we did not; `by_signal` the signal that did, None: none.
    """
    if killed_for is not None:
        return killed_for
    if by_signal == signal.SIGXCPU:
        return "timed_out"
    return "crashed" if error is not None or by_signal is not None else "exited"
