"""The packages of a script in a terminal, from the requirements.txt beside it."""

import asyncio
import logging
import sys
from pathlib import Path

from .host import Host
from .volumes import Volumes

FILE, FILE_BYTES = "requirements.txt", 1 << 20


class NoPackages(Exception):
    """They could not be had; the text says why."""


def environment(host: Host, volumes: Volumes, folder: Path) -> Path | None:
    """Return the site that `folder` asks for, installing it where it is not yet; None: it asks for nothing.

    Raises: NoPackages.
    """
    path = folder / FILE
    if not path.is_file() or path.stat().st_size > FILE_BYTES:
        return None
    try:
        import structlog  # noqa: PLC0415

        from .install_failures import PackagesFailed  # noqa: PLC0415
        from .packages import Packages, PackageSettings  # noqa: PLC0415 - not every Python can
    except ImportError as missing:
        _tell(f"{FILE} is not looked at: {missing}. Run this with the project's .venv/bin/python.")
        return None

    # Standard output is the script's: what a server would log goes to standard error, where it is a failure of ours.
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet, logger_factory=structlog.PrintLoggerFactory(sys.stderr))

    async def found() -> Path | None:
        return await Packages(host, volumes, PackageSettings()).environment(path.read_bytes(), _tell)

    try:
        return asyncio.run(found())
    except PackagesFailed as problem:
        raise NoPackages(f"{problem.log}\n{problem}".strip()) from problem


def _tell(line: str) -> None:
    print(f"[{line}]", file=sys.stderr, flush=True)
