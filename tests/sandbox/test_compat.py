"""What ordinary bots use must work inside: libraries, threads, subprocesses, databases, temporary files."""

import json
from collections.abc import Callable

import pytest

from tests.sandbox.arena import Outcome

Run = Callable[..., Outcome]

SCRIPT = """
import asyncio, concurrent.futures, json, mmap, multiprocessing, os, queue, shelve, signal, socket, sqlite3, ssl
import subprocess, sys, tempfile, threading, time
from multiprocessing import shared_memory

found = {}
def case(function):
    try: found[function.__name__] = function()
    except BaseException as error: found[function.__name__] = repr(error)

@case
def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool: return sum(pool.map(lambda n: n * n, range(10)))
@case
def asyncio_tasks():
    async def main():
        process = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return [out.decode(), *await asyncio.gather(*(asyncio.sleep(0.01, n) for n in range(3)))]
    return asyncio.run(main())
@case
def asyncio_server():
    async def main():
        async def answer(reader, writer):
            writer.write(await reader.readline()); writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"ping\\n")
        return (await reader.readline()).decode()
    return asyncio.run(main())
@case
def shell(): return subprocess.run("seq 3 | tac", shell=True, capture_output=True, text=True).stdout
@case
def processes():
    with multiprocessing.Pool(3) as pool: return pool.map(abs, [-1, -2])
@case
def process_queue():
    box = multiprocessing.Queue(); p = multiprocessing.Process(target=box.put, args=("x",)); p.start(); p.join()
    return box.get()
@case
def shared():
    block = shared_memory.SharedMemory(create=True, size=100); block.buf[0] = 7
    value = block.buf[0]; block.close(); block.unlink(); return value
@case
def database():
    with sqlite3.connect("bot.db") as db:
        db.execute("pragma journal_mode=wal"); db.execute("create table t (x)"); db.execute("insert into t values (1)")
        return db.execute("select * from t").fetchall()
@case
def files():
    with tempfile.TemporaryDirectory() as folder, open(folder + "/x", "w+b") as file:
        file.write(b"x" * 5000); file.flush()
        with mmap.mmap(file.fileno(), 0) as view: return len(view), folder.startswith("/tmp/")
@case
def shelf():
    with shelve.open("shelf") as shelf: shelf["a"] = [1]
    with shelve.open("shelf") as shelf: return shelf["a"]
@case
def signals():
    got = []
    signal.signal(signal.SIGUSR1, lambda *_: got.append(1)); os.kill(os.getpid(), signal.SIGUSR1); time.sleep(0.01)
    return got
@case
def certificates(): return len(ssl.create_default_context().get_ca_certs()) >= 0
@case
def who():
    import getpass, pathlib, pwd
    return getpass.getuser(), pwd.getpwuid(os.getuid()).pw_dir, str(pathlib.Path.home()), socket.gethostname()
@case
def local_time(): return time.localtime().tm_zone != ""
@case
def requests_library():
    import requests
    try: requests.get("http://example.com", timeout=2)
    except requests.ConnectionError: return "no network"
@case
def openai_library():
    import openai
    client = openai.OpenAI(api_key="x", max_retries=0, timeout=2)
    try: client.chat.completions.create(model="m", messages=[])
    except openai.APIConnectionError: return "no network"
@case
def hal9_library():
    import hal9
    hal9.save("words", ["a"], hidden=True)
    return hal9.load("words", [])
print(json.dumps(found))
"""

EXPECTED = {
    "threads": 285,
    "asyncio_tasks": ["hi\n", 0, 1, 2],
    "asyncio_server": "ping\n",
    "shell": "3\n2\n1\n",
    "processes": [1, 2],
    "process_queue": "x",
    "shared": 7,
    "database": [[1]],
    "files": [5000, True],
    "shelf": [1],
    "signals": [1],
    "certificates": True,
    "who": ["bot", "/bot", "/bot", "bot"],
    "local_time": True,
    "requests_library": "no network",
    "openai_library": "no network",
    "hal9_library": ["a"],
}


@pytest.fixture(scope="module")
def found(run: Run) -> dict[str, object]:
    """What became of each case, all in one sandbox."""
    outcome = run(SCRIPT)
    assert outcome.stdout, outcome.stderr
    return dict(json.loads(outcome.stdout))


@pytest.mark.parametrize("case", EXPECTED)
def test_ordinary_use_works(found: dict[str, object], case: str) -> None:
    assert found[case] == EXPECTED[case]


def test_many_threads_beside_openai_fit_the_address_space(run: Run) -> None:
    script = """
import openai, threading
client = openai.OpenAI(api_key="x")
stop = threading.Event()
threads = [threading.Thread(target=stop.wait) for _ in range(20)]
for t in threads: t.start()
print(sum(t.is_alive() for t in threads)); stop.set()
"""
    assert run(script).stdout == "20\n"
