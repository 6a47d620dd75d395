"""Heads of HTTP/1.1 messages: read a hostile request, rewrite it for an upstream, word an answer. Pure (RFC 9112).

What two parsers could read differently is refused instead of repaired: bare CR, folded lines, space before a colon,
two lengths. Bytes of a header that are not ASCII are kept (latin-1).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

HEAD_BYTES = 16 * 1024
"""The most a request's head may have; an upstream's answer gets the double (cookies)."""
HEADERS = 100
REASON_BYTES = 200

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})( [^\r\n]*)?")
_BAD_VALUE = re.compile(rb"[\x00\r\n]")
_NOT_REASON = re.compile(r"[^\x20-\x7e]")
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "upgrade",
    }
)
"""Of one connection only (RFC 9110, section 7.6.1); never passed on."""

Header = tuple[str, str]


class BadHead(ValueError):
    """It cannot be read, or only in two ways; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request. Header names are in lower case, in the order they came."""

    method: str
    target: str
    is_http_1_1: bool
    headers: tuple[Header, ...]

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for found, value in self.headers if found == name]

    @property
    def fields(self) -> dict[str, str]:
        """The headers by name, repeated ones joined (RFC 9110, section 5.3)."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    def body_bytes(self) -> int | None:
        """Return how long the body is, or None when it comes in chunks. Raises: BadHead when that is not certain."""
        lengths, codings = self.all("content-length"), self.all("transfer-encoding")
        if codings:
            if lengths or [coding.lower() for coding in codings] != ["chunked"]:
                raise BadHead("the length of the body is not clear")
            return None
        if not lengths:
            return 0
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,15}", lengths[0]):
            raise BadHead("the length of the body is not clear")
        return int(lengths[0])


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an upstream's answer."""

    status: int
    line: bytes
    headers: tuple[Header, ...]


def read_request(head: bytes) -> Request:
    """Return what a head, up to and with its empty line, says. Raises: BadHead."""
    line, headers = _read(head)
    found = _REQUEST.fullmatch(line)
    if found is None:
        raise BadHead("the first line is not an HTTP/1.1 request")
    method, target, minor = found.groups()
    try:
        return Request(method.decode("ascii"), target.decode("utf-8"), minor == b"1", headers)
    except UnicodeDecodeError as error:
        raise BadHead("the address is not UTF-8") from error


def read_answer(head: bytes) -> Answer:
    """Return what the head of an answer says. Raises: BadHead."""
    line, headers = _read(head)
    found = _STATUS.fullmatch(line)
    if found is None:
        raise BadHead("the first line is not an HTTP/1.1 answer")
    return Answer(int(found[1]), line, headers)


def forwarded_request(request: Request, path: str, authority: str) -> bytes:
    """Return the head for the upstream: its own path, the Host that was checked, one request per connection."""
    first = f"{request.method} {path} HTTP/1.{int(request.is_http_1_1)}"  # who speaks 1.0 cannot read chunks
    return _head(first.encode(), [("host", authority), *_passed_on(request.headers, "host"), ("connection", "close")])


def forwarded_answer(answer: Answer) -> bytes:
    """Return the head for the script; an interim one (100, 103) does not say that the connection ends."""
    last = [] if answer.status < 200 else [("connection", "close")]
    return _head(answer.line, [*_passed_on(answer.headers), *last])


def answer_head(status: int, headers: Mapping[str, str], reason: str | None = None) -> bytes:
    """Return the head of an answer of our own. `reason` replaces the usual words after the status.

    Raises: ValueError when a header would break out of its line.
    """
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name.encode()) or _BAD_VALUE.search(value.encode("latin-1", "replace")):
            raise ValueError(f"not a header: {name!r}")
    return _head(f"HTTP/1.1 {status} {_reason(status, reason)}".encode("ascii"), headers.items())


def text_answer(status: int, sentence: str) -> bytes:
    """Return a whole answer that says `sentence` twice.

    In the reason phrase, which is all that requests, httpx, aiohttp and urllib show of a refused CONNECT; and in the
    body, for whoever looks there.
    """
    body = f"{sentence}\n".encode()
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
    return answer_head(status, headers, sentence) + body


def _reason(status: int, reason: str | None) -> str:
    if reason is None:
        try:
            return HTTPStatus(status).phrase
        except ValueError:
            return ""
    return _NOT_REASON.sub("?", reason)[:REASON_BYTES]


def _read(head: bytes) -> tuple[bytes, tuple[Header, ...]]:
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if len(lines) > HEADERS + 1:
        raise BadHead(f"there are more than {HEADERS} headers")
    return lines[0], tuple(_header(line) for line in lines[1:])


def _header(line: bytes) -> Header:
    name, colon, value = line.partition(b":")
    if not colon or not _TOKEN.fullmatch(name) or _BAD_VALUE.search(value):
        raise BadHead("a header cannot be read")
    return name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")


def _passed_on(headers: Iterable[Header], *without: str) -> list[Header]:
    headers = tuple(headers)
    named = {word.strip().lower() for name, value in headers if name == "connection" for word in value.split(",")}
    dropped = _HOP_BY_HOP | (named - {"content-length", "transfer-encoding", "host"}) | set(without)
    return [(name, value) for name, value in headers if name not in dropped]


def _head(first: bytes, headers: Iterable[Header]) -> bytes:
    lines = [f"{name}: {value}".encode("latin-1", "replace") for name, value in headers]
    return b"\r\n".join([first, *lines, b"", b""])
