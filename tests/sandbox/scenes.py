"""Scenes with more than one script to its end; they run in the arena process (see arena.py)."""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from sandbox import hostfs
from sandbox.launch import Process, launch
from tests.sandbox.arena import ROOT, drive, host, new_volumes, run, spec_for

SMALL = {
    "processes": 12,
    "open_files": 32,
    "address_space_bytes": 512 << 20,
    "folder_bytes": 2 << 20,
    "folder_files": 100,
    "scratch_bytes": 2 << 20,
    "scratch_files": 100,
    "file_bytes": 1 << 20,
}

USE_UP = """
import errno, json, os, shutil, threading, time
found = {}
def until_error(act, most=100_000):
    count = 0
    try:
        while count < most:
            act(count)
            count += 1
    except (OSError, RuntimeError, MemoryError) as error:
        return count, errno.errorcode.get(getattr(error, "errno", None), type(error).__name__)
    return count, "none"

def fork(_):
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    pids.append(pid)
pids = []
found["forks"], found["forks_error"] = until_error(fork)
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
pid = os.fork()
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
found["after_forks"] = "fine"

stop = threading.Event()
found["threads"], _ = until_error(lambda _: threading.Thread(target=stop.wait, daemon=True).start())
stop.set()

kept = []
found["memory_mib"], found["memory_error"] = until_error(lambda _: kept.append(bytearray(1 << 20)))
kept.clear()

def write(path, size):
    with open(path, "wb") as file: file.write(b"x" * size)
for folder in ["/bot/.storage", "/bot/.user", "/bot/.shared", "/tmp", "/dev/shm", "/bot"]:
    place = folder + "/fill"
    os.mkdir(place)
    size, size_error = until_error(lambda n: write(f"{place}/{n}", 1 << 16))
    used = sum(os.path.getsize(f"{place}/{name}") for name in os.listdir(place))
    shutil.rmtree(place)
    os.mkdir(place)
    files, files_error = until_error(lambda n: write(f"{place}/{n}", 0))
    shutil.rmtree(place)
    write(folder + "/again", 10)
    errors = {"bytes_error": size_error, "files_error": files_error}
    found[folder] = {"bytes": used, "files": files, "after": "fine", **errors}

opened = []
found["descriptors"], found["descriptors_error"] = until_error(lambda _: opened.append(open("/dev/null")))
opened.clear()
def sparse(_):
    with open("/tmp/sparse", "wb") as file: file.truncate(1 << 50)
found["file_error"] = until_error(lambda _: write("/tmp/one", (1 << 20) + 1))[1]
found["sparse_error"] = until_error(sparse)[1]
print(json.dumps(found))
"""

PLANT = """
import os, socket
os.symlink("/etc/passwd", "link")
os.makedirs("tree")
open("tree/ok.txt", "w").write("fine")
open("hard", "w").write("x")
os.link("hard", "hard2")
try: os.mkfifo("fifo")
except OSError: pass
socket.socket(socket.AF_UNIX).bind("socket")
"""

DAEMONS = """
import os, signal, sys, time
for n in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            os.closerange(0, 64)
            while True:
                fd = os.open(f"/bot/.shared/beat{n}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(fd, b"x")
                os.close(fd)
                time.sleep(0.01)
        os._exit(0)
time.sleep(0.3)
print("ready", flush=True)
if "stay" in sys.argv: time.sleep(60)
"""

SIBLING = """
import errno, json, os, socket, sys
first = sys.argv[1] == "first"
def attempt(act):
    try: return act() or "done"
    except OSError as error: return errno.errorcode[error.errno]
def abstract():
    s = socket.socket(socket.AF_UNIX)
    kept.append(s)
    if first: s.bind("\\0meet"); s.listen()
    else: s.connect("\\0meet")
def port():
    if first: kept.append(socket.create_server(("127.0.0.1", 4567)))
    else: socket.create_connection(("127.0.0.1", 4567), timeout=2)
def file(path):
    if first: open(path, "w").write("hello")
    else: return open(path).read()
kept = []
found = {"abstract": attempt(abstract), "port": attempt(port)}
for name, path in (("tmp", "/tmp/x"), ("work", "/bot/x"), ("shared", "/bot/.shared/x")):
    found[name] = attempt(lambda: file(path))
found["pids"] = len([p for p in os.listdir("/proc") if p.isdigit()])
print(json.dumps(found))
input()
"""

COUNT = """
import threading
stop, count = threading.Event(), 1
try:
    while count < 1000:
        threading.Thread(target=stop.wait, daemon=True).start()
        count += 1
except RuntimeError: pass
print(count)
input()
"""


@contextmanager
def running(script: str, **options: Any) -> Iterator[Process]:
    """Give a run that is going on."""
    with ExitStack() as cleanup:
        made = new_volumes()
        cleanup.callback(made.drop_all)
        process = launch(host(), spec_for(made, script, **options))
        cleanup.callback(process.close)
        yield process


def acts(script: str, port: int) -> dict[str, Any]:
    """Return what became of the acts, with a secret in the server's environment and an open file of the server."""
    os.environ["SERVER_SECRET"] = "secret"
    with open("/etc/hostname") as leak:
        os.set_inheritable(leak.fileno(), True)
        outcome = run(script, args=(str(port),), env={"BOT_SECRET": "secret"})
    assert outcome.stdout, outcome.stderr
    return dict(json.loads(outcome.stdout))


def planted() -> dict[str, hostfs.Entry]:
    """Return the snapshot of a folder full of traps."""
    return run(PLANT).entries


def used_up() -> dict[str, Any]:
    """Return what a script reached that uses up everything."""
    outcome = run(USE_UP, limits=SMALL)
    assert outcome.stdout, outcome.stderr
    return dict(json.loads(outcome.stdout))


def counts_of_two() -> list[int]:
    """Return how many threads two sandboxes get at the same time."""
    with running(COUNT, limits=SMALL) as one, running(COUNT, limits=SMALL) as two:
        return [int(drive(process, until="\n").stdout) for process in (one, two)]


def flood() -> tuple[int, bool]:
    """Return how much a script gets rid of that nobody reads, and whether it still runs then."""
    script = "import os\nwritten = 0\nwhile True:\n    written += os.write(1, b'x' * 4096)\n"
    with running(script) as process:
        time.sleep(1)
        alive = not select.select([process.pidfd], [], [], 0)[0]
        size = 0
        with suppress(BlockingIOError):
            while size < 4 << 20:
                size += len(os.read(process.stdout_fd, 65536))
                if size >= 65536 * 2:
                    break
        return size, alive


def siblings() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what two sandboxes at once, with `.shared` in common, see of each other."""
    with ExitStack() as cleanup:
        made = new_volumes()
        cleanup.callback(made.drop_all)
        first_spec = spec_for(made, SIBLING, suffix="-1", args=("first",))
        second_spec = spec_for(made, SIBLING, suffix="-2", args=("second",), shared=first_spec.folders.shared)
        found = []
        for spec in (first_spec, second_spec):
            process = launch(host(), spec)
            cleanup.callback(process.close)
            found.append(json.loads(drive(process, until="}\n").stdout))
        return found[0], found[1]


def daemons(*, stop: bool) -> tuple[int, int, list[int]]:
    """Return how often daemons had written when their run had ended, and later; and which of their pids are left."""
    with ExitStack() as cleanup:
        made = new_volumes()
        cleanup.callback(made.drop_all)
        spec = spec_for(made, DAEMONS, args=("stay",) if stop else ())
        process = launch(host(), spec)
        cleanup.callback(process.close)
        drive(process, until="ready")
        pids = _below(process.pid)
        if stop:
            process.kill()
        process.wait()
        beats = _size(spec.folders.shared)
        time.sleep(0.2)
        return beats, _size(spec.folders.shared), [pid for pid in pids if _is_alive(pid)]


def orphaned() -> list[int]:
    """Return the processes that are left when a server was killed with -9 while its run went on."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.orphan"], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    )
    assert server.stdout is not None
    pids = list(map(int, server.stdout.readline().split()))
    assert len(pids) >= 3
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in pids if _is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def uids() -> set[int]:
    """Return the users, as the machine sees them, of all processes of a run."""
    with running("print('ready', flush=True)\ninput()\n") as process:
        drive(process, until="ready")
        pids = [process.pid, *_below(process.pid)]
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        lines = [line for text in texts for line in text.splitlines() if line.startswith(("Uid:", "Gid:"))]
        return {int(number) for line in lines for number in line.split()[1:]}


def runs_with_many_descriptors() -> str:
    """Return what a script prints that is started where the low numbers are taken."""

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        with running("print(input())\n") as process:
            os.write(process.stdin_fd, b"high\n")
            process.wait()
            return os.read(process.stdout_fd, 100).decode()
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors_around_runs() -> tuple[int, int]:
    """Return how many descriptors we have before and after some runs."""
    run("pass\n")
    before = len(os.listdir("/proc/self/fd"))
    for script in ("pass\n", "1/0\n", "import os; os.kill(os.getpid(), 9)\n"):
        run(script)
    return before, len(os.listdir("/proc/self/fd"))


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_below(child)]
    return found


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def serve_one() -> None:
    """Be a server with one run, and print the pids of that run."""
    with running(DAEMONS, args=("stay",)) as process:
        drive(process, until="ready")
        print(process.pid, *_below(process.pid), flush=True)
        time.sleep(60)
