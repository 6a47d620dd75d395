"""The chat protocol as types: every frame that crosses the WebSocket, and what a message's text may be.

JSON text frames. A server frame is at most 8 kB as encoded, a client frame at most 400 kB. `seq` numbers a chat's
frames from 1, over all its runs; what only the author may see is left out for visitors and keeps its number.
"""

import json
import math
import re
from contextlib import suppress
from typing import Literal

import msgspec

from hal9_ide.errors import BadRequest, TooLarge

SUBPROTOCOL = "hal9.chat.v1"
VISITOR_PREFIX = "visitor."
"""A visitor's secret travels as a second sub-protocol, `visitor.<secret>`: browsers let pages set no header here."""

CLIENT_FRAME_BYTES = 400_000
SERVER_FRAME_BYTES = 8_000
TEXT_BYTES = 64 << 10
UPLOADS = 32
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
MESSAGE_ID = re.compile(r"[!-~]{1,64}")

State = Literal["starting", "running", "waiting", "ended"]
By = Literal["open", "message", "restart"]
Reason = Literal["exited", "crashed", "stopped", "timed_out", "out_of_memory", "output_limit", "idle", "lost"]


class Frame(msgspec.Struct, tag_field="kind", tag=str.lower, frozen=True):
    """Any frame; `kind` is the name of its class in lower case."""


# from the client


class Message(Frame, frozen=True):
    """Say `text` to the bot. `id` is the client's choice (1 to 64 visible ASCII characters); a repeat has no effect."""

    id: str
    text: str
    uploads: list[str] = []


class Stop(Frame, frozen=True):
    """End the run and whatever is queued behind it."""


class Restart(Frame, frozen=True):
    """Start the script afresh; for a draft chat, with the files as they are now."""


class Resume(Frame, frozen=True):
    """Send every frame after number `after` (0: all), then live ones. Must be the first frame."""

    after: int


# from the server


class Hello(Frame, frozen=True):
    """First frame. `seq` is the last number given in this chat."""

    chat: str
    seq: int
    state: State


class Accepted(Frame, frozen=True):
    """Message `id` is on record and will have its effect once. Concerns this socket; has no `seq`."""

    id: str


class Refused(Frame, frozen=True):
    """Message `id` had no effect and may be sent again; `text` says why. Concerns this socket; has no `seq`."""

    id: str
    code: str
    text: str


class Start(Frame, frozen=True):
    """The script starts: because the chat opened, because of a message, or afresh. `version` is null for a draft."""

    seq: int
    by: By
    version: int | None


class Input(Frame, frozen=True):
    """The script got message `id`. `more`: the text goes on in the next `input`."""

    seq: int
    id: str
    text: str
    uploads: list[str] = []
    more: bool = False


class Output(Frame, frozen=True):
    """The script printed `text` (Markdown). `src`, for the author: [offset in code points, file, line], at most 64."""

    seq: int
    text: str
    src: list[tuple[int, str | None, int | None]] = []


class Prompt(Frame, frozen=True):
    """The text of `input("…")`. `more`: it goes on in the next `prompt`."""

    seq: int
    text: str
    more: bool = False


class Waiting(Frame, frozen=True):
    """The script waits for a message, and none is queued."""

    seq: int


class Console(Frame, frozen=True):
    """For the author: what the script wrote to stderr. `more`: it goes on in the next `console`."""

    seq: int
    text: str
    more: bool = False


class File(Frame, frozen=True):
    """A file that this turn left in `.storage`, as it left it. `type` is its media type, such as image/png."""

    seq: int
    name: str
    url: str
    type: str
    bytes: int


class Error(msgspec.Struct, frozen=True):
    """An uncaught exception: 3 kB of head and 3 kB of tail of its traceback; file and line in the bot's own files."""

    type: str
    message: str
    file: str | None
    line: int | None
    traceback: str


class End(Frame, frozen=True):
    """The run has ended. `exit_status` is null where the script did not choose one; `error` is for the author."""

    seq: int
    reason: Reason
    exit_status: int | None
    seconds: float
    error: Error | None = None


class Gap(Frame, frozen=True):
    """Frames `from` to `to` are lost or were left out; the only sign of loss."""

    seq: int
    from_: int = msgspec.field(name="from")
    to: int = 0


CLIENT_FRAMES: tuple[type[Frame], ...] = (Message, Stop, Restart, Resume)
SERVER_FRAMES: tuple[type[Frame], ...] = (
    Hello,
    Accepted,
    Refused,
    Start,
    Input,
    Output,
    Prompt,
    Waiting,
    Console,
    File,
    End,
    Gap,
)

ClientFrame = Message | Stop | Restart | Resume
_decoder = msgspec.json.Decoder(ClientFrame)


def decode_client_frame(data: str | bytes) -> ClientFrame:
    """Return the frame that a client sent. Raises BadRequest when it is none."""
    try:
        frame: ClientFrame = _decoder.decode(data)
        return frame
    except (msgspec.DecodeError, UnicodeError) as error:
        if (half := _with_half_characters(data)) is not None:
            return half
        raise BadRequest(f"That is not a frame of {SUBPROTOCOL}: {error}", code="bad_frame") from None


def _with_half_characters(data: str | bytes) -> Message | None:
    r"""Return a message whose text holds lone surrogates, or None: a page can send \ud800, strict JSON cannot."""
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        fields = json.loads(data)
        if fields["kind"] == "message" and HALF_CHARACTER.search(fields["text"]):
            return Message(id=msgspec.convert(fields["id"], str), text=fields["text"])
    return None


def encode_frame(frame: Frame) -> bytes:
    """Return a frame as it goes over the wire."""
    return msgspec.json.encode(frame)


def checked_message(frame: Message) -> Message:
    """Return the message as the bot will get it. Raises BadRequest or TooLarge with a sentence for the person."""
    if not MESSAGE_ID.fullmatch(frame.id):
        raise BadRequest("The id of a message is 1 to 64 visible ASCII characters.", code="bad_message")
    if len(frame.uploads) > UPLOADS or any(len(upload) > 2_000 for upload in frame.uploads):
        raise TooLarge(f"A message can carry {UPLOADS} files.", code="too_many_uploads")
    return Message(id=frame.id, text=checked_text(frame.text), uploads=frame.uploads)


def checked_text(text: str) -> str:
    r"""Return `text` with \r\n and \r as \n. Raises BadRequest for NUL and lone surrogates, TooLarge over 64 KiB."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise BadRequest("A message cannot contain the NUL character.", code="bad_text")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadRequest("A message cannot contain half a character.", code="bad_text") from None
    if size > TEXT_BYTES:
        limit, this = TEXT_BYTES >> 10, math.ceil(size / 1024)
        raise TooLarge(f"A message can have {limit} KiB; this one has {this}.", code="too_long")
    return text
