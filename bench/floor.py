"""The cold floor: a bare asyncio WebSocket that starts one `python3 app.py` per chat, without sandbox, store or limits.

It keeps the server's rule that a message starts a script that has ended. Everything above its times is our doing.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

PYTHON = "/usr/bin/python3"


class FloorChat:
    """One connection and the script behind it."""

    def __init__(self, script: Path, connection: ServerConnection) -> None:
        self._script = script
        self._connection = connection
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> asyncio.subprocess.Process:
        """Start the script afresh."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(PYTHON, "-u", str(self._script), stdin=pipe, stdout=pipe)
        self._process = process
        self._reader = asyncio.create_task(self._forward(process))
        return process

    async def _forward(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        with contextlib.suppress(ConnectionClosed):
            while data := await process.stdout.read(65536):
                await self._connection.send(data.decode(errors="replace"))

    async def serve(self) -> None:
        """Give every message to the script until the connection ends."""
        process = await self.start()
        try:
            async for message in self._connection:
                if process.returncode is not None or message == "\x00restart":
                    await self.end()
                    process = await self.start()
                if message != "\x00restart" and process.stdin:
                    process.stdin.write(str(message).encode() + b"\n")
        except ConnectionClosed:
            pass
        finally:
            await self.end()

    async def end(self) -> None:
        """End the script and wait for it."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        if self._process:
            await self._process.wait()
        if self._reader:
            await self._reader


def address(server: Server) -> str:
    """Return where a server listens."""
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def run_forever(script: Path) -> None:
    """Serve `script` on a free port until this process is ended; print the address first."""

    async def chat(connection: ServerConnection) -> None:
        await FloorChat(script, connection).serve()

    async with serve(chat, "127.0.0.1", 0, compression=None) as server:
        print(address(server), flush=True)
        await asyncio.Event().wait()


@contextlib.contextmanager
def floor_server(script: Path) -> Iterator[str]:
    """Run the floor in a process of its own, as our server is; give its address."""
    command = [sys.executable, "-m", "bench.floor", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_forever(Path(sys.argv[1])))
