"""The sandbox from the command line: `python -m sandbox run FILE.py [ARGUMENTS]`."""

import sys
from pathlib import Path

from . import terminal
from .host import SandboxUnavailable


def main(words: list[str]) -> int:
    """Carry out one command and return its exit status."""
    if len(words) >= 2 and words[0] == "run":
        return terminal.run(Path(words[1]), tuple(words[2:]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SandboxUnavailable as missing:
        print(f"{missing.sentence}\n{missing.fix}", file=sys.stderr)
        sys.exit(3)
