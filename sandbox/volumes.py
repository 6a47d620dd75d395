"""The folders of runs: each a tmpfs with a size and an inode cap, in a mount namespace that only this process sees.

A host directory cannot be capped without root (polling one let 875 MB past a 64 MiB cap), a tmpfs can: as root in a
mount namespace of our own, else in a user namespace in which we may mount. Contents die with the process; whoever
wants to keep them takes a snapshot (hostfs.py).
"""

import ctypes
import os
from pathlib import Path

from .host import Host, SandboxUnavailable

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 1 << 18
_MNT_DETACH = 2
_BASE_OPTIONS = "size=1m,nr_inodes=65536,mode=0755"
_OWN_INODES = 8
"""Not counted against the user: the root directory and our mount points."""

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def base_folder(host: Host) -> Path:
    """Return the directory under which volumes are mounted; the run's user must be able to walk to it."""
    return host.state / "mnt"


def has_private_mounts(host: Host) -> bool:
    """Say whether this process is in a mount namespace of its own already."""
    return os.path.ismount(base_folder(host))


def enter_private_mounts(host: Host) -> None:
    """Move this process into a mount namespace of its own, with room for volumes. Once, while it has one thread.

    Raises: SandboxUnavailable when the kernel or its settings refuse.
    """
    base = base_folder(host)
    base.mkdir(parents=True, exist_ok=True)
    for path in (host.state, base):
        path.chmod(0o755)
    try:
        _unshare(host)
        _check(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "make mounts private")
        _mount_tmpfs(base, _BASE_OPTIONS, _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    except OSError as error:
        sentence = f"Folders with a size cap need mounts of our own, and the kernel refuses them ({error})."
        raise SandboxUnavailable("volumes", sentence, _cure(host)) from error


def _cure(host: Host) -> str:
    if host.is_root:
        return "In a container: add --cap-add SYS_ADMIN, or start the server as a plain user."
    if _setting("user/max_user_namespaces") == "0" or _setting("user/max_mnt_namespaces") == "0":
        return "Run: sysctl -w user.max_user_namespaces=15000 user.max_mnt_namespaces=15000"
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "Run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or start the server as root."
    return "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or start the server as root."


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def _unshare(host: Host) -> None:
    if host.is_root:
        _check(_libc.unshare(_CLONE_NEWNS), "unshare")
        return
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path("/proc/self", name).write_text(text)


def _mount_tmpfs(target: Path, options: str, flags: int) -> None:
    _check(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", flags, options.encode()), f"mount {target}")


class Volumes:
    """The mounted folders below `root`, a directory inside `base_folder`; `enter_private_mounts` comes first."""

    def __init__(self, host: Host, root: Path) -> None:
        self._host = host
        self._root = root
        self._mounted: set[Path] = set()
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)

    def create(self, name: str, *, size_bytes: int, files: int) -> Path:
        """Mount an empty folder that holds at most so many bytes and files, owned by the run's user.

        `name` is ours, never a person's: one path component. Raises: OSError, ValueError.
        """
        if not name or "/" in name or name.startswith(".") or size_bytes <= 0 or files <= 0:
            raise ValueError(f"not a volume: {name!r}")
        path = self._root / name
        path.mkdir()
        ids = f"uid={self._host.run_uid},gid={self._host.run_gid},mode=0755"
        try:
            # nosuid, nodev: what a script leaves here must gain nothing when someone out here runs or opens it.
            caps = f"size={size_bytes},nr_inodes={files + _OWN_INODES}"
            _mount_tmpfs(path, f"{caps},{ids}", _MS_NOSUID | _MS_NODEV)
        except OSError:
            path.rmdir()
            raise
        self._mounted.add(path)
        return path

    def drop(self, path: Path) -> None:
        """Unmount a folder made by `create`; its contents are gone. No run may use it any more."""
        self._mounted.remove(path)
        _check(_libc.umount2(os.fsencode(path), _MNT_DETACH), f"unmount {path}")
        path.rmdir()

    def drop_all(self) -> None:
        """Unmount every folder."""
        for path in list(self._mounted):
            self.drop(path)
