"""The sandbox from the command line.

python -m sandbox run FILE.py [ARGUMENTS]    run a script, with this terminal as its chat
python -m sandbox doctor                     say which layers of the sandbox hold here; exit status 1 if not all do
python -m sandbox install [--runtime-only]   install what scripts can import; without packages if they are not here
"""

import os
import subprocess
import sys
from pathlib import Path

from . import cgroup_place, doctor, runtime, terminal
from .host import SandboxUnavailable, state_folder

_UNAVAILABLE_STATUS = 3


def main(words: list[str]) -> int:
    """Carry out one command and return its exit status."""
    if len(words) >= 2 and words[0] == "run":
        return terminal.run(Path(words[1]), tuple(words[2:]))
    if words == ["doctor"]:
        return _doctor()
    if words and words[0] == "install" and set(words[1:]) <= {"--runtime-only"}:
        return _install(runtime_only=len(words) > 1)
    print(__doc__, file=sys.stderr)
    return 2


def _doctor() -> int:
    report = doctor.check_machine()
    for layer in report.layers:
        print(f"{'held   ' if layer.held else 'MISSING'}  {layer.name:<18} {layer.sentence}")
        if not layer.held:
            print(f"         {'':<18} {layer.fix}")
    bounds = cgroup_place.find()
    print(f"{'bounded' if bounds.groups else 'sampled'}  {'whole runs':<18} {bounds.sentence}")
    if bounds.fix:
        print(f"         {'':<18} {bounds.fix}")
    print(f"\nThe sandbox is {report.level} here: {len(report.missing)} of {len(report.layers)} layers are missing.")
    return 0 if report.level == "strong" else 1


def _install(*, runtime_only: bool) -> int:
    state = state_folder()
    if not runtime_only:
        os.umask(0o022)
        runtime.install_site(state)
        runtime.install_tools(state)
    print(runtime.ensure(state))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SandboxUnavailable as missing:
        print(f"{missing.sentence}\n{missing.fix}", file=sys.stderr)
    except (runtime.NotInstalled, subprocess.CalledProcessError, OSError) as error:
        print(error, file=sys.stderr)
    sys.exit(_UNAVAILABLE_STATUS)
