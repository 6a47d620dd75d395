"""JSON in and out by type: a route names the struct it takes and the one it answers, for checking and for OpenAPI."""

from collections.abc import Callable
from functools import wraps
from typing import Any, get_type_hints

import msgspec
from flask import Response, request

from hal9_ide.errors import BadRequest


def answer(value: object, status: int = 200) -> Response:
    """Return `value` as a JSON response."""
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def speaks(body: type[msgspec.Struct] | None = None, *, status: int = 200) -> Callable[[Callable[..., Any]], Any]:
    """Give the view its `body`, decoded and checked, and send the struct that it returns.

    The view's return annotation documents the answer; a view may also return a Response as it is.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def speak(*args: Any, **kwargs: Any) -> Response:
            if body:
                kwargs["body"] = read_body(body)
            result = view(*args, **kwargs)
            return result if isinstance(result, Response) else answer(result, status)

        speak.body = body  # type: ignore[attr-defined]
        speak.answer = get_type_hints(view).get("return")  # type: ignore[attr-defined]
        speak.status = status  # type: ignore[attr-defined]
        return speak

    return decorate


def read_body(kind: type[msgspec.Struct]) -> Any:
    """Return the request's JSON body as a `kind`; an empty body counts as {}. Raises BadRequest saying why not."""
    try:
        return msgspec.json.decode(request.get_data() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadRequest(f"The request is malformed: {error}.", code="malformed") from None


class Done(msgspec.Struct):
    """It is done."""

    ok: bool = True
