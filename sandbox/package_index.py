"""Where packages come from: the operator's setting, else what pip is configured with on this machine, else PyPI.

A machine behind a mirror or with certificates of its own has told pip so already; nobody should have to say it twice.
"""

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sandbox.policy import Entry, Policy
from sandbox.targets import BadTarget, Target, normal_host

STANDARD_INDEX = "https://pypi.org/simple"
FILE_HOSTS = {"pypi.org": ("files.pythonhosted.org",), "test.pypi.org": ("test-files.pythonhosted.org",)}
"""An index may keep its files on another host; that of PyPI is known, others are a setting."""
_PORTS = {"https": 443, "http": 80}
_CERTIFICATES_BYTES, _CONSTRAINTS_BYTES = 8 << 20, 1 << 20
_PIP_SECONDS = 60.0


class BadIndex(ValueError):
    """The address of an index cannot be used; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """All that an installation needs to know of where packages come from."""

    url: str | None = STANDARD_INDEX
    """None: only the others below (pip's `no-index`)."""
    extra_urls: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    """Folders or pages of files, pip's `find-links`."""
    file_hosts: tuple[str, ...] = ()
    """Further `host` or `host:port` from which files may come."""
    insecure_hosts: tuple[str, ...] = ()
    certificates: Path | None = None
    """A bundle of its own; None: the machine's."""
    constraints: Path | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """All addresses, the folders among them as file: URLs."""
        return tuple(url for url in (self.url, *self.extra_urls, *self.links) if url)

    @property
    def targets(self) -> frozenset[Target]:
        """Whom an installation may connect to: the hosts of the index and of its files, and nobody else.

        Raises: BadIndex.
        """
        found: set[Target] = set()
        for url in self.urls:
            parts = urlsplit(url)
            if parts.scheme in _PORTS:
                found.add(_target(url))
                found |= {Target(host, 443) for host in FILE_HOSTS.get(parts.hostname or "", ())}
        return frozenset(found | {_target(f"https://{host}") for host in self.file_hosts})

    @property
    def policy(self) -> Policy:
        """The policy of an installation's way out."""
        targets = sorted(self.targets, key=lambda target: (target.host, target.port))
        return Policy(tuple(Entry(target.host, target.port, is_suffix=False) for target in targets))

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of this machine that the addresses lead to, those that the run's user can read."""
        local = (_folder(url) for url in self.urls if self.is_there(url))
        return tuple(dict.fromkeys(_with_files(folder) for folder in local if folder is not None))

    def is_there(self, url: str) -> bool:
        """Say whether an address can be used: a folder that is not there, or closed to others, is left out."""
        folder = _folder(url)
        return folder is None or (folder.is_dir() and all(_is_open(path) for path in (folder, *folder.parents)))

    @property
    def name(self) -> str:
        """What tells one place from another, without passwords: part of the name of what was installed from there."""
        return " ".join(without_password(url) for url in self.urls)


def without_password(text: str) -> str:
    """Return an address without what stands before its @."""
    scheme, mark, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def find(url: str | None = None, file_hosts: tuple[str, ...] = ()) -> PackageIndex:
    """Return where packages come from: `url`, else as pip is configured here. `pip` takes a second: call it once."""
    return from_pip(pip_configuration(), url, file_hosts)


def pip_configuration() -> dict[str, str]:
    """Return pip's settings for `install` on this machine, name → value; {} where there is no pip."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"],
            capture_output=True,
            text=True,
            timeout=_PIP_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse_pip(done.stdout)


def parse_pip(listing: str) -> dict[str, str]:
    """Return the settings in the output of `pip config list`. The environment goes before [install] before [global]."""
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listing.splitlines():
            key, mark, value = line.partition("=")
            if mark and key.startswith(section):
                found[key.removeprefix(section)] = str(ast.literal_eval(value))
    return found


def from_pip(settings: Mapping[str, str], url: str | None, file_hosts: tuple[str, ...] = ()) -> PackageIndex:
    """Return where packages come from; `url` None: where pip would look."""
    certificates, constraints = settings.get("cert"), settings.get("constraint", "").split()
    own = {
        "file_hosts": file_hosts,
        "insecure_hosts": tuple(settings.get("trusted-host", "").split()),
        "certificates": Path(certificates) if certificates else None,
        "constraints": Path(constraints[0]) if constraints and "://" not in constraints[0] else None,
    }
    if url is not None:
        return PackageIndex(url, **own)  # type: ignore[arg-type]
    has_index = settings.get("no-index", "").lower() not in ("1", "true", "yes", "on")
    return PackageIndex(
        _address(settings.get("index-url", STANDARD_INDEX)) if has_index else None,
        tuple(map(_address, settings.get("extra-index-url", "").split())) if has_index else (),
        tuple(map(_address, settings.get("find-links", "").split())),
        **own,  # type: ignore[arg-type]
    )


def read_certificates(index: PackageIndex) -> bytes | None:
    """Return the bundle of an index that has one of its own. Raises: OSError."""
    return _read(index.certificates, _CERTIFICATES_BYTES)


def read_constraints(index: PackageIndex) -> bytes | None:
    """Return the constraints that pip keeps to here. Raises: OSError."""
    return _read(index.constraints, _CONSTRAINTS_BYTES)


def _read(path: Path | None, most_bytes: int) -> bytes | None:
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(most_bytes)


def _address(word: str) -> str:
    """Return an absolute path, as pip also takes it, as a URL."""
    return word if "://" in word else Path(word).expanduser().absolute().as_uri()


def _target(url: str) -> Target:
    parts = urlsplit(url)
    try:
        host = parts.hostname or ""
        return Target(normal_host(f"[{host}]" if ":" in host else host), parts.port or _PORTS[parts.scheme])
    except (BadTarget, ValueError, KeyError) as error:
        raise BadIndex(f"{without_password(url)} is no address of a package index ({error}).") from error


def _folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o001)


def _with_files(folder: Path) -> Path:
    """Return what holds an index and the files that its pages link to: simple/ lies beside them."""
    return folder.parent if folder.name == "simple" and folder.parent != Path("/") else folder
