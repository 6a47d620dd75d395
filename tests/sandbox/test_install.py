"""What reads a stranger's archives is confined: each forbidden act fails there, its allowed neighbour works."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.install_failures import Ending
from tests.sandbox import install_scene
from tests.sandbox.arena import Arena

Act = Callable[..., tuple[Ending, list[str]]]


@pytest.fixture
def act(ring: Arena) -> Act:
    """Run a script in uv's place."""

    def call(script: str, **options: Any) -> tuple[Ending, list[str]]:
        return ring.call(install_scene.ending, script, **options)

    return call


SHOW = """
import os
def show(function):
    try: print(function(), flush=True)
    except Exception as error: print(type(error).__name__, getattr(error, "code", error.args[:1]), flush=True)
"""


def said(ending: Ending) -> list[str]:
    return ending.log.splitlines()


def test_it_is_nobody_and_alone(act: Act) -> None:
    ending, _ = act(SHOW + "print(os.getuid(), len([n for n in os.listdir('/proc') if n.isdigit()]))")
    assert (ending.status, said(ending)) == (0, ["1000 2"])


def test_it_writes_its_folder_and_nothing_else(act: Act) -> None:
    paths = "'/usr/x', '/opt/uv/x', '/opt/hal9/lib/x', '/etc/x', '/x', '/tmp/x', '/work/x'"
    ending, _ = act(SHOW + f"for path in ({paths}): show(lambda: open(path, 'w').write('12'))")
    assert said(ending) == ["OSError (30,)"] * 6 + ["2"]


def test_it_sees_nothing_of_the_machine_or_of_bots(act: Act) -> None:
    paths = "'/var', '/root', '/home', '/bot', '/opt/hal9/site', '/opt/hal9/env', '/sys', '/usr/bin/python3'"
    ending, _ = act(SHOW + f"print([os.path.exists(path) for path in ({paths})])")
    assert said(ending) == [str([False] * 7 + [True])]


def test_its_environment_and_descriptors_are_ours(act: Act) -> None:
    script = "print(len(os.listdir('/proc/self/fd')), 'UV_DEFAULT_INDEX' in os.environ, 'VIRTUAL_ENV' in os.environ)"
    ending, _ = act(SHOW + script)
    assert said(ending) == ["4 True False"]  # the fourth descriptor is the listing's own


def test_it_reaches_the_index_only(act: Act) -> None:
    script = """
import urllib.request
def get(port): return urllib.request.urlopen(f'http://127.0.0.1:{port}/', timeout=10).status
show(lambda: get(PORT))
show(lambda: get(PORT + 1))
import socket
show(lambda: socket.create_connection(('127.0.0.1', PORT), 2))
show(lambda: socket.create_connection(('192.0.2.1', 443), 2))
"""
    ending, met = act(SHOW + script)
    refused, index, *direct = said(ending)
    assert refused == "HTTPError 403"  # by the policy
    assert index == "HTTPError 502"  # let through to the index, where nobody listens here
    assert direct == ["ConnectionRefusedError (111,)", "OSError (101,)"]
    assert met == []


def test_without_network_there_is_no_way_out(act: Act) -> None:
    ending, met = act(
        SHOW + "import socket\nshow(lambda: socket.create_connection(('127.0.0.1', 3128), 2))", has_network=False
    )
    assert said(ending) == ["ConnectionRefusedError (111,)"]
    assert met == []


def test_size_and_number_of_its_files_are_capped(act: Act) -> None:
    script = """
def fill():
    with open('/work/big', 'wb') as file:
        for _ in range(9): file.write(bytes(1 << 20)); file.flush()
def many():
    for number in range(200): open(f'/work/{number}', 'w').close()
show(lambda: (fill(), 'filled'))
os.unlink('/work/big')
show(lambda: (many(), 'made'))
"""
    ending, _ = act(SHOW + script, limits={"environment_bytes": 8 << 20})
    assert said(ending) == ["OSError (28,)", "OSError (28,)"]


def test_it_is_ended_when_its_time_is_up(act: Act) -> None:
    ending, _ = act(
        "import time, os\nos.fork()\nprint('on', flush=True)\ntime.sleep(60)", limits={"install_seconds": 1.0}
    )
    assert ending.killed_for == "time"
    assert "on" in ending.log


def test_it_is_ended_when_it_takes_too_much_memory(act: Act) -> None:
    ending, _ = act("import time\nkept = bytes(b'1') * (200 << 20)\ntime.sleep(60)", limits={"memory_bytes": 100 << 20})
    assert ending.killed_for == "memory"


def test_its_processes_are_counted(act: Act) -> None:
    script = """
import os, threading, time
try:
    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError:
    print(threading.active_count() <= 20, flush=True)
os._exit(3)
"""
    ending, _ = act(script, limits={"processes": 20})
    assert (ending.status, said(ending)) == (3, ["True"])
