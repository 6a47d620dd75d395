"""Memory by proportional set size: pages that processes share count once in all."""

import re
from contextlib import suppress
from pathlib import Path

from tests.live import LiveServer, descendants

PSS = re.compile(r"^Pss:\s+(\d+) kB", re.M)


def pss_bytes(pid: int) -> int:
    """Return a process's share of memory; 0 when it is gone."""
    with suppress(OSError):
        found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
        return int(found.group(1)) * 1024 if found else 0
    return 0


def server_bytes(server: LiveServer) -> int:
    """Return the memory of the launcher and all below it, sandboxes included."""
    return sum(pss_bytes(pid) for pid in (server.pid, *descendants(server.pid)))


def parts(server: LiveServer) -> str:
    """Return the memory of each part, for a note."""
    web = server.web()
    sizes = {
        "launcher": pss_bytes(server.pid),
        "gunicorn": pss_bytes(web),
        "web workers": sum(pss_bytes(pid) for pid in descendants(web)),
        "supervisor": pss_bytes(server.supervisor()),
        "sandboxes kept ready": sum(pss_bytes(pid) for pid in descendants(server.supervisor())),
    }
    return ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sizes.items())
