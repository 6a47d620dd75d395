"""Each trick that a script can play on whoever reads its folder, and that plain files still work."""

import hashlib
import os
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import hostfs
from sandbox.hostfs import ScanCache, Unsafe

UID, GID = os.getuid(), os.getgid()


class Store:
    """Contents by hash, and how often one was put."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.puts = 0

    def put(self, data: bytes) -> str:
        self.puts += 1
        sha = hashlib.sha256(data).hexdigest()
        self.contents[sha] = data
        return sha

    def get(self, sha: str) -> bytes:
        return self.contents[sha]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory on a tmpfs, as a volume is."""
    path = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield path
    fd = hostfs.open_root(path)
    for name in os.listdir(fd):
        hostfs.remove(fd, name)
    os.close(fd)
    path.rmdir()


@pytest.fixture
def root(folder: Path) -> Iterator[int]:
    fd = hostfs.open_root(folder)
    yield fd
    os.close(fd)


@pytest.fixture
def store() -> Store:
    return Store()


def scan(root: int, store: Store, known: ScanCache | None = None, **options: object) -> dict[str, hostfs.Entry]:
    skip = frozenset(options.pop("skip", ()))  # type: ignore[call-overload]
    cache = known if known is not None else ScanCache()
    return hostfs.scan(root, skip=skip, known=cache, put=store.put, full=bool(options.get("full")))


def write(root: int, path: str, data: bytes = b"x", mode: int = 0o644) -> None:
    hostfs.write_file(root, path, data, mode, UID, GID)


def age(*paths: Path) -> None:
    """Wait until the files are older than the racy window."""
    newest = max(path.stat().st_ctime for path in paths)
    time.sleep(max(0.0, newest + 0.06 - time.time()))


# --- reading


def test_plain_file_is_read(root: int, folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b.txt").write_bytes(b"hello")
    assert hostfs.read_file(root, "a/b.txt", 5) == b"hello"


def test_absent_file_is_not_found(root: int) -> None:
    with pytest.raises(FileNotFoundError):
        hostfs.read_file(root, "nothing", 5)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../x", "a//b", "./a", "a/", "nul\0", "a/" * 200 + "a"])
def test_paths_that_leave_or_confuse_are_refused(root: int, path: str) -> None:
    with pytest.raises(ValueError):
        hostfs.read_file(root, path, 5)
    with pytest.raises(ValueError):
        write(root, path)


def test_symlink_to_a_host_file_is_refused(root: int, folder: Path) -> None:
    (folder / "out.txt").symlink_to("/etc/passwd")
    with pytest.raises(Unsafe):
        hostfs.read_file(root, "out.txt", 10_000)


def test_symlink_as_a_folder_is_refused(root: int, folder: Path) -> None:
    (folder / "etc").symlink_to("/etc")
    with pytest.raises(Unsafe):
        hostfs.read_file(root, "etc/passwd", 10_000)


def test_fifo_is_refused_without_waiting(root: int, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    started = time.monotonic()
    with pytest.raises(Unsafe):
        hostfs.read_file(root, "pipe", 10)
    assert time.monotonic() - started < 1


def test_socket_is_refused(root: int, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
        with pytest.raises(Unsafe):
            hostfs.read_file(root, "socket", 10)


def test_file_with_two_links_is_refused(root: int, folder: Path) -> None:
    (folder / "one").write_bytes(b"x")
    os.link(folder / "one", folder / "two")
    with pytest.raises(Unsafe):
        hostfs.read_file(root, "one", 10)


def test_file_over_the_cap_is_refused(root: int, folder: Path) -> None:
    (folder / "big").write_bytes(b"123456")
    assert hostfs.read_file(root, "big", 6) == b"123456"
    with pytest.raises(Unsafe):
        hostfs.read_file(root, "big", 5)


def test_sparse_petabyte_is_refused_at_once(root: int, folder: Path) -> None:
    with open(folder / "sparse", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Unsafe):
        hostfs.read_file(root, "sparse", 1 << 20)


# --- writing


def test_write_makes_folders_and_replaces(root: int, folder: Path) -> None:
    write(root, "a/b/c.txt", b"1")
    write(root, "a/b/c.txt", b"22", 0o755)
    assert (folder / "a/b/c.txt").read_bytes() == b"22"
    assert stat.S_IMODE((folder / "a/b/c.txt").stat().st_mode) == 0o755
    assert os.listdir(folder / "a/b") == ["c.txt"]


def test_write_replaces_a_symlink_and_leaves_its_target(root: int, folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (folder / "app.py").symlink_to(victim)
    write(root, "app.py", b"new")
    assert victim.read_text() == "kept"
    assert not (folder / "app.py").is_symlink()


def test_write_replaces_a_symlinked_folder_and_leaves_its_target(root: int, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "data").symlink_to(outside)
    write(root, "data/x", b"new")
    assert list(outside.iterdir()) == []
    assert (folder / "data" / "x").read_bytes() == b"new"


def test_write_replaces_a_directory_in_its_place(root: int, folder: Path) -> None:
    write(root, "app.py/deep/er", b"in the way")
    write(root, "app.py", b"new")
    assert (folder / "app.py").read_bytes() == b"new"
    assert os.listdir(folder) == ["app.py"]


def test_write_never_sets_setuid(root: int, folder: Path) -> None:
    write(root, "tool", b"x", 0o6755)
    assert stat.S_IMODE((folder / "tool").stat().st_mode) == 0o755


def test_write_over_a_fifo_does_not_wait(root: int, folder: Path) -> None:
    os.mkfifo(folder / "app.py")
    write(root, "app.py", b"new")
    assert (folder / "app.py").read_bytes() == b"new"


# --- removing


def test_remove_takes_files_links_and_trees(root: int, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    write(root, "tree/a/b", b"x")
    (folder / "tree" / "link").symlink_to(outside)
    (folder / "link").symlink_to(outside)
    for path in ("tree", "link", "absent", "absent/below"):
        hostfs.remove(root, path)
    assert os.listdir(folder) == []
    assert (outside / "kept").read_text() == "kept"


def test_remove_does_not_go_through_a_link(root: int, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (folder / "link").symlink_to(outside)
    hostfs.remove(root, "link/kept")
    assert (outside / "kept").read_text() == "kept"


def make_deep(root: int, depth: int) -> None:
    fd = os.dup(root)
    for _ in range(depth):
        os.mkdir("deep", dir_fd=fd)
        inner = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


def test_remove_takes_a_tree_deeper_than_any_path(root: int, folder: Path) -> None:
    make_deep(root, 3000)
    hostfs.remove(root, "deep")
    assert os.listdir(folder) == []


# --- scanning and restoring


def test_scan_and_restore_are_a_round_trip(root: int, store: Store, tmp_path: Path) -> None:
    write(root, "app.py", b"print()", 0o755)
    write(root, "data/words.json", b"[]")
    os.mkdir("empty", dir_fd=root)
    os.symlink("/etc/passwd", "link", dir_fd=root)
    entries = scan(root, store)
    assert entries["app.py"] == ("file", hashlib.sha256(b"print()").hexdigest(), 7, 0o755)
    assert entries["empty"] == ("dir",)
    assert entries["link"] == ("link", "/etc/passwd")
    assert set(entries) == {"app.py", "data/words.json", "empty", "link"}
    copy = tmp_path / "copy"
    copy.mkdir()
    copy_fd = hostfs.open_root(copy)
    hostfs.restore(copy_fd, entries, store.get, UID, GID)
    assert scan(copy_fd, store) == entries
    os.close(copy_fd)


def test_scan_keeps_names_that_are_not_text(root: int, store: Store, tmp_path: Path) -> None:
    names = [b"\xff\xfe", "ü\n.txt".encode(), b" ", b"-rf", b"\\", b"a" * 255]
    for name in names:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=root))
    entries = scan(root, store)
    assert sorted(map(os.fsencode, entries)) == sorted(names)
    copy = tmp_path / "copy"
    copy.mkdir()
    copy_fd = hostfs.open_root(copy)
    hostfs.restore(copy_fd, entries, store.get, UID, GID)
    assert sorted(os.listdir(os.fsencode(copy))) == sorted(names)
    os.close(copy_fd)


def test_scan_leaves_out_what_is_not_a_plain_file(root: int, folder: Path, store: Store) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "one").write_bytes(b"x")
    os.link(folder / "one", folder / "two")
    (folder / "plain").write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
        assert set(scan(root, store)) == {"plain"}


def test_scan_does_not_follow_links_to_folders(root: int, folder: Path, store: Store) -> None:
    (folder / "root").symlink_to("/")
    (folder / "loop").symlink_to(".")
    assert scan(root, store) == {"root": ("link", "/"), "loop": ("link", ".")}


def test_scan_skips_names_at_the_top_only(root: int, store: Store) -> None:
    write(root, ".storage/x")
    write(root, "a/.storage/x")
    assert set(scan(root, store, skip=[".storage"])) == {"a/.storage/x"}


def test_scan_survives_a_deep_tree_with_few_descriptors(root: int, store: Store) -> None:
    make_deep(root, 1500)
    write(root, "shallow", b"x")
    before = len(os.listdir("/proc/self/fd"))
    assert set(scan(root, store)) == {"shallow"}
    assert len(os.listdir("/proc/self/fd")) == before
    hostfs.remove(root, "deep")


def test_unchanged_files_are_not_read_again(root: int, folder: Path, store: Store) -> None:
    write(root, "big", b"x" * (2 << 20))
    age(folder / "big")
    known = ScanCache()
    first = scan(root, store, known)
    os.chmod(folder / "big", 0o644)  # a changed ctime alone makes it be read, and the same contents are not put again
    age(folder / "big")
    assert scan(root, store, known) == first
    assert scan(root, store, known) == first
    assert store.puts == 1


def test_change_hidden_by_utime_is_seen(root: int, folder: Path, store: Store) -> None:
    path = folder / "big"
    write(root, "big", b"x" * (2 << 20))
    age(path)
    known = ScanCache()
    first = scan(root, store, known)
    times = path.stat()
    with open(path, "r+b") as file:
        file.write(b"y")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    assert scan(root, store, known)["big"] != first["big"]


def test_file_just_written_is_read_again(root: int, folder: Path, store: Store) -> None:
    """A second write within one tick of the kernel's clock leaves every time stamp as it was."""
    write(root, "other", b"z" * (2 << 20))
    known = ScanCache()
    write(root, "racy", b"1")
    first = scan(root, store, known)
    path = folder / "racy"
    before = path.stat()
    path.write_bytes(b"2")
    if path.stat().st_ctime_ns != before.st_ctime_ns:  # the tick passed: forge what it would look like
        known.files["racy"] = type(known.files["racy"])(
            (before.st_ino, 1, path.stat().st_mtime_ns, path.stat().st_ctime_ns), True, known.files["racy"].entry
        )
    assert scan(root, store, known)["racy"] != first["racy"]


def test_full_scan_reads_every_file(root: int, folder: Path, store: Store) -> None:
    write(root, "big", b"x" * (2 << 20))
    age(folder / "big")
    known = ScanCache()
    first = scan(root, store, known)
    identity, entry = known.files["big"].identity, ("file", "0" * 64, 2 << 20, 0o644)
    known.files["big"] = type(known.files["big"])(identity, False, entry)  # as if contents changed through a mapping
    assert scan(root, store, known)["big"] == entry
    assert scan(root, store, known, full=True) == first


def test_scan_tolerates_a_folder_that_changes(root: int, folder: Path, store: Store) -> None:
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = folder / f"d{number % 7}"
            for act in (name.mkdir, name.rmdir, name.touch, name.unlink, lambda n=name: n.symlink_to("/")):
                try:
                    act()
                except OSError:
                    continue

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(200):
            scan(root, store)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("path", ["../escape", "/etc/cron.d/x", "a/../../x", "a//b", ""])
def test_restore_refuses_paths_that_leave(root: int, path: str) -> None:
    with pytest.raises(ValueError):
        hostfs.restore(root, {path: ("file", "0", 1, 0o644)}, lambda _: b"x", UID, GID)


def test_restore_does_not_write_through_a_link_it_restored(root: int, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    entries: dict[str, hostfs.Entry] = {"a": ("link", str(outside)), "a/b": ("file", "0", 1, 0o644)}
    hostfs.restore(root, entries, lambda _: b"x", UID, GID)
    assert list(outside.iterdir()) == []
