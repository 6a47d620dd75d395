"""Say which layers of the sandbox hold on this machine, and how to get those that do not. Nothing runs until all do.

One probe is started without the runner's own refusal, so that every layer is seen (probe.py); beside it, at the same
time, one script through the runner. What they report, and what is seen of them from out here, becomes the Report.
"""

import hashlib
import json
import os
import platform
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import command, examine, spawn, volumes, wire
from .examine import Layer
from .host import Host, SandboxUnavailable, find_host
from .limits import MIB, Limits
from .process import Process, readable

_SECONDS = 20.0
_PROBE_LIMITS = Limits(processes=8, folder_bytes=MIB, folder_files=64, scratch_bytes=MIB, scratch_files=64)
_SCRIPT = b"from hal9_runtime import probe\nprint(probe.threads())\ninput()\n"
_SYSTEM_SETTINGS = (
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
)


@dataclass(frozen=True)
class Report:
    """What the doctor found."""

    level: Literal["strong", "none"]
    layers: tuple[Layer, ...]

    @property
    def missing(self) -> tuple[Layer, ...]:
        """The layers that do not hold."""
        return tuple(layer for layer in self.layers if not layer.held)


def check_machine() -> Report:
    """Return the report for this machine, also when programs or packages are missing."""
    try:
        host = find_host()
    except SandboxUnavailable as missing:
        return _report([Layer(missing.layer, False, missing.sentence, missing.fix)])
    return check(host)


def check(host: Host) -> Report:
    """Start two sandboxes and look at every layer (some 100 ms). Enters private mounts when nobody has yet."""
    layers = [Layer("programs", True, f"{host.bwrap} and {host.python} are there.", "")]
    try:
        if not volumes.has_private_mounts(host):
            volumes.enter_private_mounts(host)
        with ExitStack() as cleanup:
            root = volumes.base_folder(host) / f"doctor-{os.getpid()}"
            made = volumes.Volumes(host, root)
            cleanup.callback(root.rmdir)
            cleanup.callback(made.drop_all)
            layers += examine.caps(made)
            layers += _look(host, made, cleanup)
    except SandboxUnavailable as missing:
        layers.append(Layer(missing.layer, False, missing.sentence, missing.fix))
    return _report(layers)


def require(host: Host) -> Report | None:
    """Return the report if all layers hold; None when they were found to, on this boot and with the same sandbox.

    Raises: SandboxUnavailable naming the first layer that is missing. Every start of a script looks again from inside.
    """
    mark = host.state / "sound" / _circumstances(host)
    if mark.exists():
        return None
    report = check(host)
    for layer in report.missing:
        raise SandboxUnavailable(layer.name, layer.sentence, layer.fix)
    with suppress(OSError):
        _remember(mark)
    return report


def _report(layers: list[Layer]) -> Report:
    return Report("strong" if all(layer.held for layer in layers) else "none", tuple(layers))


def _look(host: Host, made: volumes.Volumes, cleanup: ExitStack) -> list[Layer]:
    """Run the probe and the script side by side; both count their threads while the other has its own."""
    spec = command.RunSpec("app.py", _folders(made), _PROBE_LIMITS, {})
    (spec.folders.work / "app.py").write_bytes(_SCRIPT)
    probe = spawn.start(host, spec, "probe")
    cleanup.callback(probe.close)
    script = spawn.start(host, spec, "runner")
    cleanup.callback(script.close)
    seen, complaint = _line(probe)
    if seen is None:
        return [examine.no_start(complaint)]
    found = json.loads(seen)
    cleanup.callback(examine.end_shared_daemon, found)
    return [
        *examine.inside(found, spec),
        *examine.outside(host, found, probe),
        *_through_runner(script, found["threads"]),
        examine.death(probe),
    ]


def _through_runner(script: Process, probe_threads: int) -> list[Layer]:
    counted, complaint = _line(script)
    script.close_stdin()
    records = _until_end(script.control_fd)
    script.wait()
    return examine.runner(counted, complaint, probe_threads, records)


def _folders(made: volumes.Volumes) -> command.Folders:
    limits = _PROBE_LIMITS

    def create(name: str) -> Path:
        return made.create(name, size_bytes=limits.folder_bytes, files=limits.folder_files)

    return command.Folders(*(create(name) for name in ("work", "storage", "user", "shared", "scratch")))


def _line(process: Process) -> tuple[str | None, str]:
    """Return the first line a process prints, None if it ended without one, and what it complained of."""
    printed, complaint = b"", b""
    deadline = time.monotonic() + _SECONDS
    open_fds = [process.stdout_fd, process.stderr_fd]
    while open_fds and b"\n" not in printed:
        ready = readable(open_fds, max(0.0, deadline - time.monotonic()))
        if not ready:
            break
        for fd in ready:
            data = os.read(fd, 65536)
            if not data:
                open_fds.remove(fd)
            elif fd == process.stdout_fd:
                printed += data
            else:
                complaint += data
    line = printed.split(b"\n")[0].decode() if b"\n" in printed else None
    return line, complaint.decode("utf-8", "replace").strip()


def _until_end(control_fd: int) -> list[int]:
    """Return the kinds of records on a control pipe, to its end."""
    parser, kinds = wire.Parser(), []
    while readable([control_fd], _SECONDS):
        data = os.read(control_fd, 65536)
        if not data:
            break
        kinds += [kind for kind, _ in parser.feed(data)]
    return kinds


def _circumstances(host: Host) -> str:
    """Return a name for all that decides whether the layers hold: this boot, its settings, bubblewrap, our own code."""
    facts = [repr(host), platform.release(), platform.machine()]
    about = os.stat(host.bwrap)
    facts.append(repr((about.st_ino, about.st_size, about.st_mtime_ns, about.st_uid, about.st_mode)))
    for path in (*map(Path, _SYSTEM_SETTINGS), *sorted(Path(__file__).parent.glob("*.py"))):
        with suppress(OSError):
            facts.append(path.read_text())
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


def _remember(mark: Path) -> None:
    mark.parent.mkdir(exist_ok=True, mode=0o755)
    for old in mark.parent.iterdir():
        if time.time() - old.stat().st_mtime > 86_400:
            old.unlink()
    mark.touch()
