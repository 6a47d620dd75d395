"""Look at the confinement from inside, and set the kernel's limits, before a script starts. Fails closed.

Runs inside the sandbox, at every start: few imports, some 0.2 ms.
"""

import os
import resource

_CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def missing_layer(settings: dict[str, str]) -> str | None:
    """Return "layer: what is wrong" for the first layer that is missing, or None. `settings` as the runner got them."""
    try:
        status = _status()
        for look in (_identity, _rights, _namespaces, _root, _descriptors):
            missing = look(settings, status)
            if missing is not None:
                return missing
    except (OSError, KeyError) as error:
        return f"proc: the confinement cannot be read ({error})"
    return None


def set_limits(settings: dict[str, str]) -> None:
    """Set soft and hard limits. In here, because only then the kernel counts processes per user *namespace*."""
    limits = {
        resource.RLIMIT_NPROC: int(settings["processes"]) + 1,  # the namespace's init is counted too
        resource.RLIMIT_NOFILE: int(settings["open_files"]),
        resource.RLIMIT_AS: int(settings["address_space"]),
        resource.RLIMIT_FSIZE: int(settings["file"]),
        resource.RLIMIT_CPU: int(settings["cpu"]),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 256,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def _status() -> dict[str, str]:
    fd = os.open("/proc/self/status", os.O_RDONLY)
    text = os.read(fd, 8192).decode("ascii", "replace")
    os.close(fd)
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def _identity(settings: dict[str, str], status: dict[str, str]) -> str | None:
    """/usr belongs to root: seen from here as someone unknown, unless we are root out there (or its owner)."""
    if os.getuid() == 0 or os.stat("/usr").st_uid == os.getuid():
        return "uid: scripts would run as root"
    return None


def _rights(settings: dict[str, str], status: dict[str, str]) -> str | None:
    for name in _CAPABILITY_SETS:
        if status[name].strip("0"):
            return f"capabilities: {name} is {status[name]}"
    if status["NoNewPrivs"] != "1":
        return "no_new_privs: programs could gain rights"
    if status["Seccomp"] != "2":
        return "seccomp: there is no system call filter"
    return None


def _namespaces(settings: dict[str, str], status: dict[str, str]) -> str | None:
    for word, outside in settings.items():
        name = word.removeprefix("ns.")
        if name != word and os.readlink(f"/proc/self/ns/{name}") == outside:
            return f"{name} namespace: it is the machine's"
    if os.getppid() != 1:
        return "pid namespace: it has no init of its own"
    return None


def _root(settings: dict[str, str], status: dict[str, str]) -> str | None:
    for path in ("/", "/usr", "/dev"):
        if os.access(path, os.W_OK):
            return f"read-only root: {path} can be written"
    return None


def _descriptors(settings: dict[str, str], status: dict[str, str]) -> str | None:
    extra = set(os.listdir("/proc/self/fd")) - {"0", "1", "2", settings["control"]}
    if len(extra) > 1:  # one is the listing's own
        return "descriptors: the server left some open"
    return None
