"""Waiting in its odd forms: nobody has to use `input()` for the chat to know whose turn it is."""

from functools import partial

import pytest

from tests.supervisor.desk import Desk, Reader, text_of

FORMS = {
    "readline": "import sys\nwhile True:\n    line = sys.stdin.readline()\n    print('got', line.strip())\n",
    "for line in stdin": "import sys\nfor line in sys.stdin:\n    print('got', line.strip())\n",
    "buffer": "import sys\nwhile True:\n    print('got', sys.stdin.buffer.readline().decode().strip())\n",
    "reader thread": (
        "import queue, threading\nq = queue.Queue()\n"
        "def read():\n    while True:\n        q.put(input())\n"
        "threading.Thread(target=read, daemon=True).start()\n"
        "while True:\n    print('got', q.get())\n"
    ),
    "to_thread": (
        "import asyncio\nasync def main():\n    while True:\n"
        "        word = await asyncio.to_thread(input)\n        print('got', word)\nasyncio.run(main())\n"
    ),
    "select loop": (
        "import select, sys\nwhile True:\n    ready, _, _ = select.select([sys.stdin], [], [], 0.5)\n"
        "    if ready:\n        print('got', sys.stdin.readline().strip())\n"
    ),
    "bash read": "import subprocess\nsubprocess.run(['bash', '-c', 'while read word; do echo got $word; done'])\n",
    "os.read": "import os\nwhile True:\n    os.write(1, b'got ' + os.read(0, 100))\n",
    "asyncio pipe": (
        "import asyncio, sys\nasync def main():\n    loop = asyncio.get_running_loop()\n"
        "    reader = asyncio.StreamReader()\n"
        "    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)\n"
        "    while True:\n        print('got', (await reader.readline()).decode().strip())\nasyncio.run(main())\n"
    ),
}


def _got(reader: Reader, word: str) -> bool:
    return f"got {word}\n" in text_of(reader.frames)


@pytest.mark.parametrize("form", FORMS)
def test_the_chat_knows_that_the_script_waits(desk: Desk, form: str) -> None:
    reader = desk.open(FORMS[form])
    reader.until("waiting")
    for count, word in enumerate(("one", "two"), 1):
        reader.post(word)
        reader.wait(partial(_got, reader, word), f"{word} answered")
        reader.until("waiting", count + 1)
    reader.act("stop")
    reader.until("end")


def test_a_busy_or_sleeping_script_is_not_waiting(desk: Desk) -> None:
    reader = desk.open("import time\nprint('working')\ntime.sleep(1.2)\nprint('done')\n")
    frames = reader.until("end")
    assert "waiting" not in [frame["kind"] for frame in frames]


def test_a_message_to_a_script_that_never_reads_is_taken_and_ends_with_it(desk: Desk) -> None:
    reader = desk.open("print('no questions')")
    reader.until("end")
    answer = reader.say("hello?")
    assert [frame["kind"] for frame in answer] == ["input", "start", "output", "end"]
