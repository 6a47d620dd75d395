"""Run a script inside the sandbox: check the confinement, set the limits, be `python app.py` for it, report its end.

Standard library only and few imports: every one is paid at every start. Words of the command line: the script
(relative to /bot), settings as name=value, `--`, then the script's own arguments.
"""

import _frozen_importlib_external
import _signal  # type: ignore[import-not-found]
import _sitebuiltins
import _thread
import atexit
import builtins
import gc
import os
import sys
from _io import BufferedWriter, TextIOWrapper

from . import clients, confined, listen, stdio, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

UNCONFINED_STATUS = 97
"""Exit status when a layer of the sandbox is missing: nothing of the script has run, READY was never sent."""

_ENVIRONMENT = "/opt/hal9/env"
"""What the bot's requirements.txt asked for, where it asked; before all else, so that also `hal9` can be its own."""
_SITE_PATH = ["/opt/hal9/lib", "/opt/hal9/site"]

_at_the_end: "list[Callable[[], None]]" = []
_imported_ahead: frozenset[str] = frozenset()


def main() -> None:
    """Be the program: everything from the settings on the command line to the exit status."""
    end = sys.argv.index("--")
    script, arguments = sys.argv[1], sys.argv[end + 1 :]
    settings = dict(word.split("=", 1) for word in sys.argv[2:end])
    missing = confined.missing_layer(settings)
    if missing is not None:
        os.write(2, f"The sandbox is not whole, so nothing was run. {missing}\n".encode())
        os._exit(UNCONFINED_STATUS)
    if "outlet" in settings:
        listen.hand_over(int(settings["outlet"]))
    control = _control(int(settings["control"]))
    confined.set_limits(settings)
    _like_a_fresh_process()
    stdio.install(control)
    _Run(control, script, arguments).start(compile_all=settings["compile_all"] == "1")


def keep_the_end() -> None:
    """Be called last of all that is registered with atexit from now on. A zygote says so before it imports ahead."""
    if not _at_the_end:
        _at_the_end.append(lambda: None)
        atexit.register(_end)


def _end() -> None:
    _at_the_end[-1]()


def note_imported_ahead() -> None:
    """Take the modules that are here now as not the script's."""
    global _imported_ahead  # noqa: PLW0603 - one per process
    _imported_ahead = frozenset(sys.modules) - {"__main__"}


def _control(fd: int) -> stdio.Control:
    """Move the control pipe to its number, from which programs that the script starts do not inherit it."""
    if fd == wire.CONTROL_FD:
        os.set_inheritable(fd, False)
    else:
        os.dup2(fd, wire.CONTROL_FD, inheritable=False)
        os.close(fd)
    return stdio.Control(wire.CONTROL_FD)


def _like_a_fresh_process() -> None:
    """Undo what a server process may pass on: its umask, ignored interrupts, blocked signals."""
    os.umask(0o022)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    try:  # where memory runs out, the kernel should end a bot and not the server
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, b"500")
        os.close(fd)
    except OSError:
        pass


class _Run:
    """One run of the script, up to its exit status."""

    def __init__(self, control: stdio.Control, script: str, arguments: list[str]) -> None:
        self._control = control
        self._path = stdio.BOT + script
        self._status = 0
        sys.argv = [script, *arguments]
        sys.path[:] = _search_path(self._path)
        sys.dont_write_bytecode = True
        clients.install()
        # What the module `site` would do; it is not imported (-S), which saves a third of the start.
        builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
        builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
        builtins.help = _sitebuiltins._Helper()

    def start(self, *, compile_all: bool) -> None:
        """Run the script, then end the process: threads joined, atexit, files flushed, EXIT sent."""
        os.register_at_fork(after_in_child=self._forked)
        self._hook_threads()
        keep_the_end()  # first in, so last out: after everything that the script registers
        _at_the_end.append(self._finish)
        main_module = _main_module(self._path)
        self._control.send(*wire.records(wire.READY))
        try:
            if not os.path.exists(self._path):
                raise SystemExit(f"This bot has no file {self._path.removeprefix(stdio.BOT)}, which should start it.")
            if compile_all:
                _compile_all()
            exec(_compiled(self._path), main_module.__dict__)  # noqa: S102 - this is what we are for
        except SystemExit as error:
            self._status = _exit_status(error)
        except BaseException as error:
            self._status = 130 if isinstance(error, KeyboardInterrupt) else 1
            self._report(error)
        sys.exit(self._status)

    def _report(self, error: BaseException) -> None:
        try:
            _crash_module().report(self._control, error)
        except BaseException as failure:  # no memory or descriptors left, or a script that broke the standard library
            os.write(2, f"{type(error).__name__} (no traceback: {type(failure).__name__})\n".encode())

    def _thread_failed(self, args: "_thread._ExceptHookArgs", /) -> None:
        _crash_module().report_thread(args)

    def _hook_threads(self) -> None:
        _thread._excepthook = self._thread_failed  # threading takes it from there when a script imports it
        threading: Any = sys.modules.get("threading")
        if threading is not None:
            threading.excepthook = threading.__excepthook__ = self._thread_failed

    def _forked(self) -> None:
        self._control.in_fork = True

    def _finish(self) -> None:
        """Do what the interpreter's end would do for the script, tell its status, and leave at once."""
        _flush_files()
        if not _thread._count():  # daemon threads would see their globals go; Python freezes them first
            _clear_modules()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                continue
        if not self._control.in_fork:
            self._control.send(*wire.records(wire.EXIT, self._status.to_bytes(4, "big", signed=True)))
        os._exit(self._status)


def _crash_module() -> "ModuleType":
    """Import what tells of an exception; late, because its imports cost more than a whole start.

    A bot may have a json.py or a token.py of its own, imported or not: those are out of the way meanwhile.
    """
    path, own = sys.path[:], {name: module for name, module in sys.modules.items() if _is_own(module)}
    sys.path[:] = [entry for entry in path if not (entry + "/").startswith(stdio.BOT)]
    for name in own:
        del sys.modules[name]
    try:
        from . import crash  # noqa: PLC0415
    finally:
        sys.path[:] = path
        sys.modules.update(own)
    return crash


def _is_own(module: object) -> bool:
    return str(getattr(module, "__file__", None)).startswith(stdio.BOT)


def _search_path(path: str) -> list[str]:
    folder = os.path.dirname(path)
    own = [folder, "/bot"] if folder != "/bot" else ["/bot"]
    packages = [_ENVIRONMENT, *_SITE_PATH] if os.path.isdir(_ENVIRONMENT) else _SITE_PATH
    return [*own, *packages, *(entry for entry in sys.path if entry not in packages)]


def _main_module(path: str) -> "ModuleType":
    module = type(sys)("__main__")
    module.__dict__.update(
        __file__=path,
        __cached__=None,
        __builtins__=builtins,
        __loader__=_frozen_importlib_external.SourceFileLoader("__main__", path),
        __annotations__={},
    )
    sys.modules["__main__"] = module
    return module


def _compile_all() -> None:
    """Compile each of the bot's own Python files: the start check refuses a bot one of whose modules is broken."""
    for folder, folders, names in os.walk(stdio.BOT):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            if name.endswith(".py"):
                _compiled(os.path.join(folder, name))


def _compiled(path: str) -> "CodeType":
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


def _flush_files() -> None:
    """Flush every open file. The collector may close the lower layer of a file in a cycle before the upper one."""
    for thing in gc.get_objects():
        if isinstance(thing, (TextIOWrapper, BufferedWriter)):
            try:
                thing.flush()
            except (OSError, ValueError):
                continue


def _clear_modules() -> None:
    """Drop the globals of the bot's own modules, as Py_FinalizeEx does, so that `__del__` runs."""
    named = [(name, module) for name, module in sys.modules.items() if name not in _imported_ahead]
    own = [module for _, module in named if str(getattr(module, "__file__", None)).startswith(stdio.BOT)]
    for module in own:
        names = module.__dict__
        for name in [n for n in names if n[:1] == "_" and n[:2] != "__"]:
            names[name] = None
        for name in [n for n in names if n[:2] != "__"]:
            names[name] = None
    gc.collect()
