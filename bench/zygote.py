"""`python -m bench.zygote`: how fast runs start, and what they weigh; beside the same script under bare Python.

One process, one interleaved run: the ways to start take turns, so that each meets the same machine.
"""

import asyncio
import os
import random
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figures import Figure, milliseconds
from sandbox import cgroup, cgroup_place, hostfs, spawn, volumes
from sandbox.cgroup import Group, Groups
from sandbox.command import Folders, RunSpec
from sandbox.host import Host, find_host
from sandbox.limits import Limits
from sandbox.pool import Pool
from sandbox.pooled import PooledProcess
from sandbox.process import Process
from sandbox.volumes import Volumes
from sandbox.zygotes import Profile

PLAIN, OPENAI = "print(1)\n", "import openai\nprint(1)\n"
ASKING = 'name = input("Your name? ")\n'
LIMITS = Limits()
ROUNDS = int(os.environ.get("ROUNDS", "40"))
SIZES = (1, 50, 200)
REST_SECONDS = 0.15
"""Between two starts: the pool fills up again, as it does between the clicks of people."""
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.M)

Start = Callable[[str], Awaitable[float]]


class Place:
    """Folders for runs, and ways to start them."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder = host, folder
        self._volumes = Volumes(host, volumes.base_folder(host) / f"bench-{os.getpid()}")
        self._count = 0

    def spec(self, script: str) -> RunSpec:
        """Return a run in fresh folders."""
        self._count += 1
        made = {
            name: self._volumes.create(f"{name}-{self._count}", size_bytes=LIMITS.folder_bytes, files=64)
            for name in ("work", "storage", "user", "shared", "scratch")
        }
        fd = hostfs.open_root(made["work"])
        hostfs.write_file(fd, "app.py", script.encode(), 0o644, self.host.run_uid, self.host.run_gid)
        os.close(fd)
        return RunSpec("app.py", Folders(**made), LIMITS, {})

    def drop(self, spec: RunSpec) -> None:
        """Give the folders of a run back."""
        for path in vars(spec.folders).values():
            self._volumes.drop(path)

    async def timed(self, script: str, start: Callable[[RunSpec], Awaitable[Process | PooledProcess]]) -> float:
        """Return the seconds from the order to start until the first byte."""
        spec = self.spec(script)
        began = time.perf_counter()
        process = await start(spec)
        await first_byte(process)
        seconds = time.perf_counter() - began
        process.close()
        self.drop(spec)
        return seconds

    async def bare(self, script: str) -> float:
        """Return the same for python3 -I, with the same packages and no sandbox."""
        boot = f"import sys; sys.path.append({str(self.host.runtime / 'site')!r}); exec({script!r})"
        began = time.perf_counter()
        with subprocess.Popen(["/usr/bin/python3", "-I", "-c", boot], stdout=subprocess.PIPE) as process:
            assert process.stdout
            select.select([process.stdout], [], [])
            return time.perf_counter() - began


async def first_byte(process: Process | PooledProcess) -> None:
    """Wait until the script has printed, or asked."""
    there = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process.stdout_fd, there.set)
    await there.wait()
    loop.remove_reader(process.stdout_fd)


async def speeds(place: Place, pool: Pool, on_demand: Pool) -> list[Figure]:
    """Time every way to start, in turns."""

    async def cold(spec: RunSpec) -> Process:
        return spawn.start(place.host, spec)

    ways: dict[str, Start] = {
        "bare python3 -I": place.bare,
        "cold bubblewrap": lambda script: place.timed(script, cold),
        "on-demand child": lambda script: place.timed(script, on_demand.start),
        "pooled child": lambda script: place.timed(script, pool.start),
    }
    samples: dict[tuple[str, str], list[float]] = {}
    for number in range(ROUNDS):
        scripts = [PLAIN] if number % 4 else [PLAIN, OPENAI]
        for script in scripts:
            for name in random.sample(list(ways), len(ways)):
                await asyncio.sleep(REST_SECONDS)
                samples.setdefault((script, name), []).append(await ways[name](script))
    figures = []
    for script, what, aim in ((PLAIN, "print(1)", "0.5x"), (OPENAI, "import openai; print(1)", "0.05x")):
        bare = samples[script, "bare python3 -I"]
        for name in ways:
            words = {"floor": "bare", "aim": aim if name == "pooled child" else ""}
            figures.append(milliseconds(f"{what}, {name}", samples[script, name], bare, **words))
    return figures


def pss_bytes(pid: int) -> int:
    """Return the proportional memory of a process and all below it."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        total += sum(pss_bytes(int(child)) for child in task.read_text().split())
    found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return total + (int(found.group(1)) * 1024 if found else 0)


async def weights(place: Place, groups: Groups | None, profile: Profile) -> list[Figure]:
    """Weigh idle children and bots that wait in input(), in a group that also holds their zygote."""
    figures: list[Figure] = []
    for size in SIZES:
        parent = None if groups is None else groups.create(cgroup.Bounds(16 << 30, 4000, 2.0))
        inner = None if parent is None or parent.version == 2 else Groups(parent.folders, 1)  # counted in `parent` too
        pool = Pool(place.host, profile, LIMITS, size=size, groups=inner)
        if parent is not None:  # what starts from here on is counted there, the kernel's share included
            parent.add(os.getpid())
        try:
            figures += await weigh(place, pool, parent, size)
        finally:
            await pool.close()
            if parent is not None:
                leave(parent)
    return figures


async def weigh(place: Place, pool: Pool, parent: Group | None, size: int) -> list[Figure]:
    """Return what each of `size` idle children takes, then each of `size` bots that wait."""

    def used() -> int:
        return 0 if parent is None else parent.memory_bytes() or 0

    full = pool._size
    pool._size = 0
    await pool.open()
    await asyncio.sleep(0.5)
    before, began = used(), time.perf_counter()
    pool._size = full
    pool._filled.clear()
    pool._wanted.set()
    await pool.open(300)
    each = (time.perf_counter() - began) / size
    children = [child.pid for child in pool._idle]
    idle, idle_pss = used() - before, sum(map(pss_bytes, children))
    pool._size = 0
    specs = [place.spec(ASKING) for _ in range(size)]
    between = used()
    processes = [await pool.start(spec) for spec in specs]
    for process in processes:
        await asks(process)
    blocked, blocked_pss = used() - between + idle, sum(pss_bytes(process.pid) for process in processes)
    began = time.perf_counter()
    further = await place.timed(PLAIN, pool.start)
    for process, spec in zip(processes, specs, strict=True):
        process.close()
        place.drop(spec)
    note = f"refilled every {each * 1000:.0f} ms"
    return [
        Figure(
            f"idle child, N={size}", idle / size / 1e6, "MB", note=f"PSS {idle_pss / size / 1e6:.2f}; {note}", aim="4"
        ),
        Figure(
            f"bot in input(), N={size}",
            blocked / size / 1e6,
            "MB",
            note=f"PSS {blocked_pss / size / 1e6:.2f}; a further one, on demand, {further * 1000:.1f} ms",
            aim="6",
        ),
    ]


async def asks(process: Process | PooledProcess) -> None:
    """Wait until a bot waits: READY, PROMPT and WAITING are on its control pipe."""
    data = b""
    while not data.endswith(b"\x03\x00\x00\x00"):
        try:
            data += os.read(process.control_fd, 4096)
        except BlockingIOError:
            await asyncio.sleep(0.001)


def leave(parent: Group) -> None:
    """Move this process back out of a group and remove it."""
    for folder in set(parent.folders.values()):
        (folder.parent.parent / "cgroup.procs").write_text(str(os.getpid()))
    parent.remove()


async def main() -> None:
    """Print the table."""
    host = find_host()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians; ratios are within this run\n", flush=True)
    profile = Profile(host.runtime / "site")
    groups = cgroup_place.find().groups
    with tempfile.TemporaryDirectory(prefix="hal9-bench-") as name:
        place = Place(host, Path(name))
        pool = Pool(host, profile, LIMITS, groups=groups)
        on_demand = Pool(host, profile, LIMITS, size=0)
        began = time.perf_counter()
        await pool.open()
        await on_demand.open()
        print(Figure("start of two zygotes", time.perf_counter() - began, "s").line(), flush=True)
        for figure in await speeds(place, pool, on_demand):
            print(figure.line(), flush=True)
        await on_demand.close()
        await pool.close()
        for figure in await weights(place, groups, profile):
            print(figure.line(), flush=True)
    if groups is not None:
        groups.close()


if __name__ == "__main__":
    volumes.enter_private_mounts(find_host())
    sys.exit(asyncio.run(main()))
