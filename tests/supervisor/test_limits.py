"""Limits of a run, each with its end reason and its sentence for the author."""

import time
from pathlib import Path

import pytest

from tests.live import command_line, descendants
from tests.supervisor.conftest import MakeDesk
from tests.supervisor.desk import Desk, text_of

OFFENCES: dict[str, tuple[dict[str, float], str, str]] = {
    "out_of_memory": ({"memory_bytes": 80 << 20}, "x = bytearray(200 << 20)\nimport time\ntime.sleep(30)\n", "80 MB"),
    "timed_out cpu": ({"cpu_turn_seconds": 0.5}, "while True: pass\n", "0.5 s of processor time"),
    "timed_out wall": ({"turn_seconds": 0.5}, "import time\ntime.sleep(60)\n", "0.5 s in all"),
    "output_limit": ({"output_max_bytes": 4 << 20}, "while True: print('x' * 10_000)\n", "4 MB"),
    "idle": ({"idle_seconds": 0.5}, "input()\n", "next message starts it again"),
}


@pytest.mark.parametrize("name", OFFENCES)
def test_a_limit_ends_the_run_and_says_so(make_desk: MakeDesk, name: str) -> None:
    settings, script, sentence = OFFENCES[name]
    reader = make_desk(**settings).open(script)
    end = reader.until("end")[-1]
    assert end["reason"] == name.partition(" ")[0]
    assert sentence in text_of(reader.frames, "console")


def test_many_turns_of_little_cpu_are_no_offence(make_desk: MakeDesk) -> None:
    desk = make_desk(cpu_turn_seconds=0.4)
    script = (
        "import time\nwhile True:\n    input()\n    end = time.process_time() + 0.15\n"
        "    while time.process_time() < end: pass\n    print('ok')\n"
    )
    reader = desk.open(script)
    reader.until("waiting")
    for _ in range(6):
        assert text_of(reader.say("x")) == "ok\n"
    assert "end" not in reader.kinds()


def test_output_over_the_full_speed_share_is_paced_not_killed(make_desk: MakeDesk) -> None:
    desk = make_desk(output_full_speed_bytes=1 << 20, output_paced_bytes_per_second=1 << 20)
    reader = desk.open("for n in range(2 << 10): print('x' * 1023)\n")
    started = time.monotonic()
    end = reader.until("end")[-1]
    assert end["reason"] == "exited"
    assert len(text_of(reader.frames)) == 2 << 20
    assert 0.7 < time.monotonic() - started < 5


def test_places_are_bounded_and_the_longest_waiting_makes_room(make_desk: MakeDesk) -> None:
    desk = make_desk(runs_per_user=2)
    bots = []
    for _ in range(2):
        bots.append(desk.open("input()\nprint('ok')\n", owner="ann"))
        bots[-1].until("waiting")
    third = desk.open("input()\n", owner="ann")
    third.until("waiting")
    bots[0].until("end")
    assert bots[0].frames[-1]["reason"] == "idle"
    assert "end" not in bots[1].kinds()


def test_with_no_waiting_run_the_answer_is_busy(make_desk: MakeDesk) -> None:
    desk = make_desk(runs_per_user=1)
    first = desk.open("import time\nprint('on')\ntime.sleep(60)\n", owner="ann")
    first.until("output")
    chat = desk.chat("input()\n", owner="ann")
    answer = desk.call("open", chat=chat, address=None)
    assert (answer["ok"], answer["code"]) == (False, "busy") and answer["retry_after"] > 0
    other = desk.open("input()\n", owner="bob")
    other.until("waiting")
    first.act("stop")
    first.until("end")
    assert desk.call("open", chat=chat, address=None)["ok"]


def test_new_chats_of_one_address_are_counted(make_desk: MakeDesk) -> None:
    desk = make_desk(new_chats_per_minute=2)
    answers = [desk.call("open", chat=desk.chat("print(1)\n"), address="192.0.2.7") for _ in range(3)]
    assert [answer["ok"] for answer in answers] == [True, True, False]
    assert answers[2]["code"] == "too_many_chats"
    assert desk.call("open", chat=desk.chat("print(1)\n"), address="192.0.2.8")["ok"]


CHECKS = {
    "asks": ("input()\n", True, "asked"),
    "exits 0": ("print(1)\n", True, "exited"),
    "runs on": ("import time\ntime.sleep(60)\n", True, "running"),
    "crashes": ("print(1)\nboom\n", False, "failed"),
    "exits 2": ("raise SystemExit(2)\n", False, "failed"),
    "dies": ("import os\nos.kill(os.getpid(), 9)\n", False, "failed"),
}


@pytest.mark.parametrize("name", CHECKS)
def test_start_check(desk: Desk, name: str) -> None:
    script, passed, reason = CHECKS[name]
    answer = desk.call("check", manifest=desk.manifest({"app.py": script}))
    assert (answer["passed"], answer["reason"]) == (passed, reason), answer


def test_start_check_compiles_every_file(desk: Desk) -> None:
    files = {"app.py": "input()\n", "lib/helper.py": "x = 1\ndef broken(:\n"}
    answer = desk.call("check", manifest=desk.manifest(files))
    assert answer["passed"] is False
    assert (answer["error"]["file"], answer["error"]["line"]) == ("lib/helper.py", 2)
    missing = desk.call("check", manifest=desk.manifest({"other.py": ""}))
    assert missing["passed"] is False


def test_nothing_is_left_of_runs(make_desk: MakeDesk) -> None:
    desk = make_desk()
    readers = [desk.open("import subprocess\nsubprocess.Popen(['sleep', '777'])\ninput()\n") for _ in range(3)]
    for reader in readers:
        reader.until("waiting")
    pid = desk.pid
    for reader in readers:
        reader.act("stop")
        reader.until("end")
    left = [command_line(below) for below in descendants(pid)]
    assert not [command for command in left if "777" in command]
    mounts = Path(f"/proc/{pid}/mountinfo")
    readers[0].wait(lambda: "scratch" not in mounts.read_text(), "the scratch folders unmounted")


def test_shared_memory_that_no_page_table_shows_counts_too(make_desk: MakeDesk) -> None:
    script = "import mmap, time\nm = mmap.mmap(-1, 200 << 20)\nfor n in range(0, 200 << 20, 4096): m[n] = 1\n"
    hide = "m.madvise(mmap.MADV_DONTNEED)\ntime.sleep(30)\n"
    reader = make_desk(memory_bytes=80 << 20).open(script + hide)
    assert reader.until("end")[-1]["reason"] == "out_of_memory"
