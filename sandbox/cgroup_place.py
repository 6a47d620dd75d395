"""Find where this process may make control groups: version 2 where it was delegated to us, else version 1."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .cgroup import CONTROLLERS, Groups

_OWN_LEAF = "hal9-ide-server"


@dataclass(frozen=True, slots=True)
class Found:
    """The groups that can be had, None where none can; and what the doctor says of it."""

    groups: Groups | None
    sentence: str
    fix: str


def find(mountinfo: str | None = None, own: str | None = None) -> Found:
    """Look at the mounts and at our own group (by default those of /proc/self). Makes nothing but, in version 2, a leaf
    for ourselves: a group with groups below it may hold no process.
    """
    mounts = _mounts(mountinfo or Path("/proc/self/mountinfo").read_text())
    places = _places(mounts, own or Path("/proc/self/cgroup").read_text())
    unified = places.get("")
    if unified is not None and _is_delegated(unified):
        return _found(_prepared(unified), 2)
    writable = {name: places[name] for name in CONTROLLERS if name in places and os.access(places[name], os.W_OK)}
    if writable:
        return _found(writable, 1)
    return Found(None, f"Nothing but a sampler bounds {_words(CONTROLLERS)} of a whole run.", _fix())


def _found(parents: Mapping[str, Path], version: int) -> Found:
    groups = Groups(parents, 2 if version == 2 else 1)
    bounded = [name for name in CONTROLLERS if name in parents]
    sentence = f"Control groups (version {version}) bound {_words(bounded)} of each run."
    if groups.unbounded:
        return Found(groups, f"{sentence} Nothing bounds {_words(groups.unbounded)}.", _fix())
    return Found(groups, sentence, "")


def _words(controllers: object) -> str:
    names = {"memory": "memory", "pids": "processes", "cpu": "processor time"}
    return ", ".join(word for name, word in names.items() if name in controllers)  # type: ignore[operator]


def _fix() -> str:
    return "Run the server as a systemd unit with Delegate=memory pids cpu"


def _mounts(mountinfo: str) -> dict[str, tuple[str, Path]]:
    """Return controller → (root of the mount, mount point); version 2 is the controller ""; see proc(5)."""
    found: dict[str, tuple[str, Path]] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, point = before.split()[3:5]
        names = options.split(",") if kind == "cgroup" else [""] if kind == "cgroup2" else []
        for name in names:
            found.setdefault(name, (root, Path(point)))
    return found


def _places(mounts: Mapping[str, tuple[str, Path]], own: str) -> dict[str, Path]:
    """Return controller → the folder of the group that we are in."""
    found: dict[str, Path] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            if name in mounts:
                root, point = mounts[name]
                inside = os.path.relpath(path, root) if path.startswith(root) else "."
                found[name] = Path(os.path.normpath(point / inside))
    return found


def _is_delegated(folder: Path) -> bool:
    """Say whether a version 2 group was given to us. Root may write everywhere: there systemd's mark decides, or that
    it is the root of all that a container sees. One of our controllers must be on offer, or there is no use in it.
    """
    if not os.access(folder, os.W_OK) or not _offered(folder):
        return False
    if os.geteuid() != 0 or not (folder.parent / "cgroup.procs").exists():
        return True
    for mark in ("trusted.delegate", "user.delegate"):
        try:
            if os.getxattr(folder, mark) == b"1":
                return True
        except OSError:
            continue
    return False


def _offered(folder: Path) -> list[str]:
    try:
        there = (folder / "cgroup.controllers").read_text().split()
    except OSError:
        return []
    return [name for name in CONTROLLERS if name in there]


def _prepared(folder: Path) -> dict[str, Path]:
    """Move all processes of the group into a leaf, switch the controllers on for its other children."""
    leaf = folder / _OWN_LEAF
    leaf.mkdir(exist_ok=True)
    for pid in (folder / "cgroup.procs").read_text().split():
        (leaf / "cgroup.procs").write_text(pid)
    offered = _offered(folder)
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in offered))
    return {name: folder for name in offered}
