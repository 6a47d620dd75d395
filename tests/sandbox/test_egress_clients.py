"""The HTTP clients that bots use, unmodified, through the proxy: they work, and what they show when they may not."""

import asyncio
import importlib.util
import json
import ssl
from pathlib import Path

import pytest

from sandbox.policy import OFF, PUBLIC, Policy
from sandbox.targets import Target
from tests.sandbox.netns import Net, Visit, certificate, upstream

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.find_spec("aiohttp")
AIOHTTP = str(Path(_SPEC.origin).parents[1]) if _SPEC and _SPEC.origin else None

START = f"""
import sys, asyncio
sys.path.append({str(ROOT)!r})
from sandbox import clients
clients.install()
def show(function):
    try: print(function())
    except Exception as error: print(type(error).__name__, error)
"""

GETS = {
    "urllib": "import urllib.request as u; show(lambda: u.urlopen(URL + '/get', timeout=20).read().decode())",
    "requests": "import requests; show(lambda: requests.get(URL + '/get', timeout=20).text)",
    "requests session": """
import requests
with requests.Session() as s: show(lambda: [s.get(URL + '/get', timeout=20).text for _ in range(3)][-1])
""",
    "httpx2": "import httpx2; show(lambda: httpx2.get(URL + '/get').text)",
    "httpx2 async": """
import httpx2
async def go():
    async with httpx2.AsyncClient() as client: return (await client.get(URL + '/get')).text
show(lambda: asyncio.run(go()))
""",
    "openai": """
import openai
client = openai.OpenAI(api_key="k", base_url=URL + "/v1", max_retries=0)
ask = dict(model="m", messages=[{"role": "user", "content": "hi"}])
show(lambda: client.chat.completions.create(**ask).choices[0].message.content)
""",
    "openai stream": """
import openai
client = openai.OpenAI(api_key="k", base_url=URL + "/v1", max_retries=0)
ask = dict(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
show(lambda: "".join(part.choices[0].delta.content for part in client.chat.completions.create(**ask)))
""",
    "openai async": """
import openai
async def go():
    async with openai.AsyncOpenAI(api_key="k", base_url=URL + "/v1", max_retries=0) as client:
        ask = dict(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        return "".join([p.choices[0].delta.content async for p in await client.chat.completions.create(**ask)])
show(lambda: asyncio.run(go()))
""",
    "aiohttp": """
import aiohttp
async def go():
    async with aiohttp.ClientSession() as session:
        async with session.get(URL + "/get") as answer:
            answer.raise_for_status()
            return await answer.text()
show(lambda: asyncio.run(go()))
""",
}


def _part(text: str) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    whole = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(whole).encode() + b"\n\n"


_MESSAGE = {"role": "assistant", "content": "hello from upstream"}
_WHOLE = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}


async def models(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be an API that keeps its connections open: `/get`, and chat completions, streamed or not."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = next((row[15:] for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")), b"0")
        body = await reader.readexactly(int(length))
        if b'"stream":true' in body.replace(b" ", b""):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            for text in ("hello ", "from ", "upstream"):
                writer.write(_part(text))
                await writer.drain()
                await asyncio.sleep(0.05)
            writer.write(b"data: [DONE]\n\n")
            return
        choice = {"index": 0, "message": _MESSAGE, "finish_reason": "stop"}
        answer = json.dumps({**_WHOLE, "choices": [choice]}) if body else "hello from upstream"
        type_ = b"application/json" if body else b"text/plain"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (type_, len(answer)))
        writer.write(answer.encode())
        await writer.drain()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A certificate for api.test."""
    return certificate(tmp_path_factory.mktemp("tls"), "api.test")


def visit(client: str, tls: tuple[ssl.SSLContext, Path] | None, policy: Policy, *, host: str = "api.test") -> Visit:
    """Let `client` ask an upstream, over TLS where there is a certificate."""
    if client == "aiohttp" and AIOHTTP is None:
        pytest.skip("aiohttp is not installed beside the tests")

    async def go() -> Visit:
        async with upstream(models, tls=tls and tls[0]) as port:
            env = {"SSL_CERT_FILE": str(tls[1]), "REQUESTS_CA_BUNDLE": str(tls[1])} if tls else {}
            if client == "aiohttp":
                env["PYTHONPATH"] = str(AIOHTTP)
            names = {"api.test": ["127.0.0.1"], "inside.test": ["10.0.0.1"]}
            net = Net(names=names, trusted=frozenset({Target("api.test", port)}), policy=policy, env=env)
            url = f"{'https' if tls else 'http'}://{host}" + (f":{port}" if host == "api.test" else "")
            return await net.visit(f"URL = {url!r}\n{START}{GETS[client]}")

    return asyncio.run(go())


@pytest.mark.parametrize("client", GETS)
def test_client_works_unmodified_over_tls(client: str, tls: tuple[ssl.SSLContext, Path]) -> None:
    seen = visit(client, tls, PUBLIC)
    assert (seen.stdout, seen.stderr) == ("hello from upstream\n", "")
    assert len(seen.lines) == 1 and seen.lines[0].endswith(" allowed")  # a pool keeps its connection


@pytest.mark.parametrize("client", GETS)
def test_client_works_unmodified_over_plain_http(client: str) -> None:
    seen = visit(client, None, PUBLIC)
    assert (seen.stdout, seen.stderr) == ("hello from upstream\n", "")


@pytest.mark.parametrize("client", GETS)
def test_error_of_a_refused_client_says_what_the_policy_is(client: str, tls: tuple[ssl.SSLContext, Path]) -> None:
    assert "This bot may not use the network (policy: off)" in visit(client, tls, OFF).stdout


@pytest.mark.parametrize("client", GETS)
def test_error_for_a_private_address_says_so(client: str, tls: tuple[ssl.SSLContext, Path]) -> None:
    assert (
        "That is not a public address (private): inside.test" in visit(client, tls, PUBLIC, host="inside.test").stdout
    )


@pytest.mark.parametrize("client", ["urllib", "requests", "httpx2", "httpx2 async", "openai stream"])
def test_internal_host_is_reached_by_every_client_under_policy_off(client: str) -> None:
    seen = asyncio.run(Net(policy=OFF).visit(f"URL = 'http://hal9.internal'\n{START}{GETS[client]}"))
    assert "404" in seen.stdout or "hal9.internal has nothing at /get" in seen.stdout
    assert seen.lines == []
