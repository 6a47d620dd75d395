"""Become a program that works on a stranger's data: confined like a run, with bounds of its own.

Runs inside the sandbox, in the runner's place. Words of the command line: settings as name=value, `--`, the program.
With `channel=FD` a listener for the proxy is opened and passed out first; without it the program has no way out.
"""

import os
import sys

from . import confined, listen

UNCONFINED_STATUS = 97
"""A layer of the sandbox is missing: the program was not started."""


def main() -> None:
    """Confine, and never return."""
    end = sys.argv.index("--")
    settings = dict(word.split("=", 1) for word in sys.argv[1:end])
    program = sys.argv[end + 1 :]
    try:
        if settings["channel"]:
            listen.hand_over(int(settings["channel"]))
        missing = confined.missing_layer({**settings, "control": "0"})
        if missing is not None:
            raise RuntimeError(f"The sandbox is not whole, so nothing was run. {missing}")
        confined.set_limits(settings)
        os.umask(0o022)
        os.chdir("/work")
        os.execv(program[0], program)  # noqa: S606
    except Exception as error:
        os.write(2, f"{error}\n".encode("utf-8", "replace"))
        os._exit(UNCONFINED_STATUS)
