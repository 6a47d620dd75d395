"""What a look at real processes through /proc says: input awaited or not, memory, CPU time, and what it tolerates."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sandbox import blocked, procfs
from sandbox.cputime import CpuAccount
from sandbox.procfs import Process, process_tree
from sandbox.watch import Tree

PYTHON = "/usr/bin/python3"
BWRAP = shutil.which("bwrap") or "bwrap"
SHELL = [
    *(BWRAP, "--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc"),
    *("--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64"),
    *("/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev", "--clearenv"),
]
UNPRIVILEGED = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", "--no-new-privs"]


class Run:
    """A process with its standard input and output on pipes of ours."""

    def __init__(self, argv: list[str]) -> None:
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self.process.stdin is not None
        self.stdin_inode = os.fstat(self.process.stdin.fileno()).st_ino
        self.tree = Tree(self.process.pid)

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip("\n")

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    def is_waiting(self) -> bool:
        return self.tree.waits_for(self.stdin_inode)


@contextmanager
def running(*argv: str, jailed: bool = True) -> Iterator[Run]:
    run = Run([*SHELL, *argv] if jailed else list(argv))
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait(10)
        for pipe in (run.process.stdin, run.process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()


def python(code: str) -> list[str]:
    return [PYTHON, "-I", "-c", code]


def until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


AWAITS_INPUT = {
    "input": python("input()"),
    "reader thread": python(
        "import sys, threading, time\nthreading.Thread(target=sys.stdin.readline, daemon=True).start()\ntime.sleep(60)"
    ),
    "reader thread beside a computing one": python(
        "import sys, threading\nthreading.Thread(target=sys.stdin.readline, daemon=True).start()\nwhile True: pass"
    ),
    "asyncio to_thread(input)": python("import asyncio\nasyncio.run(asyncio.to_thread(input))"),
    "asyncio connect_read_pipe": python(
        "import asyncio, sys\n"
        "async def main():\n"
        "    reader = asyncio.StreamReader()\n"
        "    protocol = asyncio.StreamReaderProtocol(reader)\n"
        "    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)\n"
        "    await reader.readline()\n"
        "asyncio.run(main())"
    ),
    "select loop": python("import select\nwhile not select.select([0], [], [], 0.3)[0]: pass"),
    "select of a high descriptor": python("import os, select\nos.dup2(0, 50)\nselect.select([50], [], [])"),
    "poll": python("import select\np = select.poll()\np.register(0, select.POLLIN)\np.poll()"),
    "epoll": python("import select\np = select.epoll()\np.register(0, select.EPOLLIN)\np.poll()"),
    "os.read": python("import os\nos.read(0, 10)"),
    "os.readv": python("import os\nos.readv(0, [bytearray(9)])"),
    "splice": python("import os\n_, w = os.pipe()\nos.splice(0, w, 100)"),
    "another descriptor": python("import os\nos.read(os.dup(0), 10)"),
    "cat child": python("import subprocess\nsubprocess.run(['cat'])"),
    "bash read": ["/bin/bash", "-c", "read line"],
    "sh read in a pipeline": ["/bin/sh", "-c", "cat | tr a b"],
    "orphan": ["/bin/bash", "-c", "exec 9<&0; (setsid sh -c 'read line' <&9 & ) ; exec sleep 60 < /dev/null"],
    "thread whose process's first thread ended": python(
        "import ctypes, sys, threading\n"
        "threading.Thread(target=sys.stdin.readline).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    ),
}


@pytest.mark.parametrize("argv", AWAITS_INPUT.values(), ids=AWAITS_INPUT.keys())
def test_a_task_blocked_on_the_pipe_is_seen(argv: list[str]) -> None:
    with running(*argv) as run:
        assert until(run.is_waiting)
        assert not run.tree.waits_for(run.stdin_inode + 1)


AWAITS_SOMETHING_ELSE = {
    "sleep": "time.sleep(60)",
    "computing": "while True: pass",
    "another pipe": "os.read(os.pipe()[0], 1)",
    "select of another pipe": "select.select([os.pipe()[0]], [], [])",
    "select without descriptors": "select.select([], [], [], 60)",
    "select for errors on the pipe": "select.select([], [], [0], 60)",
    "poll for errors on the pipe": "p = select.poll()\np.register(0, 0)\np.poll()",
    "epoll of another pipe": "p = select.epoll()\np.register(os.pipe()[0])\np.poll()",
    "a lock": "threading.Lock().acquire() or 0\nl = threading.Lock()\nl.acquire()\nl.acquire()",
    "a child that sleeps": "subprocess.run(['sleep', '60'])",
}


@pytest.mark.parametrize("code", AWAITS_SOMETHING_ELSE.values(), ids=AWAITS_SOMETHING_ELSE.keys())
def test_other_waiting_and_working_is_not_taken_for_it(code: str) -> None:
    head = "import os, select, subprocess, threading, time\nprint('ready', flush=True)\n"
    with running(*python(head + code)) as run:
        assert run.read_line() == "ready"
        time.sleep(0.1)
        assert not any(run.is_waiting() for _ in range(50))
        assert len(run.tree.pids()) >= 3  # looked at the right tree


def test_waiting_ends_with_the_input_and_comes_again() -> None:
    code = "import os, time\nwhile os.read(0, 99):\n    print('got', flush=True)\n    time.sleep(0.4)"
    with running(*python(code)) as run:
        assert until(run.is_waiting)
        run.send("one")
        assert run.read_line() == "got"
        assert not run.is_waiting()
        assert until(run.is_waiting)


def test_an_ended_tree_is_empty() -> None:
    with running("/bin/true") as run:
        run.process.wait(10)
        assert run.tree.pids() == []
        assert not run.is_waiting()
        assert run.tree.pss_bytes() == 0
        assert run.tree.usage().processes == 0


DRIVER = """
import json, os, subprocess, sys, time
sys.path.insert(0, sys.argv[2])
from sandbox.watch import Tree
code = "import threading; x = bytes([1]) * (40 << 20); threading.Thread(target=input).start()"
run = subprocess.Popen([*json.loads(sys.argv[1]), "/usr/bin/python3", "-I", "-c", code], stdin=subprocess.PIPE)
tree, inode = Tree(run.pid), os.fstat(run.stdin.fileno()).st_ino
deadline = time.monotonic() + 10
while not tree.waits_for(inode):
    assert time.monotonic() < deadline
    time.sleep(0.01)
assert 40 << 20 < tree.pss_bytes() < tree.usage().rss_bytes, (tree.pss_bytes(), tree.usage())
assert tree.shared_bytes() < 1 << 20
assert not tree.waits_for(inode + 1)
run.kill()
print("seen as", os.getuid())
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can read; the clone, and pytest's own folders, may be under one that is 0700."""
    with TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_an_unprivileged_supervisor_sees_as_much(open_folder: Path) -> None:
    """Its sandboxes live in a user namespace below its own."""
    shutil.copytree(Path(blocked.__file__).parent, open_folder / "sandbox", ignore=shutil.ignore_patterns("hal9"))
    prefix = UNPRIVILEGED if os.getuid() == 0 else []
    done = subprocess.run(
        [*prefix, PYTHON, "-I", "-c", DRIVER, json.dumps(SHELL), str(open_folder)],
        capture_output=True,
        text=True,
        timeout=30,
        cwd="/",
        check=False,
    )
    assert done.stdout.startswith("seen as"), done.stderr
    assert done.stdout.split()[2] != "0"


def test_memory_of_the_whole_tree_is_counted() -> None:
    grow = "x = bytes([1]) * (30 << 20); print('grown', flush=True); input()"
    code = f"import subprocess, sys\nc = subprocess.Popen([sys.executable, '-c', {grow!r}])\n{grow}"
    with running(*python(code)) as run:
        assert [run.read_line(), run.read_line()] == ["grown", "grown"]
        usage = run.tree.usage()
        assert 60 << 20 < usage.rss_bytes < 100 << 20
        assert (usage.processes, usage.threads) == (4, 4)  # two of bubblewrap, two of ours
        assert 60 << 20 < run.tree.pss_bytes() < usage.rss_bytes


def test_memory_stays_seen_when_the_first_thread_has_ended() -> None:
    code = (
        "import ctypes, threading, time\n"
        "x = bytes([1]) * (30 << 20)\n"
        "def second():\n"
        "    time.sleep(0.2); print('alone', flush=True); time.sleep(60)\n"
        "threading.Thread(target=second).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    with running(*python(code)) as run:
        assert run.read_line() == "alone"
        assert run.tree.usage().rss_bytes > 30 << 20
        assert run.tree.pss_bytes() > 30 << 20


def test_two_processes_in_one_memory_count_once_as_pss() -> None:
    """subprocess uses vfork: for a moment a bot of 300 MiB is there twice, and must not be killed for 600."""
    code = (
        "import ctypes\n"
        "x = bytes([1]) * (30 << 20)\n"
        "libc, stack = ctypes.CDLL(None), ctypes.create_string_buffer(1 << 16)\n"
        "CLONE_VM, SIGCHLD = 0x100, 17\n"
        "top = ctypes.c_void_p(ctypes.addressof(stack) + (1 << 16))\n"
        "pause = ctypes.cast(libc.pause, ctypes.c_void_p)\n"
        "assert libc.clone(pause, top, CLONE_VM | SIGCHLD, None) > 0\n"
        "print('twice', flush=True)\ninput()"
    )
    with running(*python(code)) as run:
        assert run.read_line() == "twice"
        assert run.tree.usage().rss_bytes > 60 << 20
        assert 30 << 20 < run.tree.pss_bytes() < 50 << 20


def test_a_tree_made_to_be_slow_to_measure_costs_little() -> None:
    """Each process maps 2 GiB that it only reads (page tables without pages) and the same 30 MiB, which all share."""
    code = (
        "import mmap, os\n"
        "wide = memoryview(mmap.mmap(-1, 2 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))\n"
        "common = mmap.mmap(-1, 30 << 20)\n"
        "common.write(bytes([1]) * (30 << 20))\n"
        "for _ in range(11):\n"
        "    if os.fork() == 0: break\n"
        "sum(wide[::4096]); sum(memoryview(common)[::4096])\n"
        "print('ready', flush=True)\nos.read(0, 1)"
    )
    with running(*python(code)) as run:
        assert [run.read_line() for _ in range(12)] == ["ready"] * 12
        begun, cpu = time.monotonic(), time.thread_time()
        sizes = [run.tree.pss_bytes()]
        while time.monotonic() - begun < 1.5:
            sizes.append(run.tree.pss_bytes())
            time.sleep(0.05)
        assert time.thread_time() - cpu < 0.4
        assert min(sizes) > 100 << 20  # what was too slow to be measured counts in full


def test_growth_counts_between_two_measurements() -> None:
    code = "import os\nos.read(0, 99)\nx = bytes([1]) * (50 << 20)\nprint('grown', flush=True)\nos.read(0, 9)"
    with running(*python(code)) as run:
        assert until(run.is_waiting)
        before = run.tree.pss_bytes()
        run.tree._pss_due = time.monotonic() + 60
        assert run.tree.pss_bytes() == pytest.approx(before, abs=1 << 20)
        run.send("go")
        assert run.read_line() == "grown"
        assert run.tree.pss_bytes() > before + (49 << 20)


def test_forked_processes_with_memory_of_their_own_all_count() -> None:
    code = (
        "import os\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        x = bytes([1]) * (20 << 20); print('grown', flush=True); os.read(0, 1)\n"
        "os.read(0, 1)"
    )
    with running(*python(code)) as run:
        assert [run.read_line() for _ in range(3)] == ["grown"] * 3
        assert run.tree.pss_bytes() > 60 << 20


def test_shared_memory_is_counted_although_no_page_of_it_is_resident() -> None:
    code = (
        "import mmap, os\n"
        "m = mmap.mmap(-1, 50 << 20)\n"
        "for i in range(0, len(m), 4096): m[i] = 1\n"
        "m.madvise(mmap.MADV_DONTNEED)\n"
        "os.fork()\nprint('hidden', flush=True)\nos.read(0, 1)"
    )
    with running(*python(code)) as run:
        assert [run.read_line(), run.read_line()] == ["hidden", "hidden"]
        usage = run.tree.usage()
        assert usage.rss_bytes < 50 << 20
        assert usage.untouched_bytes > 50 << 20
        assert 50 << 20 <= run.tree.shared_bytes() < 52 << 20  # two processes share one piece


def test_mappings_too_many_to_read_count_as_shared() -> None:
    code = (
        "import mmap\n"
        "keep = [mmap.mmap(-1, 4096, mmap.MAP_PRIVATE, [1, 2][i % 2]) for i in range(6000)]\n"
        "big = mmap.mmap(-1, 50 << 20)\nprint('ready', flush=True)\ninput()"
    )
    with running(*python(code)) as run:
        assert run.read_line() == "ready"
        assert run.tree.shared_bytes() > 50 << 20


def test_a_plain_script_shares_next_to_nothing() -> None:
    with running(*python("import threading\nfor _ in range(9): threading.Thread(target=input).start()")) as run:
        assert until(run.is_waiting)
        assert run.tree.shared_bytes() < 1 << 20


BURN = "import time\ndef burn(s):\n    end = time.process_time() + s\n    while time.process_time() < end: pass\n"


@pytest.mark.parametrize("ignored", [False, True], ids=["children waited for", "children ignored"])
def test_cpu_time_of_ended_children_stays_counted(ignored: bool) -> None:
    """Each child burns, is looked at, and ends; then it is gone, with or without its parent having been told."""
    code = BURN + (
        "import os, signal\n"
        f"if {ignored}: signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(4):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        burn(0.3); print('burnt', flush=True); os.read(0, 99); os._exit(0)\n"
        "    try: os.waitpid(pid, 0)\n"
        "    except ChildProcessError: pass\n"
        "print('done', flush=True)\nos.read(0, 1)"
    )
    seen = []
    with running(*python(code)) as run:
        for _ in range(4):
            assert run.read_line() == "burnt"
            seen.append(run.tree.usage().cpu_seconds)
            run.send("end")
        assert run.read_line() == "done"
        seen += [run.tree.usage().cpu_seconds, run.tree.usage().cpu_seconds]
    assert seen == sorted(seen)
    assert 1.1 < seen[-1] < 1.5  # 4 x 0.3 s, and the interpreter's start


def test_cpu_time_is_complete_without_looking_in_between() -> None:
    code = BURN + "import os\nif os.fork() == 0:\n    burn(0.3); os._exit(0)\nos.wait(); burn(0.2); input()"
    with running(*python(code)) as run:
        assert until(run.is_waiting)
        assert 0.48 < run.tree.usage().cpu_seconds < 0.8


def _look(pid: int, own: int, reaped: int = 0) -> Process:
    return Process(pid, "S", 1, pid, own, reaped, 0, 0, (pid,))


def test_the_account_counts_each_tick_once() -> None:
    account = CpuAccount()
    assert account.add([_look(1, 5), _look(2, 10)]) == 15
    assert account.add([_look(1, 6)]) == 16  # 2 ended, its parent has not said so yet
    assert account.add([_look(1, 6, 12)]) == 18  # 10 are its echo, 2 are new
    assert account.add([_look(1, 6, 12), _look(3, 4)]) == 22
    assert account.add([_look(1, 6, 12)]) == 22  # 3 was missed by this look…
    assert account.add([_look(1, 6, 12), _look(3, 7)]) == 25  # …and is here again
    assert account.add([_look(1, 6, 20)]) == 26
    assert account.add([]) == 26


def test_the_account_forgets_old_processes() -> None:
    account = CpuAccount()
    for pid in range(1000):
        account.add([_look(pid, 1)])
    assert account.add([]) == 1000
    assert len(account._gone) <= procfs.MAX_PROCESSES


def test_a_name_that_looks_like_fields_is_no_field() -> None:
    code = "import ctypes\nctypes.CDLL(None).prctl(15, b') R 1 (x) 9 9', 0, 0, 0)\ninput()"
    with running(*python(code)) as run:
        assert until(run.is_waiting)
        assert run.tree.usage().threads == 3


def test_a_large_tree_is_looked_at_within_bounds() -> None:
    code = (
        "import os, threading, time\n"
        "for _ in range(100):\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "for _ in range(200): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    with running(*python(code)) as run:
        assert run.read_line() == "ready"
        assert len(run.tree.pids()) <= procfs.MAX_PROCESSES
        assert sum(len(process.tids) for process in process_tree(run.process.pid)) <= procfs.MAX_TASKS
        assert not run.is_waiting()


def test_looking_at_a_tree_in_constant_change_never_raises() -> None:
    code = (
        "import os, subprocess, threading\n"
        "def churn():\n"
        "    while True:\n"
        "        subprocess.run(['/bin/sh', '-c', '(read x < /dev/null; true | true) &'])\n"
        "for _ in range(4): threading.Thread(target=churn, daemon=True).start()\n"
        "print('ready', flush=True)\nchurn()"
    )
    with running(*python(code)) as run:
        assert run.read_line() == "ready"
        end, last = time.monotonic() + 1.5, 0.0
        while time.monotonic() < end:
            run.is_waiting()
            run.tree.pss_bytes()
            now = run.tree.usage().cpu_seconds
            assert now >= last
            last = now
        assert last > 0.05


def test_addresses_that_a_task_chose_are_read_only_where_something_is() -> None:
    task = f"/proc/{os.getpid()}/task/{os.getpid()}"
    assert blocked._memory(task, 2**64 - 1, 16) == b""
    assert blocked._memory(task, 0, 16) == b""
    assert blocked._memory("/proc/0/task/0", 4096, 16) == b""
    assert blocked._poll_fds(b"\x00" * 13) == []
    assert blocked._select_fds(b"\x05", 64) == [0, 2]


def test_the_caller_s_own_python_can_be_looked_at_too() -> None:
    with running(sys.executable, "-c", "input()", jailed=False) as run:
        assert until(run.is_waiting)
        assert run.tree.pids() == [run.process.pid]
