"""Decide how packages are looked up and unpacked: programs, bubblewrap options, environment. Pure; installer.py acts.

Nothing here runs code of a package: only wheels are taken, which are unpacked, and source archives, whose building
runs their code, are refused. The sandbox is for what reads a stranger's archives: uv, and Python's compiler.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import command
from sandbox.command import ENV
from sandbox.egress import ENVIRONMENT
from sandbox.host import Host
from sandbox.limits import GIB, MIB
from sandbox.meter import Caps
from sandbox.package_index import PackageIndex

REQUIREMENTS, CONSTRAINTS, RESOLVED, SITE, CACHE = (
    "requirements.in",
    "constraints.txt",
    "resolved.txt",
    "site",
    "cache",
)
"""What lies in the work folder."""
_WORK, _UV, _CERTIFICATES = "/work", "/opt/uv", "/opt/hal9/certificates.pem"
_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True, slots=True)
class InstallLimits:
    """The bounds of one environment and its installation; sizes in bytes, times in seconds."""

    environment_bytes: int = 1 * GIB
    """Of the unpacked packages; while they are unpacked they are in memory."""
    environment_files: int = 60_000
    install_seconds: float = 300.0
    memory_bytes: int = 1 * GIB
    """Resident memory of the program that unpacks, its files not counted."""
    processes: int = 64
    open_files: int = 1024

    @property
    def caps(self) -> Caps:
        """The bounds of the way out."""
        return Caps(
            connections=32,
            connections_per_turn=5_000,
            up_bytes=64 * MIB,
            down_bytes=self.environment_bytes,
            bytes_per_second=64 * MIB,
            wait_seconds=30.0,
            idle_seconds=60.0,
        )


def resolve_argv(*, has_constraints: bool) -> list[str]:
    """Return the program that turns requirements into a list of names and versions."""
    options = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    extra = ["--constraints", CONSTRAINTS] if has_constraints else []
    return [*_uv("compile"), *options, *extra, REQUIREMENTS, "--output-file", RESOLVED]


def install_argv() -> list[str]:
    """Return the program that fetches and unpacks the resolved list."""
    return [*_uv("install"), "--target", SITE, "--no-deps", "--link-mode", "hardlink", "-r", RESOLVED]


def compile_argv() -> list[str]:
    """Return the program that compiles the modules, so that runs, which may not write, need not. It imports none.

    Unchecked: the files never change again, and a run need not even look at the sources.
    """
    folder = f"{_WORK}/{SITE}"
    options = ["-qq", "--invalidation-mode", "unchecked-hash", "-s", folder, "-p", ENV]
    return [_PYTHON, "-I", "-S", "-m", "compileall", *options, folder]


def _uv(action: str) -> list[str]:
    return [f"{_UV}/uv", "pip", action, "--python", _PYTHON, "--only-binary", ":all:"]


def inside(
    host: Host, program: list[str], limits: InstallLimits, channel_fd: int | None, links: Mapping[str, str]
) -> list[str]:
    """Return the command inside bubblewrap: confine (see enclosed.py), then become `program`.

    `links` are the namespaces of the launcher, name → link text; the program is not started when it shares one.
    """
    settings = {
        "channel": "" if channel_fd is None else channel_fd,
        "processes": limits.processes,
        "open_files": limits.open_files,
        "address_space": 8 * GIB,
        "file": 2 * limits.environment_bytes,  # the volume is full first: an error that uv tells, not a signal
        "cpu": int(limits.install_seconds * 2),
        **{f"ns.{name}": link for name, link in links.items()},
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    boot = "import sys; sys.path.insert(0, '/opt/hal9/lib'); from hal9_runtime import enclosed; enclosed.main()"
    return [str(host.python), "-I", "-S", "-c", boot, *words, "--", *program]


@dataclass(frozen=True, slots=True)
class Fds:
    """What bubblewrap reads and writes."""

    seccomp: int
    info: int
    certificates: int | None
    """None: the machine's are enough."""


def options(host: Host, index: PackageIndex, uv: Path, work: Path, fds: Fds) -> list[str]:
    """Return the bubblewrap options, in the order in which bubblewrap carries them out."""
    made = [*command.isolation(), *command.bare_root(host), "--ro-bind", str(uv.parent), _UV]
    for folder in index.folders:
        made += ["--ro-bind", str(folder), str(folder)]
    if fds.certificates is not None:
        made += ["--perms", "0444", "--ro-bind-data", str(fds.certificates), _CERTIFICATES]
    made += ["--bind", str(work), _WORK, "--dir", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--clearenv"]
    for name, value in environment(index, has_certificates=fds.certificates is not None).items():
        made += ["--setenv", name, value]
    return [*made, "--chdir", _WORK, "--seccomp", str(fds.seccomp), "--info-fd", str(fds.info)]


def environment(index: PackageIndex, *, has_certificates: bool) -> dict[str, str]:
    """Return all variables. Addresses may hold a password: so here, and on no command line."""
    made = {
        "PATH": "/usr/bin:/bin",
        "HOME": _WORK,
        "TMPDIR": f"{_WORK}/tmp",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **ENVIRONMENT,
        "NO_PROXY": "",  # loopback in there is nothing; a mirror on the server's loopback is reached through the proxy
        "no_proxy": "",
        "UV_CACHE_DIR": f"{_WORK}/{CACHE}",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
        "UV_HTTP_TIMEOUT": "30",
        "UV_CONCURRENT_DOWNLOADS": "8",
        "UV_CONCURRENT_INSTALLS": "2",
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip chooses among the indexes that the operator has named
        **_sources(index),
    }
    return made | ({"SSL_CERT_FILE": _CERTIFICATES} if has_certificates else {})


def _sources(index: PackageIndex) -> dict[str, str]:
    made = {
        "UV_INDEX": " ".join(filter(index.is_there, index.extra_urls)),
        "UV_FIND_LINKS": ",".join(filter(index.is_there, index.links)),
        "UV_INSECURE_HOST": " ".join(index.insecure_hosts),
    }
    made |= {"UV_DEFAULT_INDEX": index.url} if index.url else {"UV_NO_INDEX": "1"}
    return {name: value for name, value in made.items() if value}
