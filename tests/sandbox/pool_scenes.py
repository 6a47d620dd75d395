"""Scenes with a pool; they run in the arena process (see arena.py), each with an event loop of its own."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sandbox import cgroup_place, examine, pool, spawn, volumes, zygotes
from sandbox.command import RunSpec
from sandbox.limits import Limits
from sandbox.pool import Pool
from sandbox.pooled import ChildLost, PooledProcess
from sandbox.process import Process
from sandbox.zygotes import Profile
from tests.sandbox.arena import ROOT, drive, host, new_volumes, spec_for

T = TypeVar("T")
ASKING = "print('ready', flush=True)\ninput()\n"


@asynccontextmanager
async def pooled(**options: Any) -> AsyncIterator[Pool]:
    """Give a full pool."""
    profile = Profile(options.pop("site", host().runtime / "site"), options.pop("preimports", ("openai",)))
    made = Pool(host(), profile, Limits(), **{"size": 1, **options})
    try:
        assert await made.open()
        yield made
    finally:
        await made.close()


def scene(body: Callable[[Pool, volumes.Volumes], Awaitable[T]], **options: Any) -> T:
    """Return what `body` returns, called with a pool and a place for volumes."""

    async def play() -> T:
        made = new_volumes()
        try:
            async with pooled(**options) as opened:
                return await body(opened, made)
        finally:
            made.drop_all()

    return asyncio.run(play())


async def printed(opened: Pool, made: volumes.Volumes, script: str, **options: Any) -> tuple[str, int]:
    """Return what a script prints, and its status."""
    process = await opened.start(spec_for(made, script, suffix=os.urandom(4).hex(), **options))
    outcome = drive(process)  # type: ignore[arg-type]
    process.close()
    assert not outcome.stderr, outcome.stderr
    return outcome.stdout, outcome.status


async def begun(opened: Pool, made: volumes.Volumes, script: str = ASKING, **options: Any) -> PooledProcess:
    """Return a run that has printed `ready`."""
    process = await opened.start(spec_for(made, script, suffix=os.urandom(4).hex(), **options))
    assert isinstance(process, PooledProcess)
    drive(process, until="ready")  # type: ignore[arg-type]
    return process


def prints(scripts: list[tuple[str, dict[str, Any]]], **options: Any) -> list[str]:
    """Return what each of the scripts, one after the other, prints."""

    async def body(opened: Pool, made: volumes.Volumes) -> list[str]:
        return [(await printed(opened, made, script, **more))[0] for script, more in scripts]

    return scene(body, **options)


def cold_print(script: str, **options: Any) -> str:
    """Return what a script prints that starts without a zygote."""
    made = new_volumes()
    process = spawn.start(host(), spec_for(made, script, **options))
    outcome = drive(process)
    process.close()
    made.drop_all()
    return outcome.stdout + outcome.stderr


def status_of(pid: int) -> dict[str, str]:
    """Return /proc/pid/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def below(pid: int) -> list[int]:
    """Return all processes below one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *below(child)]
    return found


def is_alive(pid: int) -> bool:
    """Say whether a process runs."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def rights() -> dict[str, list[dict[str, str]]]:
    """Return the status of the init and the script's process, while they wait for a script and while it runs."""

    async def body(opened: Pool, made: volumes.Volumes) -> dict[str, list[dict[str, str]]]:
        child = opened._idle[0].pid
        idle = [status_of(pid) for pid in (child, *below(child))]
        process = await begun(opened, made)
        running = [status_of(pid) for pid in (process.pid, *below(process.pid))]
        process.close()
        return {"idle": idle, "running": running}

    return scene(body)


def refusals() -> dict[str, str]:
    """Return what becomes of children whose confinement is not whole: each names the layer that is missing."""
    plain = zygotes._setup

    def setup(**changes: Any) -> Callable[[Profile], bytes]:
        return lambda profile: json.dumps({**json.loads(plain(profile)), **changes}).encode()

    allow_all = (0x7FFF000000000006).to_bytes(8, "little").hex()
    own = json.loads(plain(Profile(host().runtime / "site", ())))["namespaces_outside"]
    broken = {
        "filter": setup(filter=allow_all),
        "no filter": setup(filter=""),
        "root": setup(uid=0),
        "nothing to compare with": setup(namespaces_outside={}),
        "namespaces unknown": setup(namespaces_outside={**own, "absent": "absent:[1]"}),
    }
    return {name: asyncio.run(_refusal(made)) for name, made in broken.items()}


async def _refusal(setup: Callable[[Profile], bytes]) -> str:
    plain = zygotes._setup
    vars(zygotes)["_setup"] = setup
    zygote = zygotes.Zygote(host(), Profile(host().runtime / "site", ()), lambda _: None)
    try:
        await zygote.ready()
        await zygote.child(None, lambda: None)
        return "accepted"
    except ChildLost as refused:
        return str(refused)
    finally:
        zygotes._setup = plain
        zygote.close()


def layers() -> dict[str, str]:
    """Return the layers that the doctor's probe finds missing in a child of a zygote."""

    async def body(opened: Pool, made: volumes.Volumes) -> dict[str, str]:
        spec = spec_for(made, "", limits={"processes": 8})
        process = opened._idle.popleft().assign(host(), spec, "probe")
        found = json.loads(drive(process, until="\n").stdout)  # type: ignore[arg-type]
        process.close()
        return {layer.name: layer.sentence for layer in examine.inside(found, spec) if not layer.held}

    return scene(body)


def listener() -> bytes:
    """Return what a script sends to the proxy's address, received through the descriptor that its run gave us."""

    async def body(opened: Pool, made: volumes.Volumes) -> bytes:
        script = "import socket\ns = socket.create_connection(('127.0.0.1', 3128))\ns.send(b'CONNECT')\n" + ASKING
        process = await begun(opened, made, script)
        with socket.socket(fileno=os.dup(process.listener_fd)) as passed:
            accepted, _ = passed.accept()
            with accepted:
                data = accepted.recv(100)
        process.close()
        return data

    return scene(body)


def zygote_death() -> dict[str, Any]:
    """Kill a zygote under a run; return how that ends, and what comes after."""

    async def body(opened: Pool, made: volumes.Volumes) -> dict[str, Any]:
        process = await begun(opened, made)
        tree = [process.pid, *below(process.pid)]
        assert opened._zygote is not None
        signal.pidfd_send_signal(opened._zygote.pidfd, signal.SIGKILL)
        status, lost = process.wait(), process.is_lost
        process.close()
        cold = await opened.start(spec_for(made, "print(1)\n", suffix="-cold"))
        was_cold = isinstance(cold, Process)
        cold.close()
        while not opened.is_warm:
            await asyncio.sleep(0.05)
        after = await printed(opened, made, "print(2)\n")
        return {"status": status, "lost": lost, "left": list(filter(is_alive, tree)), "cold": was_cold, "after": after}

    return scene(body, cold=spawn.start)


def ends() -> list[tuple[int, bool]]:
    """Return (status, is_lost) of runs that end in different ways."""

    async def body(opened: Pool, made: volumes.Volumes) -> list[tuple[int, bool]]:
        found = []
        for script in ("import os; os._exit(5)", "import os; os.kill(os.getpid(), 9)", "import os; os._exit(137)"):
            process = await opened.start(spec_for(made, script + "\n", suffix=os.urandom(4).hex()))
            assert isinstance(process, PooledProcess)
            found.append((process.wait(), process.is_lost))
            process.close()
        process = await begun(opened, made)
        process.kill()
        found.append((process.wait(), process.is_lost))
        process.close()
        return found

    return scene(body)


def many_at_once(count: int) -> tuple[list[str], int]:
    """Return what `count` runs print that are started at the same time from a pool of one, and how many are ready."""

    async def body(opened: Pool, made: volumes.Volumes) -> tuple[list[str], int]:
        specs = [spec_for(made, f"print({n})\n", suffix=f"-{n}") for n in range(count)]
        processes = await asyncio.gather(*map(opened.start, specs))
        assert all(isinstance(process, PooledProcess) for process in processes)
        outputs = [drive(process).stdout.strip() for process in processes]  # type: ignore[arg-type]
        for process in processes:
            process.close()
        while opened.ready < 1:
            await asyncio.sleep(0.01)
        return outputs, opened.ready

    return scene(body, groups=cgroup_place.find().groups)


def recycled() -> dict[str, Any]:
    """Start more runs than one zygote may fork; an earlier run goes on meanwhile."""

    async def body(opened: Pool, made: volumes.Volumes) -> dict[str, Any]:
        first = opened._zygote
        assert first is not None
        process = await begun(opened, made)
        while opened._zygote is first:
            await printed(opened, made, "pass\n")
            await asyncio.sleep(0.1)
        alive = is_alive(process.pid) and not first.is_dead
        process.close()
        await asyncio.sleep(0)
        return {"alive": alive, "old_ended": first.is_dead, "retired": len(opened._retired)}

    plain, pool.RECYCLE_FORKS = pool.RECYCLE_FORKS, 4
    try:
        return scene(body)
    finally:
        pool.RECYCLE_FORKS = plain


def broken_import(site: str) -> dict[str, Any]:
    """Return what a pool does whose packages end the interpreter when they are imported."""

    async def body(opened: Pool, made: volumes.Volumes) -> dict[str, Any]:
        assert opened._zygote is not None
        return {"printed": await printed(opened, made, "print(1)\n"), "warm": opened.is_warm}

    return scene(body, site=Path(site), preimports=("bomb",))


def no_zygote() -> dict[str, Any]:
    """Return what a pool does where no zygote comes up: cold starts, and few tries."""

    async def play() -> dict[str, Any]:
        made = new_volumes()
        plain, zygotes._setup = zygotes._setup, lambda profile: b"{}"
        opened = Pool(host(), Profile(host().runtime / "site", ()), Limits(), cold=spawn.start)
        opened.begin()
        outputs = []
        for _ in range(3):
            await asyncio.sleep(0.3)
            outputs.append(await printed(opened, made, "print(1)\n"))
        failures = opened._failures
        zygotes._setup = plain
        await opened.close()
        made.drop_all()
        return {"outputs": outputs, "failures": failures}

    return asyncio.run(play())


def refused_specs() -> list[str]:
    """Return how wrong specs are refused, and what the same child prints afterwards."""

    async def body(opened: Pool, made: volumes.Volumes) -> list[str]:
        good = spec_for(made, "print('fine')\n")
        found = []
        for main, env in (("../app.py", {}), ("app.py", {"A=B": ""})):
            try:
                await opened.start(RunSpec(main, good.folders, good.limits, env))
            except ValueError as error:
                found.append(str(error).split(":")[0])
        assert opened.ready == 1
        return [*found, (await printed(opened, made, "print('fine')\n"))[0].strip()]

    return scene(body)


def leftovers(count: int) -> dict[str, Any]:
    """Return what is here before and after some runs in a pool with control groups."""

    def here() -> dict[str, int]:
        return {
            "descriptors": len(os.listdir("/proc/self/fd")),
            "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
            "processes": len(below(os.getpid())),
            "groups": sum(1 for _ in _own_groups()),
        }

    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.closerange(0, 9)\n    time.sleep(60)\n"

    async def body(opened: Pool, made: volumes.Volumes) -> None:
        for number in range(count):
            await printed(opened, made, daemon if number % 2 else "pass\n")

    scene(body, groups=cgroup_place.find().groups)
    before = here()
    scene(body, groups=cgroup_place.find().groups)
    return {"before": before, "after": here()}


def _own_groups() -> list[Path]:
    return [path for path in Path("/sys/fs/cgroup").glob(f"*/**/hal9-ide-{os.getpid()}-*") if path.is_dir()]


def orphaned() -> dict[str, list[str]]:
    """Return what is left when a server was killed with -9: its processes at once, its groups after the next sweep."""
    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.sandbox.pool_scenes import serve; serve()"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    pids = list(map(int, server.stdout.readline().split()))
    assert len(pids) >= 6
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    groups = cgroup_place.find().groups
    if groups is not None:
        groups.sweep()
    kept = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/**/hal9-ide-{server.pid}-*")]
    return {"processes": list(map(str, left)), "groups": kept}


def serve() -> None:
    """Be a server with a run and a ready child, and print all pids."""

    async def body(opened: Pool, made: volumes.Volumes) -> None:
        await begun(opened, made)
        while opened.ready < 1:
            await asyncio.sleep(0.01)
        print(*below(os.getpid()), flush=True)
        await asyncio.sleep(60)

    host()
    scene(body, groups=cgroup_place.find().groups)


def out_of_memory() -> dict[str, Any]:
    """Return how runs end that exceed the memory of their group: in one process, in many, in files."""
    many = (
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        x = b'x' * (16 << 20)\n"
        "        time.sleep(20)\nos.wait()\n"
    )
    one = "x = b'x' * (96 << 20)\nimport time; time.sleep(20)\n"
    files = (
        "for folder in ('/bot', '/tmp', '/bot/.storage'):\n"
        "    open(folder + '/x', 'wb').write(b'x' * (30 << 20))\nimport time; time.sleep(20)\n"
    )

    async def body(opened: Pool, made: volumes.Volumes) -> dict[str, Any]:
        found = {}
        for name, script in (("one", one), ("many", many), ("files", files), ("little", "x = b'x' * (20 << 20)\n")):
            spec = spec_for(made, script, suffix=name, limits={"memory_bytes": 64 << 20})
            process = await opened.start(spec)
            assert isinstance(process, PooledProcess)
            deadline = time.monotonic() + 10
            while is_alive(process.pid) and not process.was_out_of_memory and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            found[name] = process.was_out_of_memory
            process.close()
        return found

    return scene(body, groups=cgroup_place.find().groups)


def processor_share() -> float:
    """Return the processors' time that a script of eight busy processes gets in a second."""
    script = (
        "import os\nfor _ in range(7):\n    if os.fork() == 0:\n        break\n"
        "print('ready', flush=True)\nwhile True: pass\n"
    )

    async def body(opened: Pool, made: volumes.Volumes) -> float:
        process = await begun(opened, made, script)
        pids = [process.pid, *below(process.pid)]
        began, used = time.monotonic(), _cpu_seconds(pids)
        await asyncio.sleep(1.5)
        share = (_cpu_seconds(pids) - used) / (time.monotonic() - began)
        process.close()
        return share

    return scene(body, groups=cgroup_place.find().groups)


def _cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
