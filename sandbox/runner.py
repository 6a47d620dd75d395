"""Run a script inside the sandbox: check the confinement, set the limits, be `python app.py` for it, report its end.

Standard library only and few imports: every one is paid at every start. Words of the command line: the script
(relative to /bot), settings as name=value, `--`, then the script's own arguments.
"""

import _signal
import _thread
import atexit
import gc
import os
import resource
import sys
from types import CodeType, ModuleType

from . import stdio, wire

UNCONFINED_STATUS = 97
"""Exit status when a layer of the sandbox is missing: nothing of the script has run, READY was never sent."""

_SITE_PATH = ["/opt/hal9/lib", "/opt/hal9/site"]
_RUNTIME_FOLDER = os.path.dirname(__file__)


def main() -> None:
    """Be the program: everything from the settings on the command line to the exit status."""
    settings, arguments = _parse(sys.argv[2:])
    script = sys.argv[1]
    missing = missing_layer(settings)
    if missing is not None:
        os.write(2, f"The sandbox is not whole here, so nothing was run: {missing}.\n".encode())
        os._exit(UNCONFINED_STATUS)
    os.dup2(int(settings["control"]), wire.CONTROL_FD, inheritable=False)
    if settings["control"] != str(wire.CONTROL_FD):
        os.close(int(settings["control"]))
    control = stdio.Control(wire.CONTROL_FD)
    set_limits(settings)
    _like_a_fresh_process()
    stdio.install(control)
    _Run(control, script, arguments, compile_all=settings["compile_all"] == "1").start()


def _parse(words: list[str]) -> tuple[dict[str, str], list[str]]:
    end = words.index("--")
    return dict(word.split("=", 1) for word in words[:end]), words[end + 1 :]


def missing_layer(settings: dict[str, str]) -> str | None:
    """Return what confinement lacks, as seen from inside, or None. Takes some 0.2 ms; fails closed on any error."""
    try:
        return _missing(settings)
    except OSError as error:
        return f"the confinement cannot be read ({error})"


def _missing(settings: dict[str, str]) -> str | None:
    status = _status()
    if os.getuid() == 0 or os.stat("/usr").st_uid == os.getuid():  # /usr is root's: seen as ours, we are root out there
        return "uid: it is root's"
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if status[name].strip("0"):
            return f"capabilities: {name} is {status[name]}"
    if status["NoNewPrivs"] != "1":
        return "no_new_privs: programs could gain rights"
    if status["Seccomp"] != "2":
        return "seccomp: there is no system call filter"
    for word, outside in settings.items():
        name = word.removeprefix("ns.")
        if name != word and os.readlink(f"/proc/self/ns/{name}") == outside:
            return f"{name} namespace: shared with the machine"
    if os.getppid() != 1:
        return "pid namespace: its init is not our parent"
    if os.access("/", os.W_OK) or os.access("/dev", os.W_OK):
        return "read-only root: it can be written"
    inherited = set(os.listdir("/proc/self/fd")) - {"0", "1", "2", settings["control"]}
    if len(inherited) > 1:  # one is the directory being listed
        return "descriptors: the server's reach in here"
    return None


def _status() -> dict[str, str]:
    fd = os.open("/proc/self/status", os.O_RDONLY)
    text = os.read(fd, 8192).decode("ascii", "replace")
    os.close(fd)
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def set_limits(settings: dict[str, str]) -> None:
    """Set the kernel's limits, soft and hard. In here, since processes are counted per user *namespace* only then."""
    limits = {
        resource.RLIMIT_NPROC: int(settings["processes"]) + 1,  # the namespace's init is counted too
        resource.RLIMIT_NOFILE: int(settings["open_files"]),
        resource.RLIMIT_AS: int(settings["address_space"]),
        resource.RLIMIT_FSIZE: int(settings["file"]),
        resource.RLIMIT_CPU: int(settings["cpu"]),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 256,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def _like_a_fresh_process() -> None:
    """Undo what a server process may pass on: its mask, ignored interrupts, blocked signals. Offer us to the OOM killer."""
    os.umask(0o022)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, b"500")
        os.close(fd)
    except OSError:
        pass


class _Run:
    """One run of the script, up to its exit status."""

    def __init__(self, control: stdio.Control, script: str, arguments: list[str], *, compile_all: bool) -> None:
        self._compile_all = compile_all
        self._control = control
        self._path = stdio.BOT + script
        self._status = 0
        sys.argv = [script, *arguments]
        sys.path[:] = _search_path(self._path)
        sys.dont_write_bytecode = True
        _add_site_builtins()

    def start(self) -> None:
        """Run the script, then end the process: threads joined, atexit, files flushed, EXIT sent."""
        os.register_at_fork(after_in_child=self._forked)
        _thread._excepthook = self._thread_failed  # threading takes it from there when a script imports it
        atexit.register(self._finish)  # first in, so last out: after everything that the script registers
        main_module = _main_module(self._path)
        self._control.send(*wire.records(wire.READY))
        try:
            if self._compile_all:
                for path in _python_files():
                    _compiled(path)
            exec(_compiled(self._path), main_module.__dict__)
        except SystemExit as error:
            self._status = _exit_status(error)
        except BaseException as error:
            self._status = 130 if isinstance(error, KeyboardInterrupt) else 1
            self._report(error)
        sys.exit(self._status)

    def _report(self, error: BaseException) -> None:
        try:
            from . import crash

            crash.report(self._control, error)
        except BaseException as failure:  # no memory or descriptors left, or a script that broke the standard library
            os.write(2, f"{type(error).__name__} (no traceback: {type(failure).__name__})\n".encode())

    def _thread_failed(self, args: object, /) -> None:
        from . import crash

        crash.report_thread(args)  # type: ignore[arg-type]

    def _forked(self) -> None:
        self._control.in_fork = True

    def _finish(self) -> None:
        """Do what the interpreter's end would do for the script, tell its status, and leave at once."""
        _clear_modules()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass
        if not self._control.in_fork:
            self._control.send(*wire.records(wire.EXIT, self._status.to_bytes(4, "big", signed=True)))
        os._exit(self._status)


def _search_path(path: str) -> list[str]:
    folder = os.path.dirname(path)
    own = [folder, "/bot"] if folder != "/bot" else ["/bot"]
    return [*own, *_SITE_PATH, *(entry for entry in sys.path if entry not in _SITE_PATH)]


def _add_site_builtins() -> None:
    """Provide what the module `site` would: it is not imported (-S), which saves a third of the start."""
    import builtins
    from _sitebuiltins import Quitter, _Helper

    builtins.exit = Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.help = _Helper()


def _main_module(path: str) -> ModuleType:
    from _frozen_importlib_external import SourceFileLoader  # type: ignore[import-not-found]

    module = ModuleType("__main__")
    module.__dict__.update(
        __file__=path,
        __cached__=None,
        __builtins__=sys.modules["builtins"],
        __loader__=SourceFileLoader("__main__", path),
        __annotations__={},
    )
    sys.modules["__main__"] = module
    return module


def _python_files() -> list[str]:
    """Return the bot's own Python files, main included."""
    found = []
    for folder, folders, names in os.walk(stdio.BOT):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(folder, name) for name in names if name.endswith(".py")]
    return sorted(found)


def _compiled(path: str) -> CodeType:
    with open(path, "rb") as file:
        source = file.read()
    return compile(source, path, "exec", dont_inherit=True)


def _exit_status(error: SystemExit) -> int:
    """Return what a shell would see after `sys.exit(code)`."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _clear_modules() -> None:
    """Drop the globals of the bot's own modules, as Py_FinalizeEx does: open files are flushed, `__del__` runs."""
    own = [m for m in list(sys.modules.values()) if str(getattr(m, "__file__", None)).startswith(stdio.BOT)]
    for module in own:
        names = module.__dict__
        for name in [n for n in names if n[:1] == "_" and n[:2] != "__"]:
            names[name] = None
        for name in [n for n in names if n[:2] != "__"]:
            names[name] = None
    gc.collect()
