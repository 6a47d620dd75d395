"""Texts from outside into values, each in its one form. A ValueError says what a value must be like."""

from collections.abc import Callable
from urllib.parse import urlsplit


def whole(text: str, least: int = 0) -> int:
    """Return a whole number. Raises ValueError below `least`."""
    number = int(text)
    if number < least:
        raise ValueError(f"must be at least {least}")
    return number


def positive(text: str) -> int:
    """Return a whole number above 0."""
    return whole(text, 1)


def port(text: str) -> int:
    """Return a TCP port."""
    number = positive(text)
    if number > 65535:
        raise ValueError("must be at most 65535")
    return number


def one_of(*words: str) -> Callable[[str], str]:
    """Return a parser that lets only these words through."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return text

    return parse


def origin(text: str) -> str | None:
    """Return scheme://host[:port] in lower case, or None for an empty text. Raises ValueError for anything else."""
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("must look like https://bots.example.org, without a path")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must be a scheme and a host, nothing else")
    origin = normal_origin(text)
    if origin is None:
        raise ValueError("must have a number as its port")
    return origin


def normal_origin(text: str) -> str | None:
    """Return an origin in its one spelling (lower case, no default port), or None when `text` is not an origin."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port in (None, 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{port}"


def index(text: str) -> str:
    """Return the URL of a package index, or of a folder laid out like one."""
    parts = urlsplit(text)
    if (parts.scheme in ("http", "https") and parts.hostname) or (parts.scheme == "file" and parts.path):
        return text
    raise ValueError("must be a URL such as https://pypi.org/simple")


def words(text: str) -> tuple[str, ...]:
    """Return the words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def database(text: str) -> str | None:
    """Return an SQLAlchemy URL, or None for an empty text."""
    if text and not text.startswith("sqlite:///"):
        raise ValueError("must begin with sqlite:///")
    return text or None
