"""What a script finds when it runs: streams, input(), tracebacks, the end: plain Python's, and what we add."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import wire
from tests.sandbox.arena import Outcome

Run = Callable[..., Outcome]


def error_of(outcome: Outcome) -> dict[str, Any]:
    """Return the fields of the one ERROR record."""
    (payload,) = outcome.payloads(wire.ERROR)
    return dict(json.loads(payload))


# --- input and prompts


def test_echo_asks_and_answers(run: Run) -> None:
    outcome = run('name = input("Who? ")\nprint(f"Hello {name}")\n', stdin=("Ada",))
    assert outcome.stdout == "Hello Ada\n"
    assert outcome.kinds == [wire.READY, wire.PROMPT, wire.WAITING, wire.SOURCE, wire.EXIT]
    assert outcome.payloads(wire.PROMPT) == [b"Who? "]
    assert (outcome.status, outcome.exit_record) == (0, 0)


def test_no_waiting_when_a_line_is_there(run: Run) -> None:
    outcome = run("import time\ntime.sleep(0.2)\nprint(input())\nprint(input())\n", stdin="one\ntwo\n")
    assert outcome.stdout == "one\ntwo\n"
    assert wire.WAITING not in outcome.kinds


@pytest.mark.parametrize(
    "reading",
    [
        "for line in sys.stdin: print(line.strip()); break",
        "print(sys.stdin.readline().strip())",
        "print(sys.stdin.buffer.readline().decode().strip())",
        "print(sys.stdin.buffer.raw.read(100).decode().strip())",
        "import fileinput\nfor line in fileinput.input(): print(line.strip()); break",
        "import threading\nt = threading.Thread(target=lambda: print(input())); t.start(); t.join()",
        "import asyncio\nprint(asyncio.run(asyncio.to_thread(input)))",
        "import getpass\nprint(getpass.getpass())",
    ],
)
def test_every_way_to_read_a_line_says_that_it_waits(run: Run, reading: str) -> None:
    outcome = run(f"import sys\n{reading}\n", stdin=("hello",))
    assert outcome.stdout == "hello\n"
    assert outcome.kinds.count(wire.WAITING) == 1


def test_read_to_the_end_waits_and_ends(run: Run) -> None:
    assert run("import sys\nprint(sys.stdin.read().split())\n", stdin=("a", "b")).stdout == "['a', 'b']\n"


def test_end_of_input_is_an_eof_error(run: Run) -> None:
    outcome = run("try:\n    input()\nexcept EOFError:\n    print('over')\n")
    assert outcome.stdout == "over\n"


def test_carriage_returns_and_broken_text_stay_one_line(run: Run) -> None:
    outcome = run("print(ascii(input()))\n", stdin="a\rb\udcff\x0cc\n")
    assert outcome.stdout == ascii("a\rb�\x0cc") + "\n"


def test_input_behaves_as_the_builtin_when_streams_are_replaced(run: Run) -> None:
    outcome = run(
        """
import contextlib, io, sys
with contextlib.redirect_stdout(io.StringIO()) as out:
    answer = input("hidden? ")
print(answer, out.getvalue())
sys.stdin = io.StringIO("canned\\n")
print(input("shown? "))
""",
        stdin=("yes",),
    )
    assert outcome.stdout == "yes hidden? \nshown? canned\n"
    assert wire.PROMPT not in outcome.kinds


def test_two_threads_ask_one_after_the_other(run: Run) -> None:
    script = """
import threading
def ask(n):
    print(n, input(f"{n}? "))
threads = [threading.Thread(target=ask, args=(n,)) for n in range(3)]
for t in threads: t.start()
for t in threads: t.join()
"""
    outcome = run(script, stdin=("a", "b", "c"))
    assert sorted(line.split()[1] for line in outcome.stdout.splitlines()) == ["a", "b", "c"]
    kinds = [kind for kind in outcome.kinds if kind in (wire.PROMPT, wire.WAITING)]
    assert kinds == [wire.PROMPT, wire.WAITING] * 3


def test_a_prompt_may_be_long_and_of_any_characters(run: Run) -> None:
    outcome = run("input('ü\\ud800' * 3000)\n", stdin=("x",))
    assert b"".join(outcome.payloads(wire.PROMPT)) == ("ü" + "\\ud800").encode() * 3000


# --- output and its lines


def test_output_says_which_line_printed_it(run: Run) -> None:
    files = {"helper.py": "import logging, sys\ndef say(x):\n    print(x)\nlog = logging.getLogger()\n"}
    script = """import helper, json, sys, threading, os, subprocess
print("one")
helper.say("two")
helper.log.addHandler(helper.logging.StreamHandler(sys.stdout))
helper.log.warning("three")
json.dump({"four": 4}, sys.stdout)
t = threading.Thread(target=print, args=("library",)); t.start(); t.join()
t = threading.Thread(target=lambda: print("five")); t.start(); t.join()
sys.stdout.buffer.write(b"six\\n")
print("seven", file=sys.stdout, flush=True)
os.write(1, b"raw\\n")
subprocess.run(["echo", "child"])
print("error", file=sys.stderr)
"""
    outcome = run(script, files=files)
    lines = {text.strip(): (file, line) for text, file, line in outcome.sources()}
    assert lines["one"] == ("app.py", 2)
    assert lines["two"] == ("helper.py", 3)
    assert lines["three"] == ("app.py", 5)
    assert lines['"four"'] == ("app.py", 6)
    assert lines["five"] == ("app.py", 8)
    assert lines["six"] == ("app.py", 9)
    assert lines["seven"] == ("app.py", 10)
    assert not {"library", "raw", "child", "error"} & set(lines)
    assert "library\nfive\nsix\nseven\nraw\nchild\n" in outcome.stdout
    assert outcome.stderr == "error\n"


def test_one_print_is_one_announced_write(run: Run) -> None:
    outcome = run("print('a', 1, None, sep='-', end='!\\n')\n")
    assert outcome.stdout == "a-1-None!\n"
    assert outcome.sources() == [("a-1-None!\n", "app.py", 1)]


def test_announced_bytes_are_the_written_ones(run: Run) -> None:
    script = """
import threading
def say(n):
    for i in range(50):
        print(f"{n}:{i} " + "ü" * (n * 300))
threads = [threading.Thread(target=say, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
"""
    outcome = run(script)
    text, position = outcome.stdout.encode(), 0
    for payload in outcome.payloads(wire.SOURCE):
        size, _, excerpt = wire.SOURCE_HEAD.unpack_from(payload)
        beginning = payload[wire.SOURCE_HEAD.size :][:excerpt]
        assert text[position : position + excerpt] == beginning
        position += size
    assert position == len(text)


def test_output_comes_without_flush_before_a_crash(run: Run) -> None:
    outcome = run("print('shown', end='')\nimport os\nos.kill(os.getpid(), 11)\n")
    assert outcome.stdout == "shown"
    assert (outcome.status, outcome.exit_record) == (128 + 11, None)


def test_print_keeps_the_builtins_ways(run: Run) -> None:
    script = """
import io, sys
class Bad:
    def __str__(self): raise ValueError("no text")
try: print("before", Bad())
except ValueError as e: print(e)
for wrong in ({"sep": 1}, {"end": b""}, {"nothing": 1}):
    try: print(1, **wrong)
    except TypeError as e: print("TypeError")
out = io.StringIO(); print(1, 2, sep=None, end=None, file=out); print(repr(out.getvalue()))
print("\\ud800"); print(); print(*range(3), sep="")
"""
    assert run(script).stdout == "before no text\nTypeError\nTypeError\nTypeError\n'1 2\\n'\n\\ud800\n\n012\n"


def test_streams_can_be_wrapped_anew_and_used_by_number(run: Run) -> None:
    script = """
import io, os, sys
print(sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno(), sys.stdout.isatty(), sys.stdout.encoding)
with open("/dev/stdout", "w") as again: again.write("by name\\n")
os.set_blocking(1, False)
print("x" * 300_000)
os.set_blocking(1, True)
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="latin-1", line_buffering=True)
print("anew")
print("input", input())
with open("/dev/stdin") as again: print("by name", again.readline())
"""
    outcome = run(script, stdin="one\ntwo\n")
    assert outcome.stdout.startswith("0 1 2 False utf-8\nby name\nxxx")
    assert "\nanew\ninput one\n" in outcome.stdout


# --- the program it is


def test_script_is_the_main_module(run: Run) -> None:
    script = """
import dataclasses, multiprocessing, pickle, sys
@dataclasses.dataclass
class Point:
    x: int
def square(n): return n * n
if __name__ == "__main__":
    print(pickle.loads(pickle.dumps(Point(1))), __file__, sys.argv, sys.path[:3])
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(square, [1, 2, 3]))
    print(callable(exit), callable(quit), callable(help), __spec__, __annotations__, sys.dont_write_bytecode)
"""
    outcome = run(script, args=("one", "two"))
    path = "['/bot', '/opt/hal9/lib', '/opt/hal9/site']"
    assert outcome.stdout == (
        f"Point(x=1) /bot/app.py ['app.py', 'one', 'two'] {path}\n"
        "fork [1, 4, 9]\nspawn [1, 4, 9]\nforkserver [1, 4, 9]\nTrue True True None {} True\n"
    ), outcome.stderr


def test_neighbour_modules_come_first(run: Run) -> None:
    files = {"sandbox.py": "name = 'mine'\n", "wire.py": "name = 'my wire'\n", "runner.py": "name = 'my runner'\n"}
    outcome = run("import sandbox, wire, runner\nprint(sandbox.name, wire.name, runner.name)\n", files=files)
    assert outcome.stdout == "mine my wire my runner\n"
    assert set(outcome.entries) == {"app.py", *files}  # and no bytecode is left behind


def test_variables_of_the_bot_are_there_and_ours_are_not_replaced(run: Run) -> None:
    script = "import os\nprint(os.environ['TOKEN'], os.environ['HOME'], os.getcwd(), sorted(os.environ))\n"
    outcome = run(script, env={"TOKEN": "s3cret ü\n", "HOME": "/root"})
    assert outcome.stdout.startswith("s3cret ü\n /bot /bot [")


# --- ends


@pytest.mark.parametrize(
    ("ending", "status", "stderr"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit('sorry')", 1, "sorry\n"),
        ("exit(3)", 3, ""),
        ("raise SystemExit(2)", 2, ""),
        ("import threading, sys; threading.Thread(target=sys.exit, args=(9,)).start()", 0, ""),
    ],
)
def test_exit_status_is_the_scripts(run: Run, ending: str, status: int, stderr: str) -> None:
    outcome = run(ending + "\n")
    assert (outcome.status, outcome.exit_record, outcome.stderr) == (status, status, stderr)
    assert outcome.kinds[-1] == wire.EXIT
    assert wire.ERROR not in outcome.kinds


def test_os_exit_is_told_by_the_process_alone(run: Run) -> None:
    outcome = run("import os\nos._exit(5)\n")
    assert (outcome.status, outcome.exit_record) == (5, None)


def test_threads_handlers_and_files_are_finished_at_the_end(run: Run) -> None:
    script = """
import atexit, threading, time
class Late:
    def __del__(self): print("deleted")
class Cycle:
    def __init__(self): self.me, self.file = self, open("cycle.txt", "w")
keep, cycle = Late(), Cycle()
cycle.file.write("12345")
file = open("unclosed.txt", "w")
file.write("kept")
atexit.register(print, "atexit")
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
print("main")
"""
    outcome = run(script)
    assert outcome.stdout == "main\nthread\natexit\ndeleted\n"
    assert outcome.entries["unclosed.txt"][2] == 4
    assert outcome.entries["cycle.txt"][2] == 5
    assert outcome.kinds[-1] == wire.EXIT
    assert outcome.seconds < 20


def test_traceback_names_the_bots_own_files(run: Run) -> None:
    outcome = run("import helper\n\nhelper.divide(1)\n", files={"helper.py": "def divide(n):\n    return n / 0\n"})
    assert outcome.stderr == (
        "Traceback (most recent call last):\n"
        '  File "app.py", line 3, in <module>\n    helper.divide(1)\n'
        '  File "helper.py", line 2, in divide\n    return n / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )
    error = error_of(outcome)
    assert (error["type"], error["message"]) == ("ZeroDivisionError", "division by zero")
    assert (error["file"], error["line"]) == ("helper.py", 2)
    assert error["traceback"] == outcome.stderr
    assert (outcome.status, outcome.exit_record, outcome.kinds[-2:]) == (1, 1, [wire.ERROR, wire.EXIT])


@pytest.mark.parametrize(
    ("script", "kind", "place"),
    [
        ("x = 1\nif x\n", "SyntaxError", ("app.py", 2)),
        ("def f():\nreturn\n", "IndentationError", ("app.py", 2)),
        ("x = '\0'\n", "ValueError", (None, None)),
        ("import broken\n", "SyntaxError", ("broken.py", 1)),
        ("import json\njson.loads('{')\n", "json.decoder.JSONDecodeError", ("app.py", 2)),
        ("import nothing\n", "ModuleNotFoundError", ("app.py", 1)),
        ("input()\n", "EOFError", ("app.py", 1)),
        ("def f(): f()\nf()\n", "RecursionError", ("app.py", 1)),
        ("class Own(Exception): pass\nraise Own('ü')\n", "Own", ("app.py", 2)),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt", ("app.py", 1)),
        ("raise BaseExceptionGroup('g', [ValueError(1), KeyboardInterrupt()])\n", "BaseExceptionGroup", ("app.py", 1)),
        ("x = [0]\nwhile True: x += x\n", "MemoryError", ("app.py", 2)),
        ("class Bad(Exception):\n    def __str__(self): 1/0\nraise Bad\n", "Bad", ("app.py", 3)),
        ("import sys\nsys.stderr = None\nraise ValueError\n", "ValueError", ("app.py", 3)),
    ],
)
def test_uncaught_exception_is_reported_with_its_place(run: Run, script: str, kind: str, place: object) -> None:
    outcome = run(script, files={"broken.py": "import (\n"}, limits={"address_space_bytes": 1 << 30})
    error = error_of(outcome)
    assert error["type"] == kind
    assert (error["file"], error["line"]) == place
    assert "hal9_runtime" not in outcome.stderr + error["traceback"]
    assert outcome.exit_record == (130 if kind == "KeyboardInterrupt" else 1)


def test_causes_and_groups_are_told_without_our_frames(run: Run) -> None:
    script = """
def inner():
    try: input()
    except EOFError as e: raise RuntimeError("outer") from e
try:
    inner()
except RuntimeError as e:
    raise ExceptionGroup("many", [e, ValueError("b")])
"""
    outcome = run(script)
    assert "hal9_runtime" not in outcome.stderr
    assert "/bot/" not in outcome.stderr
    assert "The above exception was the direct cause" in outcome.stderr
    assert '  File "app.py", line 3, in inner' in outcome.stderr


def test_exception_in_a_thread_is_told_the_same_way(run: Run) -> None:
    outcome = run("import threading\ndef work():\n    1 / 0\nthreading.Thread(target=work, name='worker').start()\n")
    assert outcome.stderr.startswith("Exception in thread worker:\nTraceback (most recent call last):\n")
    assert '  File "app.py", line 3, in work\n' in outcome.stderr
    assert outcome.exit_record == 0


def test_own_excepthook_is_used_and_the_error_still_reported(run: Run) -> None:
    script = "import sys\nsys.excepthook = lambda t, e, tb: print('mine', t.__name__)\n1 / 0\n"
    outcome = run(script)
    assert outcome.stdout == "mine ZeroDivisionError\n"
    assert error_of(outcome)["line"] == 3


def test_huge_messages_stay_within_a_record(run: Run) -> None:
    outcome = run("raise ValueError('\\x01' * 10_000_000)\n")
    error = error_of(outcome)
    assert len(error["message"]) == 1000
    assert len(error["traceback"]) < 10_000


# --- what scripts do to the runner


def test_forked_children_print_but_do_not_end_the_run(run: Run) -> None:
    script = """
import os, threading
def noise():
    while True: print("", end="")
threading.Thread(target=noise, daemon=True).start()
for n in range(20):
    pid = os.fork()
    if pid == 0:
        print("child")
        if n == 0: raise ValueError
        break
    os.waitpid(pid, 0)
else:
    print("parent")
"""
    outcome = run(script)
    assert outcome.stdout == "child\n" * 20 + "parent\n"
    assert outcome.kinds.count(wire.EXIT) == 1
    assert wire.ERROR not in outcome.kinds
    assert outcome.exit_record == 0


def test_closing_all_descriptors_is_survived(run: Run) -> None:
    script = """
import os
os.closerange(3, 64)
own = [open(f"{n}.txt", "wb", buffering=0) for n in range(3)]
print("still here")
print(input("asks? "))
"""
    outcome = run(script, stdin="answer\n")
    assert outcome.stdout == "still here\nanswer\n"
    assert [outcome.entries[f"{n}.txt"][2] for n in range(3)] == [0, 0, 0]
    assert (outcome.status, outcome.exit_record) == (0, None)


def test_subprocesses_get_neither_control_pipe_nor_our_flags(run: Run) -> None:
    script = """
import subprocess, sys
code = "import os, openai, hal9, app2; print(sorted(os.listdir('/proc/self/fd'))[:3], app2.x)"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
"""
    outcome = run(script, files={"app2.py": "x = 5\n"})
    assert "['0', '1', '2'] 5" in outcome.stdout, outcome.stdout


def test_forged_records_are_only_records(run: Run) -> None:
    script = """
import os
os.write(3, bytes([6, 0, 0, 4, 0, 0, 0, 99]))
os.write(3, b"\\xff" * 5000)
print("on")
"""
    outcome = run(script)
    assert outcome.stdout == "on\n"
    assert outcome.status == 0


def test_interrupt_handlers_that_print_do_not_lock_up(run: Run) -> None:
    script = """
import signal, time
signal.signal(signal.SIGALRM, lambda *_: print("tick"))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
end = time.monotonic() + 0.5
while time.monotonic() < end: print("x" * 100)
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
"""
    outcome = run(script)
    assert outcome.stdout.endswith("done\n")
    assert "tick\n" in outcome.stdout


def test_signals_and_umask_of_the_server_do_not_reach_the_script(run: Run) -> None:
    script = """
import os, signal
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.pthread_sigmask(signal.SIG_BLOCK, []))
open("new", "w").close()
print(oct(os.stat("new").st_mode), open("/proc/self/oom_score_adj").read().strip())
"""
    assert run(script).stdout == "True set()\n0o100644 500\n"


def test_daemon_threads_do_not_see_their_globals_go(run: Run) -> None:
    script = """
import threading
name = "whole"
def work():
    while True:
        if name != "whole": print("broken", name)
for _ in range(3): threading.Thread(target=work, daemon=True).start()
threading.Thread(target=threading.Event().wait, daemon=True).start()
file = open("unclosed.txt", "w")
file.write("kept")
big = [object() for _ in range(300_000)]
"""
    outcome = run(script)
    assert (outcome.stdout, outcome.stderr) == ("", "")
    assert outcome.entries["unclosed.txt"][2] == 4
