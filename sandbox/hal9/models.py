"""`complete` and `describe`: the reply of a language model shown, put on record, and its function calls made."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_MODELS = ("openai", "llama")

_JSON_TYPES = {
    "int": "integer",
    "str": "string",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


class _Call:
    """One function that the model asks for; `call_id` is None in the older form with a single `function_call`."""

    def __init__(self, call_id: str | None = None) -> None:
        self.call_id = call_id
        self.name = ""
        self.arguments = ""


class _Reply:
    def __init__(self) -> None:
        self.text = ""
        self.old_call: _Call | None = None
        self.calls: dict[int, _Call] = {}

    def take(self, message: Any, show: bool) -> None:
        """Add a message, or the next piece of one that is streamed."""
        text = _field(message, "content") or ""
        if text and show:
            print(text, end="", flush=True)
        self.text += text
        old_call = _field(message, "function_call")
        if old_call is not None:
            self.old_call = self.old_call or _Call()
            _grow(self.old_call, old_call)
        for position, piece in enumerate(_field(message, "tool_calls") or ()):
            index = _field(piece, "index")
            call = self.calls.setdefault(position if index is None else index, _Call(""))
            call.call_id = _field(piece, "id") or call.call_id
            _grow(call, _field(piece, "function"))


def complete(
    completion: Any,
    messages: list[dict[str, Any]] | None = None,
    tools: Sequence[Callable[..., Any]] | None = None,
    show: bool = True,
    model: str = "openai",
) -> str:
    """Show a model's reply as it comes, append it to `messages`, call the functions it asks for; return all text.

    `completion` is a chat completion or a stream of its chunks, from the openai package or anything of that shape.
    Results of functions (found in `tools` by name) are appended to `messages` and to what is returned; model="llama"
    also shows them and repeats them as the assistant's words.
    Raises ValueError for an unknown model, RuntimeError with its text when a function fails.
    """
    if model not in _MODELS:
        raise ValueError(f"Don't know how to complete model {model}")
    record = [] if messages is None else messages
    reply = _received(completion, show)
    result = _answer_calls(reply, record, {tool.__name__: tool for tool in tools or ()})
    if model == "llama" and result:
        if show:
            print(result, flush=True)
        record.append({"role": "assistant", "content": result})
    return reply.text + result


def describe(functions: Iterable[Callable[..., Any]], model: str = "openai") -> list[dict[str, Any]]:
    """Return what a model needs to know of functions: for `functions=`, or with model="llama" for `tools=`."""
    described = [_description(function) for function in functions]
    return [{"type": "function", "function": each} for each in described] if model == "llama" else described


def _received(completion: Any, show: bool) -> _Reply:
    reply = _Reply()
    whole = _field(completion, "choices")
    if whole is not None:
        reply.take(_field(whole[0], "message"), show)
    else:
        for chunk in completion:
            choices = _field(chunk, "choices")
            if choices and _field(choices[0], "delta") is not None:
                reply.take(_field(choices[0], "delta"), show)
    if reply.text and show:
        print(flush=True)
    return reply


def _answer_calls(reply: _Reply, record: list[dict[str, Any]], tools: dict[str, Callable[..., Any]]) -> str:
    calls = list(reply.calls.values())
    if calls:
        asked = [_as_asked(call) for call in calls]
        record.append({"role": "assistant", "content": reply.text or None, "tool_calls": asked})
    elif reply.text:
        record.append({"role": "assistant", "content": reply.text})
    if reply.old_call is not None and reply.old_call.name in tools:
        return _made(reply.old_call, tools, record)
    return "\n".join(_made(call, tools, record) for call in calls)


def _made(call: _Call, tools: dict[str, Callable[..., Any]], record: list[dict[str, Any]]) -> str:
    """Make one call, append its result to the record, return it. Raises RuntimeError when it fails."""
    import json

    failure = None
    try:
        if call.name not in tools:
            result = f"There is no function {call.name}"
        else:
            result = str(tools[call.name](**json.loads(call.arguments or "{}")))
    except Exception as error:
        failure, result = error, str(error)
    role = {"role": "function"} if call.call_id is None else {"role": "tool", "tool_call_id": call.call_id}
    record.append({**role, "name": call.name, "content": result})
    if failure is not None:
        raise RuntimeError(result) from failure
    return result


def _as_asked(call: _Call) -> dict[str, Any]:
    return {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _grow(call: _Call, piece: Any) -> None:
    call.name += _field(piece, "name") or ""
    call.arguments += _field(piece, "arguments") or ""


def _field(thing: Any, name: str) -> Any:
    """Return an attribute, or a key where the thing is a dict (a reply that was read with `requests`)."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _description(function: Callable[..., Any]) -> dict[str, Any]:
    import inspect

    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [each for each in inspect.signature(function).parameters.values() if each.kind not in kinds]
    return {
        "name": function.__name__,
        "description": inspect.getdoc(function) or "",
        "parameters": {
            "type": "object",
            "properties": {each.name: {"type": _json_type(each.annotation)} for each in parameters},
            "required": [each.name for each in parameters if each.default is inspect.Parameter.empty],
        },
    }


def _json_type(annotation: Any) -> str:
    """Return "integer" for int and "int", "array" for list[str]; "string" where the annotation does not say."""
    origin = getattr(annotation, "__origin__", annotation)
    name = origin.__name__ if isinstance(origin, type) else str(annotation).partition("[")[0]
    return _JSON_TYPES.get(name, "string")
