"""Look at the confinement from inside, and set the kernel's limits, before a script starts. Fails closed.

Runs inside the sandbox, at every start: few imports, some 0.2 ms.
"""

import errno
import os
import resource

_CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def missing_layer(settings: dict[str, str]) -> str | None:
    """Return "layer: what is wrong" for the first layer that is missing, or None. `settings` as the runner got them."""
    try:
        found = status()
        for look in (_identity, _rights, _namespaces, _root, _descriptors):
            missing = look(settings, found)
            if missing is not None:
                return missing
    except (OSError, KeyError) as error:
        return f"proc: the confinement cannot be read ({error})"
    return None


def set_limits(settings: dict[str, str]) -> None:
    """Set soft and hard limits. In here, because only then the kernel counts processes per user *namespace*."""
    for name, value in limits(settings).items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def limits(settings: dict[str, str]) -> dict[str, int]:
    """Return the kernel's limits by name."""
    return {
        "NPROC": int(settings["processes"]) + 1,  # the namespace's init is counted too
        "NOFILE": int(settings["open_files"]),
        "AS": int(settings["address_space"]),
        "FSIZE": int(settings["file"]),
        "CPU": int(settings["cpu"]),
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "SIGPENDING": 256,
    }


def status() -> dict[str, str]:
    """Return the fields of /proc/self/status, see proc(5)."""
    fd = os.open("/proc/self/status", os.O_RDONLY)
    text = os.read(fd, 8192).decode("ascii", "replace")
    os.close(fd)
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def is_filtered() -> bool:
    """Say whether our filter is there: in a container another one may be, and look the same in /proc/self/status."""
    try:
        os.close(os.memfd_create("probe"))
    except OSError as error:
        return error.errno == errno.ENOSYS
    return False


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
    if status["Seccomp"] != "2" or not is_filtered():
        return "seccomp: there is no system call filter of ours"
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
    extra = set(os.listdir("/proc/self/fd")) - {"0", "1", "2", settings["control"], settings.get("outlet", "")}
    if len(extra) > 1:  # one is the listing's own
        return "descriptors: the server left some open"
    return None
