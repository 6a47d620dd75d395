"""How long a chat takes: Run, a message to a script that has ended or waits, a stream, 200 chats at once."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

from bench import plain
from bench.clients import Chat, FloorClient, OurChat
from bench.figures import Figure, milliseconds, quantile
from bench.floor import floor_server
from tests.people import Author

ECHO = 'echo = input()\nprint(f"Echo: {echo}")\n'
GREETING = 'print("Hello")\ninput()\n'
LOOP = 'while True:\n    print(f"Echo: {input()}")\n'
ROUNDS = 40
CHATS = 200
LOAD_SECONDS = 20


def write(folder: Path, name: str, text: str) -> Path:
    """Write a script for the floor and for plain Python."""
    path = folder / name
    path.write_text(text)
    return path


async def run_to_first_byte(author: Author, folder: Path) -> Figure:
    """Press Run on a script that prints at once, beside the floor and plain Python, in turns."""
    script = write(folder, "greeting.py", GREETING)
    ours, floor, bare = [], [], []
    with floor_server(script) as address:
        beside = FloorClient(address)
        chats: list[Chat] = [OurChat.draft(author, author.make_bot(GREETING)), beside]
        for chat in chats:
            await chat.open()
        await beside.skip_opening()
        for _ in range(ROUNDS):
            ours.append(await chats[0].run())
            floor.append(await chats[1].run())
            bare.append(await asyncio.to_thread(plain.first_byte_cold, script))
        for chat in chats:
            await chat.close()
    return milliseconds("Run to first byte", ours, floor, floor="cold floor", aim="0.25x (with a zygote)")


async def messages(author: Author, url: str, folder: Path) -> list[Figure]:
    """Say something to the deployed echo bot, beside the floor and the same script in a terminal, in turns."""
    script = write(folder, "echo.py", ECHO)
    ours, floor, bare = [], [], []
    key = author.deploy(ECHO).key
    with floor_server(script) as address:
        chats: list[Chat] = [OurChat.live(url, key), FloorClient(address)]
        for chat in chats:
            await chat.open()
            await chat.message("warm up")
        for number in range(ROUNDS):
            line = f"message {number}"
            ours.append(await chats[0].message(line))
            floor.append(await chats[1].message(line))
            bare.append(await asyncio.to_thread(plain.first_byte_cold, script, line.encode() + b"\n"))
        for chat in chats:
            await chat.close()
    first = [sample[0] for sample in ours]
    return [
        milliseconds("Message to first byte, script had ended", first, bare, floor="python3 app.py"),
        milliseconds("  beside the cold floor", first, [sample[0] for sample in floor], floor="cold floor"),
    ]


async def waiting_messages(author: Author, url: str, folder: Path) -> list[Figure]:
    """Say something to a script that waits, beside the floor and the same script in a terminal, in turns."""
    script = write(folder, "loop.py", LOOP)
    ours, floor, bare = [], [], []
    key = author.deploy(LOOP).key
    with floor_server(script) as address:
        chats: list[Chat] = [OurChat.live(url, key), FloorClient(address)]
        for chat in chats:
            await chat.open()
            await chat.message("warm up")
        for number in range(ROUNDS * 3):
            line = f"message {number}"
            ours.append(await chats[0].message(line))
            floor.append(await chats[1].message(line))
            if number % 3 == 0:
                bare.append(await asyncio.to_thread(plain.first_byte_warm, script, line.encode() + b"\n"))
        for chat in chats:
            await chat.close()
    first, whole = [sample[0] for sample in ours], [sample[1] for sample in ours]
    return [
        milliseconds("Message to first byte, script waits", first, bare, floor="python3 app.py"),
        milliseconds("  beside the cold floor", first, [sample[0] for sample in floor], floor="cold floor"),
        milliseconds("  until the whole reply is known", whole, [s[1] for s in floor], floor="cold floor", aim="1.5x"),
    ]


async def many_chats(author: Author, url: str, folder: Path) -> list[Figure]:
    """Hold 200 chats that each say something once a second."""
    script = write(folder, "loop.py", LOOP)
    key = author.deploy(LOOP).key
    ours, errors = await _load([OurChat.live(url, key) for _ in range(CHATS)])
    with floor_server(script) as address:
        floor, _ = await _load([FloorClient(address) for _ in range(CHATS)])
    note = f"{errors} errors, {len(ours)} messages"
    return [
        Figure(f"{CHATS} chats at 1 message/s, p50", _ms(ours, 0.5), "ms", _ms(floor, 0.5), "cold floor", note),
        Figure(f"{CHATS} chats at 1 message/s, p95", _ms(ours, 0.95), "ms", _ms(floor, 0.95), "cold floor", note, "3x"),
    ]


def _ms(samples: Sequence[float], share: float) -> float:
    return quantile(samples, share) * 1000


async def _load(chats: Sequence[Chat]) -> tuple[list[float], int]:
    """Open all chats, let each say something every second; return the seconds to each whole reply, and the errors."""
    for chat in chats:
        await chat.open()
    samples: list[float] = []
    errors = 0

    async def talk(chat: Chat) -> None:
        nonlocal errors
        await asyncio.sleep(random.random())
        for number in range(LOAD_SECONDS):
            began = time.perf_counter()
            try:
                samples.append((await asyncio.wait_for(chat.message(f"message {number}"), 10))[1])
            except Exception:
                errors += 1
            await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began)))

    await asyncio.gather(*(talk(chat) for chat in chats))
    for chat in chats:
        await chat.close()
    return samples, errors
