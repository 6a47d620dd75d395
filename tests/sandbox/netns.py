"""A run's way out without the rest of the sandbox: a client process in a network namespace of its own, and its proxy.

The client opens the listener there and passes it over, as the first steps inside a sandbox do; the proxy serves it from
the test's event loop. Upstreams are on this machine's loopback, let through as trusted, under names that only the
injected resolver knows.
"""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import egress, internal, runtime
from sandbox.dialer import Dialer, connect
from sandbox.host import state_folder
from sandbox.internal import Caller, Handler
from sandbox.meter import Caps
from sandbox.policy import PUBLIC, Policy
from sandbox.targets import Target

SECONDS = 30.0

_BOOT = """
import ctypes, os, socket, sys
NEWUSER, NEWNET = 0x10000000, 0x40000000
if ctypes.CDLL(None, use_errno=True).unshare(NEWNET | (NEWUSER if os.geteuid() else 0)):
    raise OSError(ctypes.get_errno(), "unshare")
import fcntl, struct
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
listener = socket.socket()
listener.bind(("127.0.0.1", 3128))
listener.listen(64)
channel = socket.socket(fileno=int(sys.argv[1]))
socket.send_fds(channel, [b"L"], [listener.fileno()])
listener.close()
channel.recv(1)
channel.close()
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass
class Visit:
    """What came of one client."""

    status: int
    stdout: str
    stderr: str
    lines: list[str]
    """What the author was told."""


@dataclass
class Net:
    """The outside world as the tests have it."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What names resolve to; a list of lists answers differently each time."""
    trusted: frozenset[Target] = frozenset()
    policy: Policy = PUBLIC
    caps: Caps = field(default_factory=Caps)
    handler: Handler = internal.answer
    connect: Callable[[str, int], Any] = connect
    env: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    python: str = "/usr/bin/python3"

    def resolve(self, name: str, port: int) -> Sequence[str]:
        """Answer from `names`."""
        self.asked.append(name)
        try:
            return self.names[name.removesuffix(".")]
        except KeyError:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None

    def dialer(self) -> Dialer:
        """Return the guard of this world."""
        return Dialer(self.trusted, resolve=self.resolve, connect=self.connect)

    async def visit(self, script: str, *, before_end: Callable[[egress.Outlet], Any] | None = None) -> Visit:
        """Run `script` in a network namespace with a proxy, to its end."""
        dialer = self.dialer()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [self.python, "-I", "-c", _BOOT, str(theirs.fileno()), self.python, "-c", script]
        environment = {"PATH": "/usr/bin", "PYTHONPATH": str(runtime.site_folder(state_folder()))}
        client = await asyncio.create_subprocess_exec(
            *argv,
            pass_fds=(theirs.fileno(),),
            env={**environment, **egress.ENVIRONMENT, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        _, fds, _, _ = await asyncio.to_thread(socket.recv_fds, ours, 1, 1)
        lines: list[str] = []
        caller = Caller("chat-1", "bot-1", "draft", "author-1", self.policy)
        ways = egress.Egress(dialer, handler=self.handler)
        outlet = ways.open(egress.listener_from(fds[0]), caller, lines.append, caps=self.caps)
        ours.send(b"g")
        ours.close()
        try:
            if before_end is not None:
                await before_end(outlet)
            async with asyncio.timeout(SECONDS):
                out, err = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
            await outlet.close()
        return Visit(client.returncode or 0, out.decode().replace("\r", ""), err.decode(), lines)


@asynccontextmanager
async def upstream(answer: Callable[..., Any], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve `answer(reader, writer)` on loopback and give the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one HTTP request with what came: its first line, its headers, its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
    body = await reader.readexactly(int(length))
    seen = head + body
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(seen), seen))
    await writer.drain()


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for `names`; return a server's context and the file that clients should trust."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*made, "-days", "2", "-keyout", key, "-out", cert, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert
