"""The process whose children become runs: one per set of packages, single-threaded, holding no secret.

Runs inside the sandbox as its init, with rights in a user namespace of its own and none outside. It imports ahead,
then forks on request: each request brings the socket on which the child will be spoken to (nursery.py), the answer
brings a descriptor of the child. It ends, and with it all its children, when the supervisor's end of its socket closes.
"""

import os
import sys

from . import confined, runner

before = set(sys.modules)
"""What a run without a zygote has loaded when its script begins."""

import ctypes  # noqa: E402, F401 - the order is the point
import gc  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402

from . import crash, nursery, preload  # noqa: E402, F401

_MESSAGE_BYTES = 64 * 1024
_REHEARSALS = 20
"""The interpreter rewrites code once it has run 8 times (PEP 659), and keeps what it learnt beside it: in the zygote,
that happens in memory which all children share."""
FAILED_STATUS = 98
"""Exit status when what was to be imported ahead cannot be: start another without it."""


def main() -> None:
    """Serve until there is nobody to serve. Returns only in a child that has got its script, as the runner needs it."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = nursery.Setup(**json.loads(control.recv(_MESSAGE_BYTES)))
    runner.keep_the_end()
    try:
        _prepare(setup)
    except Exception as error:
        os.write(2, f"The zygote cannot be: {type(error).__name__}: {error}\n".encode())
        os._exit(FAILED_STATUS)
    control.send(json.dumps({"modules": len(sys.modules), "looked_at": sorted(preload.looked_at)}).encode())
    _serve(control, setup)


def _prepare(setup: "nursery.Setup") -> None:
    sys.dont_write_bytecode = True
    sys.path.append("/opt/hal9/site")
    preload.import_ahead(setup.preimports, before)
    runner.note_imported_ahead()
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("an import has started a thread, which a fork would lose")
    for name, (_, hard) in ((n, resource.getrlimit(n)) for n in (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE)):
        resource.setrlimit(name, (hard, hard))  # children count against ours too, and set their own
    setup.namespaces = [setup.namespaces_outside, nursery.namespaces(setup)]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; the supervisor watches by pidfd
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        ssl.RAND_bytes(1)  # 1.6 MB that children then share; each renews the randomness itself (nursery.py)
    for _ in range(_REHEARSALS):
        _rehearse(setup)
    gc.collect()
    gc.freeze()  # collections in children then leave the pages of these objects shared


def _rehearse(setup: "nursery.Setup") -> None:
    """Run what children run on their way to a script, with nothing at stake."""
    confined.status()
    for namespaces in setup.namespaces:
        confined.missing_layer({"control": "0", **{f"ns.{name}": link for name, link in namespaces.items()}})
    told = json.loads(json.dumps({"argv": ["x"] * 30, "variables": dict(os.environ), "own": []}))
    preload.shows("app.py", told["own"])
    stream = io.TextIOWrapper(io.BufferedReader(io.FileIO("/dev/null")), "utf-8", "replace", "\n")
    stream.readline()
    exec(compile("def f():\n    return str(1)\nf()\n", "/bot/app.py", "exec"), {})  # noqa: S102


def _serve(control: socket.socket, setup: "nursery.Setup") -> None:
    while True:
        request, fds, _, _ = socket.recv_fds(control, 16, 1)
        if not request:
            os._exit(0)
        try:
            pid, pidfd = nursery.bear()
        except OSError as error:
            control.send(f"failed: {error}".encode())
            os.close(fds[0])
            continue
        if pid == 0:
            control.detach()
            nursery.grow_up(setup, fds[0])
            return
        socket.send_fds(control, [b"born"], [pidfd])
        os.close(pidfd)
        os.close(fds[0])
