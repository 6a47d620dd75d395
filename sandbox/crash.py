"""Tell of an exception that ended a script: as Python would on stderr, and as a record for the author's page.

Runs inside the sandbox, imported only when something failed. Frames of the runner are left out and files are named
relative to the bot, so that `File "app.py", line 12` means the author's own file.
"""

import json
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

from . import wire
from .stdio import BOT, Control

_OURS = "/opt/hal9/lib/hal9_runtime/"
_KEPT_CHARS = 4000
"""Of the traceback in the record, head and tail each: JSON of it stays under the 64 KiB that the reader joins."""


def report(control: Control, error: BaseException) -> None:
    """Write the traceback to stderr, or let the script's own excepthook do it; send the ERROR record."""
    told = _cleaned(error, error.__traceback__)
    text = "".join(told.format())
    if not control.in_fork:
        file, line = _place(told)
        fields = {"type": _type_name(type(error)), "message": _message(error), "file": file, "line": line}
        payload = json.dumps({**fields, "traceback": _shortened(text)}, ensure_ascii=False)
        control.send(*wire.records(wire.ERROR, payload.encode("utf-8", "backslashreplace")))
    if sys.excepthook is sys.__excepthook__:
        sys.stderr.write(text)
    else:
        sys.excepthook(type(error), error, error.__traceback__)


def report_thread(args: tuple[type[BaseException], BaseException | None, TracebackType | None, object]) -> None:
    """Be threading.excepthook."""
    kind, error, trace, thread = args[0], args[1], args[2], args[3]
    if kind is SystemExit or sys.stderr is None:
        return
    name = getattr(thread, "name", "?")
    text = "".join(_cleaned(error or kind(), trace).format())
    sys.stderr.write(f"Exception in thread {name}:\n{text}")


def _cleaned(error: BaseException, trace: TracebackType | None) -> traceback.TracebackException:
    told = traceback.TracebackException(type(error), error, trace, compact=True)
    for part in _chain(told):
        part.stack[:] = [frame for frame in part.stack if not frame.filename.startswith(_OURS)]
        for frame in part.stack:
            frame.filename = frame.filename.removeprefix(BOT)
        if isinstance(getattr(part, "filename", None), str):
            part.filename = part.filename.removeprefix(BOT)
    return told


def _chain(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Yield it, its causes and contexts, and the members of groups."""
    waiting: list[traceback.TracebackException | None] = [told]
    while waiting:
        part = waiting.pop()
        if part is not None:
            yield part
            waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]


def _place(told: traceback.TracebackException) -> tuple[str | None, int | None]:
    """Return the innermost place in the bot's own files, which after cleaning are the relative ones."""
    if getattr(told, "lineno", None) is not None and _is_own(told.filename):
        return told.filename, int(told.lineno)  # type: ignore[arg-type]
    for frame in reversed(told.stack):
        if _is_own(frame.filename):
            return frame.filename, frame.lineno
    return None, None


def _is_own(filename: str | None) -> bool:
    return bool(filename) and not str(filename).startswith(("/", "<"))


def _type_name(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception:
        return "<exception str() failed>"


def _shortened(text: str) -> str:
    if len(text) <= 2 * _KEPT_CHARS:
        return text
    return f"{text[:_KEPT_CHARS]}\n  …\n{text[-_KEPT_CHARS:]}"
