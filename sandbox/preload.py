"""Modules that a zygote imports ahead, so that its children need not; and the scripts for which that would show.

A script must find what it would find in an interpreter of its own. Where a file of the bot has the name of a module
that is already there, or one of its variables was looked at by an import, it gets a new interpreter instead.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable

_AT_START = ("LD_", "LC_", "MALLOC_", "GLIBC_", "OPENSSL_", "TZ")
"""Beginnings of variables that a program looks at when it starts, or libraries when they are loaded."""

ours: set[str] = set()
"""Top-level names of the modules that are here beyond those that every run has before its script."""
looked_at: set[str] = set()
"""Variables that importing them asked for."""


def import_ahead(names: Iterable[str], before: set[str]) -> None:
    """Import what is installed of `names`. `before`: what is loaded in a run that starts without a zygote.

    Raises: whatever an import raises but its own absence; the process is then of no use, half of it is loaded.
    """
    with _Recorded():
        for name in names:
            if importlib.util.find_spec(name) is not None:
                importlib.import_module(name)
    ours.update({name.partition(".")[0] for name in set(sys.modules) - before} - before)


def shows(script: str, variables: Iterable[str]) -> bool:
    """Say whether the script, a path below /bot, could notice what is loaded. `variables`: names the bot brings."""
    if any(name in looked_at or name.startswith(_AT_START) for name in variables):
        return True
    folders = {"/bot", os.path.dirname(f"/bot/{script}")}
    return any(name.partition(".")[0] in ours for folder in folders for name in _names(folder))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the runner will tell that the script is not there
        return []


class _Recorded:
    """While it lasts, note every variable of the environment that somebody asks for."""

    def __enter__(self) -> None:
        kind = type(os.environ)
        self._get = kind.__getitem__

        def get(environ: "os._Environ[str]", name: str) -> str:
            looked_at.add(name)
            return self._get(environ, name)

        kind.__getitem__ = get  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        type(os.environ).__getitem__ = self._get  # type: ignore[method-assign]
