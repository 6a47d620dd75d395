"""`make bench`: measures a fresh server and prints the figures. Nothing here passes or fails."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import chats, pages
from bench.figures import Figure
from bench.memory import parts, server_bytes
from tests.live import LiveServer
from tests.people import Author

WAITING_BOTS = 20
SETTINGS = {
    "HAL9_IDE_RUNS": "1000",
    "HAL9_IDE_RUNS_PER_BOT": "1000",
    "HAL9_IDE_RUNS_PER_USER": "1000",
}


def idle_memory(server: LiveServer) -> Figure:
    """Return the memory of a server that nobody uses."""
    return Figure("Idle server", server_bytes(server) / 1e6, "MB", note=parts(server), aim="120")


def bot_memory(server: LiveServer, author: Author) -> Figure:
    """Return the memory that one more chat takes whose script waits."""
    bot = author.make_bot(chats.LOOP)
    sockets = [author.socket(author.open_chat(bot)).connect() for _ in range(2)]
    for socket in sockets:
        socket.settle()
    before = server_bytes(server)
    more = [author.socket(author.open_chat(bot)).connect() for _ in range(WAITING_BOTS)]
    for socket in more:
        socket.settle()
    time.sleep(1)
    each = (server_bytes(server) - before) / WAITING_BOTS
    for socket in [*sockets, *more]:
        socket.close()
    return Figure("One waiting bot, with its socket", each / 1e6, "MB", note=f"n={WAITING_BOTS}", aim="0.7x of 7.0")


def figures(server: LiveServer, author: Author, folder: Path) -> Iterator[Figure]:
    """Measure one thing after the other, so that none disturbs another."""
    yield bot_memory(server, author)
    yield from pages.measure(author, server.url, folder)
    yield asyncio.run(chats.run_to_first_byte(author, folder))
    yield from asyncio.run(chats.messages(author, server.url, folder))
    yield from asyncio.run(chats.waiting_messages(author, server.url, folder))
    yield from asyncio.run(chats.many_chats(author, server.url, folder))


def main() -> None:
    """Print the table, a line as soon as it is known."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians; ratios are within this run\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="hal9-bench-") as name:
        folder = Path(name)
        began = time.perf_counter()
        with LiveServer(folder / "server", settings=SETTINGS) as server:
            print(Figure("Start to ready, empty data folder", time.perf_counter() - began, "s").line(), flush=True)
            server.stop()
            began = time.perf_counter()
            server.start()
            print(Figure("Start to ready", time.perf_counter() - began, "s", aim="1").line(), flush=True)
            time.sleep(2)
            print(idle_memory(server).line(), flush=True)
            with Author(server.url) as author:
                for figure in figures(server, author, folder):
                    print(figure.line(), flush=True)


if __name__ == "__main__":
    main()
