"""The runtime folder: what scripts find under /opt/hal9 and /etc, built from our sources and the locked packages.

    <state>/runtime/<hash of our sources>/lib/hal9_runtime/   the runner and its modules
                                          lib/hal9/           the package bots import
                                          etc/                a passwd, group, hosts … of its own
                                          site -> ../../site/<hash of requirements-sandbox.txt>
    <state>/tools/<hash of requirements-tools.txt>/bin/uv     what installs packages for bots; no script sees it

Everything is world-readable and, made by root, root-owned: scripts run as another user. A new checkout gets a folder
of its own, so a running server never sees its files change. Folders are built under a temporary name and renamed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PYTHON = "/usr/bin/python3"
"""What scripts run with."""
SOURCES = Path(__file__).resolve().parent
REQUIREMENTS = SOURCES.parent / "requirements-sandbox.txt"
TOOLS = SOURCES.parent / "requirements-tools.txt"
INSIDE_MODULES = (
    *("wire", "confined", "stdio", "crash", "runner", "probe", "kernel", "preload", "nursery", "zygote"),
    *("listen", "clients", "enclosed"),
)
"""Modules of this package that run inside the sandbox, as the package `hal9_runtime`: a bot may have a sandbox.py."""
KEPT, KEPT_SECONDS = 3, 7 * 86_400.0

ETC = {
    "passwd": "bot:x:1000:1000:bot:/bot:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "group": "bot:x:1000:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 bot\n",
    "resolv.conf": "",
    "localtime": "",
}
_ETC_FOLDERS = ("ssl/certs", "ca-certificates", "alternatives")
"""Mount points for the machine's own; `localtime` is one too."""


class NotInstalled(Exception):
    """The packages that every bot can import are not installed for the current requirements."""


def ensure(state: Path) -> Path:
    """Return the runtime folder of the current sources, building all but the packages where missing.

    Raises: NotInstalled, OSError.
    """
    site = site_folder(state)
    if not site.is_dir():
        raise NotInstalled(f"The packages for bots are not installed in {site.parent}.")
    folder = state / "runtime" / source_hash()
    if not folder.is_dir():
        _build_renamed(folder, lambda made: _fill(made, site))
        _drop_old(folder.parent)
    with suppress(OSError):
        os.utime(folder)  # in use, see _drop_old
    return folder


def source_hash() -> str:
    """Return a name for the sources as they are, and for what else decides the contents (interpreter, packages)."""
    digest = hashlib.sha256(repr((ETC, _site_hash(), Path(__file__).read_bytes())).encode())
    for inside, path in _sources():
        digest.update(f"{inside}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def site_folder(state: Path) -> Path:
    """Return where the packages for the current requirements are, or would be."""
    return state / "site" / _site_hash()


def install_site(state: Path) -> Path:
    """Install the locked packages (network or pip cache needed), unless they are there, and return their folder.

    Raises: subprocess.CalledProcessError when pip fails.
    """
    site = site_folder(state)
    if not site.is_dir():
        _build_renamed(site, lambda made: _pip_install(REQUIREMENTS, made))
        _drop_old(site.parent)
    return site


def uv_program(state: Path) -> Path:
    """Return where the locked uv is, or would be."""
    return state / "tools" / hashlib.sha256(TOOLS.read_bytes()).hexdigest()[:16] / "bin" / "uv"


def install_tools(state: Path) -> Path:
    """Install the locked uv (network or pip cache needed), unless it is there, and return its path.

    Raises: subprocess.CalledProcessError when pip fails.
    """
    program = uv_program(state)
    folder = program.parents[1]
    if not folder.is_dir():
        _build_renamed(folder, lambda made: _pip_install(TOOLS, made))
        _drop_old(folder.parent)
    return program


def _site_hash() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes() + _interpreter().encode()).hexdigest()[:16]


def _interpreter() -> str:
    """Return the name of the scripts' interpreter, such as python3.11: compiled packages are for that one only."""
    return os.path.basename(os.path.realpath(PYTHON))


def _sources() -> list[tuple[str, Path]]:
    own = [(f"hal9_runtime/{name}.py", SOURCES / f"{name}.py") for name in INSIDE_MODULES]
    package = SOURCES / "hal9"
    files = sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return own + [(f"hal9/{p.relative_to(package)}", p) for p in files]


def _fill(folder: Path, site: Path) -> None:
    for inside, path in [("hal9_runtime/__init__.py", Path(os.devnull)), *_sources()]:
        target = folder / "lib" / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    _compile(folder / "lib")
    for name in _ETC_FOLDERS:
        (folder / "etc" / name).mkdir(parents=True)
    for name, text in ETC.items():
        (folder / "etc" / name).write_text(text)
    (folder / "site").symlink_to(os.path.relpath(site, folder))


def _compile(lib: Path) -> None:
    """Compile with the scripts' interpreter. Unchecked: it then need not even look at the sources, at every start."""
    options = ["--invalidation-mode", "unchecked-hash", "-s", str(lib), "-p", "/opt/hal9/lib", "-x", "/templates/"]
    subprocess.run([PYTHON, "-I", "-m", "compileall", "-qq", *options, str(lib)], check=False)


def _pip_install(requirements: Path, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", PYTHON]
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(folder)]
    subprocess.run([*pip, "install", *options, "-r", str(requirements)], check=True)


def _build_renamed(folder: Path, fill: Callable[[Path], object]) -> None:
    """Fill a temporary folder beside `folder` and rename it; another builder that was faster wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _open_up(folder.parent)
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        fill(made)
        _make_readable(made)
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _open_up(folder: Path) -> None:
    """Let the run's user walk to `folder`: it and the state folder above it, nothing higher."""
    for path in (folder.parent, folder):
        path.chmod(0o755)


def _make_readable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            may_run = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if may_run else 0o644)


def _drop_old(parent: Path) -> None:
    """Keep the newest few, and those a server was started with lately: it may still use them."""
    folders = sorted((p for p in parent.iterdir() if not p.name.startswith(".")), key=lambda p: p.stat().st_mtime)
    for folder in folders[:-KEPT]:
        if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
