"""Try from inside what the sandbox must prevent, and what it must allow; print what happened as JSON.

Runs inside the sandbox in place of the runner, for the doctor alone: unlike the runner it goes on when a layer is
missing, so that all of them can be told. Standard input keeps it alive until the doctor has looked from outside.
"""

import _thread
import json
import os
import resource
import sys
import time

from . import confined

_FORBIDDEN = ("/", "/usr", "/etc", "/dev", "/proc", "/opt/hal9/lib", "/opt/hal9/site")
_ALLOWED = ("/bot", "/bot/.storage", "/bot/.user", "/bot/.shared", "/tmp", "/dev/shm")
_ABSENT = ("/root", "/home", "/var", "/sys", "/run", "/boot", "/mnt", "/etc/shadow", "/etc/ssh", "/proc/1/root/root")


def main() -> None:
    """Print one JSON line, then wait for the end of standard input."""
    settings = dict(word.split("=", 1) for word in sys.argv[2 : sys.argv.index("--")])
    seen = {
        "uid": os.getuid(),
        "status": confined.status(),
        "namespaces": {name[3:]: os.readlink(f"/proc/self/ns/{name[3:]}") for name in settings if name[:3] == "ns."},
        "descriptors": _descriptors({0, 1, 2, int(settings["control"])}),
        "environment": sorted(os.environ),
        "filter": confined.is_filtered(),
        "written": [path for path in _FORBIDDEN if _writes(path)],
        "unwritable": [path for path in _ALLOWED if not _writes(path)],
        "visible": [path for path in _ABSENT if os.path.exists(path)],
        "passwd": _text("/etc/passwd"),
        "interfaces": [line.split(":")[0].strip() for line in _text("/proc/net/dev").splitlines()[2:]],
        "routes": _text("/proc/net/route").splitlines()[1:],
        "processes": [int(name) for name in os.listdir("/proc") if name.isdigit()],
        "packages": os.path.isdir("/opt/hal9/site/openai"),
    }
    confined.set_limits(settings)
    wanted = confined.limits(settings)
    seen["unlimited"] = [n for n in wanted if resource.getrlimit(getattr(resource, f"RLIMIT_{n}"))[1] > wanted[n]]
    seen["daemon"] = _daemon()
    seen["threads"] = threads()
    print(json.dumps(seen), flush=True)
    os.read(0, 1)


def threads() -> int:
    """Return how many threads can be had, this one included; they stay."""
    lock = _thread.allocate_lock()
    lock.acquire()
    count = 1
    try:
        while count < 1000:
            _thread.start_new_thread(lock.acquire, ())
            count += 1
    except RuntimeError:
        pass
    return count


def _writes(folder: str) -> bool:
    path = f"{folder}/.probe"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        os.unlink(path)
    except OSError:
        return False
    return True


def _descriptors(known: set[int]) -> list[int]:
    numbers = set(map(int, os.listdir("/proc/self/fd"))) - known
    return sorted(fd for fd in numbers if os.path.exists(f"/proc/self/fd/{fd}"))  # not the listing's own


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read(10_000)
    except OSError:
        return ""


def _daemon() -> int:
    """Leave a process that no longer belongs to us: a session of its own, its parent gone. Return its pid in here."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid:
            os.write(write, str(pid).encode())
            os._exit(0)
        os.closerange(0, 64)
        while True:
            time.sleep(60)
    os.wait()
    os.close(write)
    return int(os.read(read, 20))
