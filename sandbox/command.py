"""Decide how a run is started: the bubblewrap options, the program inside, its environment. Pure; launch.py acts.

Bubblewrap confines exactly as much as its arguments say, so every layer of the sandbox is a line in this file.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .host import Host
from .limits import Limits

SANDBOX_UID = 1000
"""The id a script sees itself as; outside it is `Host.run_uid`."""

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")

_SEARCH = "import sys; sys.path.insert(0, '/opt/hal9/lib')"
_NEW_ROOT = "/newroot"
ENV = "/opt/hal9/env"
"""Where a run finds the packages of its environment."""
_DEVICES = ("null", "zero", "full", "random", "urandom")
_ABOUT_THE_MACHINE = ("cmdline", "keys", "key-users", "timer_list", "sched_debug", "kallsyms", "modules")
_MASKED = tuple(name for name in _ABOUT_THE_MACHINE if os.path.exists(f"/proc/{name}"))
"""Files of /proc to hide, where this kernel has them: bubblewrap 0.8 cannot mount proc with `subset=pid`."""

_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/bot",
    "USER": "bot",
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",
    # For programs that a script starts; the runner itself is isolated (-I) and arranges the same for the script.
    "PYTHONPATH": "/opt/hal9/lib:/opt/hal9/site",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    # One arena and one thread: more of them reserve address space and count against the process limit.
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Folders:
    """The host's directories of one run, each a volume of its own (see volumes.py)."""

    work: Path
    storage: Path
    user: Path
    shared: Path
    scratch: Path
    """Holds tmp/ and shm/, which the run sees as /tmp and /dev/shm."""


@dataclass(frozen=True)
class RunSpec:
    """One run to start."""

    main: str
    """The script, relative to the work folder."""
    folders: Folders
    limits: Limits
    env: Mapping[str, str]
    """The bot's own variables, secrets included. Names the sandbox itself sets (PATH, HOME, …) are not overridden."""
    args: tuple[str, ...] = field(default=())
    """What the script finds in sys.argv[1:]."""
    environment: Path | None = None
    """The folder of packages that the bot's requirements.txt asks for; None: what every bot has is enough."""
    compile_all: bool = False
    """Compile every .py file before the script starts (the start check): one that cannot be is the run's error."""


def check(spec: RunSpec) -> None:
    """Raise ValueError unless the main file stays inside the work folder and the environment can be passed on."""
    parts = spec.main.split("/")
    if not spec.main or spec.main.startswith("/") or ".." in parts or "\0" in spec.main:
        raise ValueError(f"not a path inside the bot: {spec.main!r}")
    for name, value in spec.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise ValueError(f"not an environment variable: {name!r}")


def argv(host: Host, inside: Sequence[str], *, options_fd: int) -> list[str]:
    """Return the whole command line. It holds no secret: options and environment come over `options_fd`."""
    confined = [str(host.bwrap), "--args", str(options_fd), "--", *inside]
    return [*drop_root(host), *confined] if host.is_root else confined


def inside(host: Host, spec: RunSpec, module: str, *, control_fd: int, namespaces: Mapping[str, str]) -> list[str]:
    """Return the program in the sandbox: a module of the runtime and what it is told.

    `namespaces` are the launcher's own (name → link text); the runner refuses to start when it shares one.
    """
    settings = _settings(spec, control_fd, namespaces)
    boot = f"{_SEARCH}; from hal9_runtime import {module}; {module}.main()"
    return [str(host.python), "-I", "-S", "-c", boot, spec.main, *settings, "--", *spec.args]


def drop_root(host: Host) -> list[str]:
    """Return the prefix that becomes the run's user. As uid 0 the kernel would not count processes, for one."""
    ids = [f"--reuid={host.run_uid}", f"--regid={host.run_gid}", "--clear-groups"]
    return ["/usr/bin/setpriv", *ids, "--no-new-privs", "--"]


def options(host: Host, spec: RunSpec, *, seccomp_fd: int, info_fd: int) -> list[str]:
    """Return the bubblewrap options, in the order in which bubblewrap carries them out."""
    return [
        *isolation(),
        *_root(host, spec.environment),
        *_folders(spec.folders),
        *_environment(spec.env, spec.environment),
        *("--seccomp", str(seccomp_fd), "--info-fd", str(info_fd)),
    ]


def isolation() -> list[str]:
    """Return the options for namespaces of its own and no capability."""
    shares = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup"]
    user = ["--unshare-user", "--disable-userns", "--uid", str(SANDBOX_UID), "--gid", str(SANDBOX_UID)]
    return [*shares, *user, "--die-with-parent", "--new-session", "--hostname", "bot", "--cap-drop", "ALL"]


def _root(host: Host, environment: Path | None) -> list[str]:
    """Only /usr, our runtime, a made-up /etc, five devices and /proc: nothing of the machine's own configuration."""
    return [*_tree(host.runtime, host.runtime / "site", environment=environment), *_kernel()]


def bare_root(host: Host) -> list[str]:
    """Return the options for the same without the packages: for programs of ours (see install_command.py)."""
    return [*_bare_tree(host.runtime), *_kernel()]


def _kernel() -> list[str]:
    made = ["--proc", "/proc"]
    for name in _MASKED:
        made += ["--ro-bind-try", "/dev/null", f"/proc/{name}"]
    return made + _devices()


def _tree(runtime: Path, site: Path, at: str = "", *, environment: Path | None = None) -> list[str]:
    own = ["--ro-bind", str(environment), f"{at}{ENV}"] if environment else []
    return [*_bare_tree(runtime, at), "--ro-bind", os.path.realpath(site), f"{at}/opt/hal9/site", *own]


def _bare_tree(runtime: Path, at: str = "") -> list[str]:
    made = ["--ro-bind", "/usr", f"{at}/usr"]
    for name in ("lib", "lib64", "bin", "sbin"):
        made += ["--symlink", f"usr/{name}", f"{at}/{name}"]
    made += ["--ro-bind", f"{runtime}/etc", f"{at}/etc"]
    for path in ("/etc/ssl/certs", "/etc/ca-certificates", "/etc/alternatives", "/etc/localtime"):
        made += ["--ro-bind-try", path, f"{at}{path}"]
    return [*made, "--ro-bind", f"{runtime}/lib", f"{at}/opt/hal9/lib"]


def _devices(at: str = "") -> list[str]:
    """Not `--dev`: its tmpfs stays writable and has no size, so that a script could fill the memory of the machine."""
    made = ["--size", "65536", "--tmpfs", f"{at}/dev"]
    for name in _DEVICES:
        made += ["--dev-bind", f"/dev/{name}", f"{at}/dev/{name}"]
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        made += ["--symlink", f"/proc/self/fd{target}", f"{at}/dev/{name}"]
    return [*made, "--dir", f"{at}/dev/shm"]


def _folders(folders: Folders) -> list[str]:
    work = ["--bind", str(folders.work), "/bot", "--bind", str(folders.storage), "/bot/.storage"]
    kept = ["--bind", str(folders.user), "/bot/.user", "--bind", str(folders.shared), "/bot/.shared"]
    scratch = ["--bind", f"{folders.scratch}/tmp", "/tmp", "--bind", f"{folders.scratch}/shm", "/dev/shm"]
    return [*work, *kept, *scratch, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/bot"]


def zygote_options(host: Host, site: Path, environment: Path | None = None) -> list[str]:
    """Return the bubblewrap options of a zygote: rights, but only over namespaces that hold no more than a run's.

    The tree of a run is there twice, for the zygote and, below /newroot, as the root that its children will have.
    /proc is whole: the kernel lets a child mount its own only where one can be seen, and masks would hide parts of it.
    """
    shares = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup"]
    user = ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"]
    made = [*shares, *user, "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "bot"]
    made += [*_tree(host.runtime, site, environment=environment), "--proc", "/proc", *_devices(), "--dir", "/bot"]
    made += ["--size", "65536", "--tmpfs", _NEW_ROOT, *_tree(host.runtime, site, _NEW_ROOT, environment=environment)]
    made += _devices(_NEW_ROOT)
    for name in ("proc", "bot", "tmp"):
        made += ["--dir", f"{_NEW_ROOT}/{name}"]
    for path in (f"{_NEW_ROOT}/dev", _NEW_ROOT, "/dev", "/"):
        made += ["--remount-ro", path]
    return [*made, *_environment({}, environment), "--chdir", "/bot"]


def zygote_inside(host: Host, control_fd: int) -> list[str]:
    """Return the program of a zygote. In a child that has got its script, its first half returns."""
    boot = "from hal9_runtime import zygote, runner; zygote.main(); runner.main()"
    return [str(host.python), "-I", "-S", "-c", f"{_SEARCH}; {boot}", str(control_fd)]


def environment(spec: RunSpec) -> dict[str, str]:
    """Return all variables of a run."""
    return {**spec.env, **_variables(spec.environment), "PWD": "/bot"}


def own_variables() -> set[str]:
    """Return the names that the sandbox itself sets."""
    return {*_ENVIRONMENT, "PWD"}


def _environment(own: Mapping[str, str], environment: Path | None = None) -> list[str]:
    made = ["--clearenv"]
    for name, value in {**own, **_variables(environment)}.items():
        made += ["--setenv", name, value]
    return made


def _variables(environment: Path | None) -> dict[str, str]:
    if environment is None:
        return _ENVIRONMENT
    first = {"PYTHONPATH": ENV, "PATH": f"{ENV}/bin"}
    return {**_ENVIRONMENT, **{name: f"{folder}:{_ENVIRONMENT[name]}" for name, folder in first.items()}}


def variables(spec: RunSpec) -> set[str]:
    """Return the names of all that a script's environment may hold; bubblewrap adds PWD."""
    return {*spec.env, *own_variables()}


def _settings(spec: RunSpec, control_fd: int, namespaces: Mapping[str, str]) -> list[str]:
    """Return what the runner is told, as `name=value` words (see runner.py)."""
    limits = spec.limits
    values = {
        "control": control_fd,
        "processes": limits.processes,
        "open_files": limits.open_files,
        "address_space": limits.address_space_bytes,
        "file": limits.file_bytes,
        "cpu": limits.cpu_life_seconds,
        "compile_all": int(spec.compile_all),
    }
    shown = [f"{name}={value}" for name, value in values.items()]
    return shown + [f"ns.{name}={link}" for name, link in namespaces.items()]
