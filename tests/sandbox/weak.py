"""Sandboxes with one layer taken away; these functions run in the arena process (see arena.py)."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox import doctor, examine, spawn, volumes
from sandbox.host import Host, SandboxUnavailable
from sandbox.launch import launch
from tests.sandbox.arena import Outcome, drive, host, new_volumes, spec_for

BWRAP = """#!/usr/bin/python3 -IS
import os, sys
at = sys.argv.index("--args")
words = os.read(int(sys.argv[at + 1]), 1 << 20).decode("utf-8", "surrogateescape").split("\\0")[:-1]
for gone in {remove!r}:
    for i in range(len(words)):
        if all(a in ("*", b) for a, b in zip(gone, words[i:])):
            if words[i] == "--seccomp": os.close(int(words[i + 1]))
            del words[i : i + len(gone)]
            break
    else: raise SystemExit("nothing to take away")
words += {add!r}
if {leak!r}: os.set_inheritable(os.open("/usr", os.O_RDONLY), True)
fd = os.memfd_create("options", 0)
os.write(fd, "\\0".join([*words, ""]).encode("utf-8", "surrogateescape"))
os.lseek(fd, 0, 0)
os.close(int(sys.argv[at + 1]))
sys.argv[at + 1] = str(fd)
os.execv("/usr/bin/bwrap", sys.argv)
"""


@dataclass
class Finding:
    """What each of the three guards says of a sandbox without one layer."""

    missing: list[str]
    """The layers that the doctor names."""
    refused: str | None
    """The layer with which launch refused, None when it launched."""
    runner: Outcome
    """What became of a script that was started all the same."""


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder that the run's user can read."""
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def without(remove: Sequence[Sequence[str]] = (), add: Sequence[str] = (), *, leak: bool = False) -> Finding:
    """Look at a sandbox whose bubblewrap leaves out options, or gets more."""
    with folder() as place:
        fake = place / "bwrap"
        fake.write_text(BWRAP.format(remove=[list(words) for words in remove], add=list(add), leak=leak))
        fake.chmod(0o755)
        return look(replace(host(), bwrap=fake))


def without_drop() -> Finding:
    """Look at a sandbox whose launcher keeps the server's own user, root."""
    return look(replace(host(), is_root=False))


def without_limits() -> Finding:
    """Look at a sandbox whose runner sets no limits."""
    with folder() as place:
        copy = place / "runtime"
        shutil.copytree(host().runtime, copy, symlinks=True)
        (copy / "site").unlink()
        (copy / "site").symlink_to(os.path.realpath(host().runtime / "site"))
        module = copy / "lib" / "hal9_runtime" / "confined.py"
        module.write_text(module.read_text() + "\n\ndef set_limits(settings): pass\n")
        shutil.rmtree(module.parent / "__pycache__")
        return look(replace(host(), runtime=copy))


def look(weak: Host) -> Finding:
    """Ask the doctor, the launch and the runner."""
    missing = [layer.name for layer in doctor.check(weak).missing]
    with ExitStack() as cleanup:
        made = new_volumes()
        cleanup.callback(made.drop_all)
        spec = spec_for(made, "print('ran')\n")
        refused = None
        try:
            launch(weak, spec).close()
        except SandboxUnavailable as error:
            refused = error.layer
        process = spawn.start(weak, spec)
        cleanup.callback(process.close)
        return Finding(missing, refused, drive(process))


def as_root_user() -> tuple[list[str], str]:
    """Return what the doctor finds where scripts would get uid 0, and how the launch refuses."""
    weak = replace(host(), run_uid=0, run_gid=0)
    made = new_volumes()
    spec = spec_for(made, "print('ran')\n")
    try:
        launch(weak, spec).close()
    except SandboxUnavailable as error:
        return [layer.name for layer in doctor.check(weak).missing], error.layer
    finally:
        made.drop_all()
    raise AssertionError("it was launched")


def with_plain_folder(which: str) -> str:
    """Return the layer with which a launch refuses whose folder is a plain directory of the disk."""
    made = new_volumes()
    spec = spec_for(made, "print('ran')\n")
    try:
        with folder() as place:
            launch(host(), replace(spec, folders=replace(spec.folders, **{which: place}))).close()
    except SandboxUnavailable as error:
        return error.layer
    finally:
        made.drop_all()
    raise AssertionError("it was launched")


def with_roomy_folder() -> str:
    """Return the layer with which a launch refuses whose folder is larger than its limits."""
    made = new_volumes()
    spec = spec_for(made, "print('ran')\n")
    try:
        launch(host(), replace(spec, limits=replace(spec.limits, folder_bytes=1 << 20))).close()
    except SandboxUnavailable as error:
        return error.layer
    finally:
        made.drop_all()
    raise AssertionError("it was launched")


class _Uncapped(volumes.Volumes):
    """Volumes that forget their caps."""

    def create(self, name: str, *, size_bytes: int, files: int) -> Path:
        return super().create(name, size_bytes=size_bytes * 100, files=files * 100)


def caps_of(*, capped: bool) -> dict[str, bool]:
    """Return what the doctor finds of the caps of folders."""
    here = host()
    kind: Callable[..., volumes.Volumes] = volumes.Volumes if capped else _Uncapped
    made = kind(here, volumes.base_folder(here) / "caps")
    return {layer.name: layer.held for layer in examine.caps(made)}


def planted_mount_point(kind: str) -> str:
    """Return the layer with which a launch refuses when something else is where a folder is to be mounted."""
    made = new_volumes()
    spec = spec_for(made, "print('ran')\n")
    place = spec.folders.work / ".storage"
    if kind == "link":
        place.symlink_to("/etc")
    else:
        place.write_text("x")
    try:
        launch(host(), spec).close()
    except SandboxUnavailable as error:
        return error.layer
    finally:
        made.drop_all()
    raise AssertionError("it was launched")


def report() -> tuple[str, list[str], float]:
    """Return the doctor's level, its layers, and how long it took."""
    here = host()
    started = os.times().elapsed
    found = doctor.check(here)
    return found.level, [layer.name for layer in found.layers], os.times().elapsed - started


def cached() -> tuple[bool, bool]:
    """Return whether the doctor looks again when asked twice, and when bubblewrap has changed since."""
    doctor.require(host())
    is_known = doctor.require(host()) is None
    with folder() as place:
        other = place / "bwrap"
        shutil.copy("/usr/bin/bwrap", other)
        return is_known, doctor.require(replace(host(), bwrap=other)) is None
