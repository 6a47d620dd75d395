"""Contents as bytes and back: JSON for data, bytes and text as they are, images, and pickle where it is safe."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself takes longer to import than all of this package
    from typing import Any

_TEXT = frozenset(
    "bat c cpp css csv go h htm html ini java js jsx log md py r rs rst rtf sh sql srt svg tex toml ts tsv tsx txt vtt "
    "xml yaml yml".split()
)
"""Extensions whose files load as text; all others load as bytes, whatever is in them."""

_IMAGE_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF"}


def extension(name: str) -> str:
    """Return "csv" for "table.csv", empty for "words" and ".words"."""
    return os.path.splitext(name)[1][1:].lower()


def natural_extension(contents: Any) -> str:
    """Return the extension under which contents are kept when their name has none."""
    if isinstance(contents, (bytes, bytearray, memoryview)):
        return "bin"
    # Exact types for the scalars: an IntEnum or a numpy float would come back as something else.
    if isinstance(contents, (dict, list, str)) or type(contents) in (int, float, bool, type(None)):
        return "json"
    return "jpg" if _is_image(contents) else "pkl"


def encode(name: str, contents: Any, encoding: str | None, access: str) -> bytes:
    """Return the bytes to keep under this complete name. Raises TypeError or ValueError, with what to do instead."""
    kind = extension(name)
    if kind == "pkl":
        return _pickled(name, contents, access)
    if isinstance(contents, (bytes, bytearray, memoryview)):
        return bytes(contents)
    if kind == "json":
        return _json_text(contents, encoding)
    if isinstance(contents, str):
        return contents.encode(encoding or "utf-8")
    if contents is None:
        raise ValueError(f"Can't save empty contents for {name}")
    if _is_image(contents):
        return _image_bytes(contents, kind)
    raise TypeError(
        f"Don't know how to save {type(contents).__name__} as .{kind}: make it text or bytes, "
        f"or leave the extension out of the name {name!r} to keep the value itself"
    )


def decode(name: str, data: bytes, access: str) -> Any:
    """Return what `encode` was given, as far as the extension tells."""
    kind = extension(name)
    if kind == "json":
        import json

        return json.loads(data)
    if kind == "pkl":
        _refuse_pickle(name, access)
        import pickle

        return pickle.loads(data)
    if kind in _TEXT:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data
    return data


def _json_text(contents: Any, encoding: str | None) -> bytes:
    import json

    try:
        # Readable where people read it; load() recognises UTF-8, 16 and 32 by itself (RFC 4627, section 3).
        return json.dumps(contents, indent=2, ensure_ascii=encoding is not None).encode(encoding or "utf-8")
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return json.dumps(contents, indent=2).encode("ascii")


def _pickled(name: str, contents: Any, access: str) -> bytes:
    _refuse_pickle(name, access)
    import pickle

    return pickle.dumps(contents)


def _refuse_pickle(name: str, access: str) -> None:
    """Threat: loading a pickle runs code. One visitor's chat must not plant code for all others in `.shared`."""
    if access == "shared":
        raise TypeError(
            f"Can't keep {name!r} for everyone: shared data is text, numbers, lists, dicts or bytes "
            "(other Python objects could run code in other people's chats)"
        )


def _is_image(contents: Any) -> bool:
    return any(base.__module__.startswith("PIL.") for base in type(contents).__mro__)


def _image_bytes(image: Any, kind: str) -> bytes:
    import io

    buffer = io.BytesIO()
    image_format = _IMAGE_FORMATS.get(kind, kind.upper())
    if image_format == "JPEG" and image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("RGB")  # JPEG has no transparency
    image.save(buffer, format=image_format)
    return buffer.getvalue()
