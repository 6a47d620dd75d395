"""The door through which every run starts: only where the doctor has found all layers of the sandbox to hold.

Call `launch` from one thread that lives as long as its runs: the kernel sends the parent-death signal when the
*thread* that spawned bubblewrap ends (measured), and then the run dies.
"""

from . import doctor, spawn
from .command import Folders, RunSpec
from .host import Host
from .process import Process

__all__ = ["Folders", "Process", "RunSpec", "launch"]

_sound: set[Host] = set()


def launch(host: Host, spec: RunSpec, *, has_outlet: bool = False) -> Process:
    """Start a run. The first one on a host asks the doctor (see `doctor.require`; call that at start to know early).

    `has_outlet`: the run passes out a listener for its way to the network, over `Process.way`.

    Raises: SandboxUnavailable naming the layer that is missing, ValueError for a main or environment that cannot be,
    OSError when the machine has no process or descriptor left.
    """
    if host not in _sound:
        doctor.require(host)
        _sound.add(host)
    return spawn.start(host, spec, has_outlet=has_outlet)
