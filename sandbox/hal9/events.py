"""`event`: note that something happened, for statistics."""

from __future__ import annotations

import os

from .folders import Locked, folder, write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def event(name: str, details: Any = None) -> None:
    """Append {name, details} to the JSON list `.storage/.events`; threads and processes may do so at the same time.

    Raises TypeError when `details` are not JSON, ValueError when the file is not.
    """
    import json

    storage = folder("storage")
    path = os.path.join(storage, ".events")
    entry = {"name": name, "details": details}
    json.dumps(entry)
    os.makedirs(storage, exist_ok=True)
    with Locked(storage):
        events: list[Any] = []
        if os.path.exists(path):
            with open(path, "rb") as file:
                events = json.loads(file.read())
        write_whole(path, json.dumps([*events, entry]).encode())
