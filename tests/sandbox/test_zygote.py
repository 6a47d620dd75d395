"""Children of a zygote: confined before they are given anything, and like an interpreter of their own for a script."""

from typing import Any

import pytest

from tests.sandbox import pool_scenes
from tests.sandbox.arena import Arena

SEEN = """
import os, sys
print(sys.flags, sys.argv, sys.executable, sys.path, os.getcwd(), sorted(os.environ.items()), os.cpu_count())
print(sys.dont_write_bytecode, sys.getrecursionlimit(), sys.stdin.encoding, sorted(os.listdir('/')))
def depth(n=0):
    global deepest
    deepest = n
    depth(n + 1)
try: depth()
except RecursionError: print(deepest)
"""


@pytest.fixture(scope="module")
def statuses(ring: Arena) -> dict[str, list[dict[str, str]]]:
    """What the kernel says of the two processes of a child."""
    return ring.call(pool_scenes.rights)


def test_script_finds_what_it_would_find_in_an_interpreter_of_its_own(ring: Arena) -> None:
    options: dict[str, Any] = {"env": {"TOKEN": "s3cret ü\n", "HOME": "/root"}, "args": ("one", "two")}
    cold = ring.call(pool_scenes.cold_print, SEEN, **options)
    assert ring.call(pool_scenes.prints, [(SEEN, options)]) == [cold]


def test_imports_made_ahead_are_there(ring: Arena) -> None:
    script = "import sys\nloaded = 'openai' in sys.modules\nimport openai\nprint(loaded, openai.OpenAI is not None)\n"
    assert ring.call(pool_scenes.prints, [(script, {})]) == ["True True\n"]


@pytest.mark.parametrize(
    ("files", "env", "script"),
    [
        ({"random.py": "mine = 1\n"}, {}, "import random; print(random.mine)"),
        ({"json/__init__.py": "mine = 1\n"}, {}, "import json; print(json.mine)"),
        ({"openai.py": "mine = 1\n"}, {}, "import openai; print(openai.mine)"),
        ({}, {"OPENAI_API_VERSION": "1"}, "import openai; print(openai.api_version)"),
        ({}, {"TZ": "Asia/Tokyo"}, "import time; print(time.localtime(0).tm_hour - 8)"),
        ({}, {"LC_ALL": "C"}, "import locale; print(int(locale.setlocale(locale.LC_CTYPE) != ''))"),
    ],
)
def test_what_is_loaded_ahead_never_shows(ring: Arena, files: dict[str, str], env: dict[str, str], script: str) -> None:
    (printed,) = ring.call(pool_scenes.prints, [(script + "\n", {"files": files, "env": env})])
    assert printed == "1\n"


def test_common_names_and_variables_do_not_cost_the_head_start(ring: Arena) -> None:
    script = "import sys\nprint('openai' in sys.modules)\n"
    options = {"files": {"helper.py": "", "data/x.txt": ""}, "env": {"OPENAI_API_KEY": "k", "TOKEN": "t"}}
    assert ring.call(pool_scenes.prints, [(script, options)]) == ["True\n"]


def test_two_children_have_random_numbers_of_their_own(ring: Arena) -> None:
    script = "import random, ssl, os, uuid, tempfile\n" + (
        "print(random.random(), ssl.RAND_bytes(8).hex(), os.urandom(8).hex(), sep='|', end='|')\n"
        "print(uuid.uuid4(), tempfile.mktemp(), sep='|')\n"
    )
    one, two, three = ring.call(pool_scenes.prints, [(script, {})] * 3)
    for column in zip(one.split("|"), two.split("|"), three.split("|"), strict=True):
        assert len(set(column)) == 3, column


def test_idle_child_can_no_longer_gain_rights(statuses: dict[str, list[dict[str, str]]]) -> None:
    init, main = statuses["idle"]
    assert (init["NoNewPrivs"], int(init["CapBnd"], 16), int(init["CapInh"], 16)) == ("1", 0, 0)
    assert (main["NoNewPrivs"], main["Seccomp"]) == ("1", "2")
    assert not any(int(value, 16) for name, value in main.items() if name.startswith("Cap"))


def test_both_processes_have_no_rights_once_the_script_runs(statuses: dict[str, list[dict[str, str]]]) -> None:
    assert len(statuses["running"]) == 2
    for status in statuses["running"]:
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        assert not any(int(value, 16) for name, value in status.items() if name.startswith("Cap"))
        assert "0" not in status["Uid"].split() + status["Gid"].split()


def test_child_without_whole_confinement_is_never_used(ring: Arena) -> None:
    refused = ring.call(pool_scenes.refusals)
    assert "seccomp" in refused["filter"]
    assert "Invalid argument" in refused["no filter"]
    assert "uid" in refused["root"]
    assert "namespaces" in refused["nothing to compare with"]
    assert "accepted" not in refused.values()


def test_doctors_probe_finds_every_layer_in_a_child(ring: Arena) -> None:
    assert ring.call(pool_scenes.layers) == {}


def test_run_passes_the_socket_for_its_proxy(ring: Arena) -> None:
    assert ring.call(pool_scenes.listener) == b"CONNECT"


def test_end_is_told_apart(ring: Arena) -> None:
    assert ring.call(pool_scenes.ends) == [(5, False), (137, False), (137, False), (137, False)]
