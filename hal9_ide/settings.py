"""Settings, read once from the environment. This module and `errors` alone know the names of the variables."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from hal9_ide import parsing, secret_key
from hal9_ide.errors import SettingsError
from sandbox.limits import Limits

PREFIX = "HAL9_IDE_"
SOCKET_PATH_BYTES = 100
"""AF_UNIX paths end at 108 bytes (unix(7)); some room is left for temporary names."""


def _about(parse: Callable[[str], Any], unit: str, sentence: str) -> dict[str, Any]:
    return {"parse": parse, "unit": unit, "sentence": sentence}


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable as docs/settings.md lists it."""

    name: str
    unit: str
    default: str
    sentence: str


@dataclass(frozen=True)
class Settings:
    """All settings of one server. Sizes are bytes, times are seconds unless the name says otherwise."""

    host: str = field(default="127.0.0.1", metadata=_about(str, "address", "The address to listen on."))
    port: int = field(default=8000, metadata=_about(parsing.port, "number", "The port to listen on."))
    data_dir: Path = field(
        default=Path("data"),
        metadata=_about(Path, "path", "The folder of the database and the files; made with mode 0700."),
    )
    public_url: str | None = field(
        default=None,
        metadata=_about(
            parsing.origin,
            "URL",
            "Where people reach this server, such as https://bots.example.org: links and origins come from it.",
        ),
    )
    content_url: str | None = field(
        default=None,
        metadata=_about(
            parsing.origin, "URL", "A second host name of this server that serves files made by bots and nothing else."
        ),
    )
    database_url: str | None = field(
        default=None,
        metadata=_about(
            parsing.database, "URL", "The database, sqlite:///path; empty means hal9.sqlite3 in the data folder."
        ),
    )
    secret_key: bytes = field(
        default=b"",
        repr=False,
        metadata=_about(
            str.encode,
            "text",
            "The key that seals what is secret; empty means a file beside the data folder, made at the first start.",
        ),
    )
    secret_key_file: Path | None = field(
        default=None, metadata=_about(Path, "path", "A file that holds the secret key.")
    )
    web_workers: int = field(
        default=1, metadata=_about(parsing.positive, "processes", "How many web processes serve pages and sockets.")
    )
    guests: str = field(
        default="on",
        metadata=_about(parsing.one_of("on", "off"), "on or off", "Whether people may write bots without signing in."),
    )
    signup: str = field(
        default="open",
        metadata=_about(
            parsing.one_of("open", "closed"), "open or closed", "Whether a guest may take a name and so become a user."
        ),
    )
    fetch_allow: tuple[str, ...] = field(
        default=(),
        metadata=_about(parsing.words, "host:port list", "Addresses let through the egress guard, for tests."),
    )
    proxy_hops: int = field(
        default=0,
        metadata=_about(
            parsing.whole,
            "proxies",
            "How many trusted proxies stand before this server: whose word on address and scheme counts.",
        ),
    )
    bots_per_user: int = field(
        default=50, metadata=_about(parsing.positive, "bots", "How many bots one user may have.")
    )
    user_bytes: int = field(
        default=256 << 20,
        metadata=_about(parsing.positive, "bytes", "What the files of one user's bots may take together."),
    )
    upload_bytes: int = field(
        default=32 << 20, metadata=_about(parsing.positive, "bytes", "The largest upload, and the largest bot.")
    )
    upload_files: int = field(
        default=1000, metadata=_about(parsing.positive, "files", "How many files a bot may have.")
    )
    chats_per_visitor: int = field(
        default=50, metadata=_about(parsing.positive, "chats", "How many chats one visitor may have with a bot.")
    )
    tokens_per_user: int = field(
        default=50, metadata=_about(parsing.positive, "tokens", "How many tokens one user may have.")
    )
    network: str = field(
        default="public",
        metadata=_about(
            parsing.one_of("off", "public"), "off or public", "Whom a bot may reach whose author chose nothing."
        ),
    )
    guests_network: str = field(
        default="off",
        metadata=_about(parsing.one_of("on", "off"), "on or off", "Whether bots of guests may use the network at all."),
    )
    runs: int = field(
        default=0,
        metadata=_about(parsing.whole, "runs", "How many scripts may run at once; 0: as many as the memory holds."),
    )
    pool_size: int = field(
        default=4,
        metadata=_about(parsing.whole, "sandboxes", "How many sandboxes are kept ready for the next run; 0: none."),
    )
    runs_per_user: int = field(
        default=8, metadata=_about(parsing.positive, "runs", "How many of one author's drafts may run at once.")
    )
    runs_per_visitor: int = field(
        default=3, metadata=_about(parsing.positive, "runs", "How many chats of one visitor may run at once.")
    )
    runs_per_bot: int = field(
        default=100, metadata=_about(parsing.positive, "runs", "How many chats of one bot may run at once.")
    )
    new_chats_per_minute: int = field(
        default=30, metadata=_about(parsing.positive, "chats", "How many new chats one address may begin in a minute.")
    )
    new_guests_per_minute: int = field(
        default=30,
        metadata=_about(
            parsing.positive, "guests", "How many new guests one address may make in a minute, per web process."
        ),
    )
    packages: str = field(
        default="on",
        metadata=_about(
            parsing.one_of("on", "off"), "on or off", "Whether the packages in a bot's requirements.txt are installed."
        ),
    )
    package_index: str | None = field(
        default=None,
        metadata=_about(
            parsing.index, "URL", "The package index; empty means as pip is configured on this machine, else PyPI."
        ),
    )
    package_hosts: tuple[str, ...] = field(
        default=(),
        metadata=_about(parsing.words, "hosts", "Further hosts from which the index lets files be fetched."),
    )
    environment_bytes: int = field(
        default=1 << 30, metadata=_about(parsing.positive, "bytes", "What the packages of one bot may take.")
    )
    environment_files: int = field(
        default=60_000, metadata=_about(parsing.positive, "files", "How many files they may be.")
    )
    environments_bytes: int = field(
        default=8 << 30, metadata=_about(parsing.positive, "bytes", "What all installed packages may take together.")
    )
    environment_days: int = field(
        default=30, metadata=_about(parsing.positive, "days", "How long packages stay that no bot uses.")
    )
    install_seconds: int = field(
        default=300, metadata=_about(parsing.positive, "seconds", "How long an installation may take.")
    )
    free_disk_bytes: int = field(
        default=512 << 20,
        metadata=_about(
            parsing.whole, "bytes", "With less free disk than this, new chats, uploads and deploys are refused."
        ),
    )
    session_days: int = field(
        default=90, metadata=_about(parsing.positive, "days", "How long a browser stays signed in without a visit.")
    )
    login_link_minutes: int = field(
        default=15, metadata=_about(parsing.positive, "minutes", "How long a one-time login link is good for.")
    )
    limits: Limits = field(default_factory=Limits)

    @property
    def database(self) -> str:
        """The database as an SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hal9.sqlite3'}"

    @property
    def blobs_dir(self) -> Path:
        """Where file contents are stored under their hash."""
        return self.data_dir / "blobs"

    @property
    def supervisor_socket(self) -> Path:
        """The supervisor's socket; in /tmp when the data folder's path is too long for a socket address."""
        path = self.data_dir / "run" / "supervisor.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
            return path
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(f"/tmp/hal9-ide-{os.getuid()}-{digest}/s.sock")  # noqa: S108  a 0700 folder that we own

    @property
    def link_base(self) -> str:
        """What links begin with: the public URL, else the first configured origin."""
        return self.origins[0]

    @property
    def content_base(self) -> str:
        """What the addresses of files made by bots begin with; "" means relative to the page."""
        return self.content_url or ""

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that pages of ours have. Without a public URL: every loopback spelling at our port."""
        if self.public_url:
            return (self.public_url,)
        names = ("127.0.0.1", "localhost", "[::1]")
        return tuple(origin for name in names if (origin := parsing.normal_origin(f"http://{name}:{self.port}")))


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process. Raises SettingsError naming the first variable with a wrong value."""
    values = {f.name: _value(environ, f.name, f.metadata["parse"]) for f in fields(Settings) if f.metadata}
    given = {name: value for name, value in values.items() if value is not MISSING}
    data_dir = Path(given.get("data_dir", Path("data"))).expanduser().absolute()
    given |= {"data_dir": data_dir, "limits": _limits(environ)}
    given["secret_key"] = _secret_key(given.get("secret_key", b""), given.get("secret_key_file"), data_dir)
    return Settings(**given)


def known_variables() -> frozenset[str]:
    """Return the names of all variables that are settings."""
    names = [f.name for f in (*fields(Settings), *fields(Limits)) if f.name != "limits"]
    return frozenset(PREFIX + name.upper() for name in names)


def _value(environ: Mapping[str, str], name: str, parse: Callable[[str], Any]) -> Any:
    variable = PREFIX + name.upper()
    text = environ.get(variable, "").strip()
    if not text:
        return MISSING
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{variable}: {error} (it is {text[:80]!r})") from None


def _limits(environ: Mapping[str, str]) -> Limits:
    values = {f.name: _value(environ, f.name, _limit_parser(f.default)) for f in fields(Limits)}
    return Limits(**{name: value for name, value in values.items() if value is not MISSING})


def _limit_parser(default: object) -> Callable[[str], Any]:
    def parse(text: str) -> float:
        number = float(text) if isinstance(default, float) else int(text)
        if not 0 < number < float("inf"):
            raise ValueError("must be more than 0")
        return number

    return parse


def _secret_key(given: bytes, file: Path | None, data_dir: Path) -> bytes:
    """Return the key from its setting, its file, or the file beside the data folder, which is made when absent."""
    if given:
        return given
    path = file or secret_key.beside(data_dir)
    try:
        key = secret_key.read_key(path)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{PREFIX}SECRET_KEY_FILE: {error}") from None
    if key is None and file:
        raise SettingsError(f"{PREFIX}SECRET_KEY_FILE: there is no file {file}")
    return key or secret_key.make_key(path)


LIMITS: dict[str, tuple[str, str]] = {
    "memory_bytes": ("bytes", "Resident memory of a run, all its processes together."),
    "address_space_bytes": ("bytes", "Address space of one process: a backstop."),
    "processes": ("processes", "Processes and threads of a run together."),
    "open_files": ("files", "Files that one process may have open."),
    "file_bytes": ("bytes", "The largest file that a run can write."),
    "cpu_turn_seconds": ("seconds", "Processor time of all processes of a run during one turn."),
    "cpu_life_seconds": ("seconds", "Processor time of one process during its life: a backstop."),
    "turn_seconds": ("seconds", "How long a turn may take."),
    "idle_seconds": ("seconds", "How long a run waits for a message before it ends."),
    "folder_bytes": ("bytes", "What each folder of a bot may hold."),
    "folder_files": ("files", "How many files and folders each folder of a bot may hold."),
    "scratch_bytes": ("bytes", "What /tmp and /dev/shm may hold together."),
    "scratch_files": ("files", "How many files /tmp and /dev/shm may hold together."),
    "check_seconds": ("seconds", "A start check that has run this long has passed."),
    "output_full_speed_bytes": ("bytes", "Output of a turn at full speed; more is slowed down."),
    "output_paced_bytes_per_second": ("bytes per second", "How fast output goes on after that."),
    "output_max_bytes": ("bytes", "Output of a turn after which it ends."),
    "output_kept_bytes": ("bytes", "What is kept of a turn's output: so much of its beginning and so much of its end."),
    "queue_messages": ("messages", "Messages that may wait for a busy script."),
    "queue_bytes": ("bytes", "Text that may wait for a busy script."),
    "volumes_bytes": ("bytes", "All folders of running bots together."),
}
"""Unit and sentence of each limit; a test says which is missing."""


def catalogue() -> list[Entry]:
    """Return every setting for the documentation: those of the server, then one per limit of a run."""
    server = [
        _entry(f.name, f.default, f.metadata["unit"], f.metadata["sentence"]) for f in fields(Settings) if f.metadata
    ]
    return server + [_entry(f.name, f.default, *LIMITS[f.name]) for f in fields(Limits)]


def _entry(name: str, default: object, unit: str, sentence: str) -> Entry:
    return Entry(PREFIX + name.upper(), unit, "" if default in (None, b"", ()) else str(default), sentence)
