"""What survives: a supervisor killed in mid-reply, a server stopped and started, a reader that went away."""

import json
import random
import signal
from functools import partial

from tests.supervisor.conftest import MakeDesk
from tests.supervisor.desk import Desk, Reader, text_of

SLOW = (
    "import time\nwhile True:\n    word = input()\n    for n in range(1000):\n"
    "        print(word, n)\n        time.sleep(0.01)\n"
)


def test_killed_in_mid_reply_the_turn_is_lost_and_what_was_shown_is_kept(make_desk: MakeDesk) -> None:
    desk = make_desk()
    reader = desk.open(SLOW)
    reader.until("waiting")
    reader.post("w")
    reader.wait(lambda: "w 20\n" in text_of(reader.frames), "twenty lines")
    queued = reader.post("never taken")
    reader.wait(lambda: queued in reader.answers, "the second accepted")
    desk.stop(signal.SIGKILL)
    reader.close()
    shown = list(reader.raw)
    desk.start()
    again = desk.follow(reader.chat)
    again.wait(lambda: again.kinds().count("end") == 2, "two ends")
    assert again.raw[: len(shown)] == shown
    ends = [frame["reason"] for frame in again.frames if frame["kind"] == "end"]
    assert ends == ["lost", "lost"]
    seqs = [frame["seq"] for frame in again.frames]
    assert seqs == sorted(set(seqs))
    assert [turn.ended for turn in desk.turns(reader.chat)] == ["replied", "lost", "lost"]
    assert again.hello["state"] == "ended"
    desk.set_files(reader.chat, "print('fine', input())\n")
    assert desk.call("restart", chat=reader.chat)["ok"]
    again.until("waiting", 2)
    assert text_of(again.say("now")) == "fine now\n"


def test_a_repeat_after_a_restart_is_accepted_and_has_no_second_effect(make_desk: MakeDesk) -> None:
    desk = make_desk()
    reader = desk.open("open('.storage/.count', 'a').write('x')\nprint(input(), len(open('.storage/.count').read()))\n")
    reader.until("waiting")
    message = reader.post("once")
    reader.until("end")
    desk.stop(signal.SIGKILL)
    reader.close()
    desk.start()
    again = desk.follow(reader.chat, after=reader.frames[-1]["seq"])
    again.post("once", message)
    again.wait(lambda: again.answers.get(message, {}).get("kind") == "accepted", "accepted again")
    answer = again.say("twice")
    assert text_of(answer).startswith("twice")
    assert [turn.input for turn in desk.turns(reader.chat)] == [None, "once", "twice"]


def test_memory_survives_an_orderly_restart_of_a_waiting_script(make_desk: MakeDesk) -> None:
    desk = make_desk()
    script = (
        "import json, os\nwords = json.load(open('words.json')) if os.path.exists('words.json') else []\n"
        "while True:\n    words.append(input())\n    json.dump(words, open('words.json', 'w'))\n"
        "    print(' '.join(words))\n"
    )
    reader = desk.open(script)
    reader.until("waiting")
    reader.say("one")
    desk.stop()
    reader.close()
    desk.start()
    again = desk.follow(reader.chat)
    again.until("end")
    assert again.frames[-1]["reason"] == "idle"
    assert text_of(again.say("two")) == "one two\n"


def _has(reader: Reader, count: int) -> bool:
    return len(reader.raw) >= count or "end" in reader.kinds()


def test_a_reader_that_comes_back_misses_and_repeats_nothing(desk: Desk) -> None:
    script = "import time\ninput()\nfor n in range(400):\n    print(n, '😀' * 50)\n    time.sleep(0.002)\n"
    reader = desk.open(script)
    reader.until("waiting")
    reader.post("go")
    rng = random.Random(1)
    pieces: list[bytes] = []
    after = reader.frames[-1]["seq"]
    for _ in range(12):
        part = desk.follow(reader.chat, after)
        part.wait(partial(_has, part, rng.randint(1, 30)), "some frames")
        part.close()
        pieces += part.raw
        after = part.frames[-1]["seq"]
        if part.kinds()[-1] == "end":
            break
    else:
        last = desk.follow(reader.chat, after)
        last.until("end")
        pieces += last.raw
    reader.until("end")
    whole = [raw for raw, frame in zip(reader.raw, reader.frames, strict=True) if frame["seq"] > 2]
    assert pieces == whole
    assert text_of(reader.frames) == "".join(f"{n} {'😀' * 50}\n" for n in range(400))


def test_a_long_reply_keeps_head_and_tail_with_a_gap(make_desk: MakeDesk) -> None:
    desk = make_desk(output_kept_bytes=200_000)
    reader = desk.open("input()\nfor n in range(20_000):\n    print(f'{n:06d}', 'x' * 90)\n")
    reader.until("waiting")
    reader.post("go")
    reader.until("end")
    assert text_of(reader.frames).count("\n") == 20_000, "a live reader that keeps up sees all"
    late = desk.follow(reader.chat)
    late.until("end")
    gaps = [frame for frame in late.frames if frame["kind"] == "gap"]
    assert len(gaps) == 1
    text = text_of(late.frames)
    assert text.startswith("000000 ") and text.rstrip().endswith("x") and "019999" in text
    missing = set(range(gaps[0]["from"], gaps[0]["to"] + 1))
    assert missing.isdisjoint({frame["seq"] for frame in late.frames if frame["kind"] != "gap"})
    assert sum(len(raw) for raw in late.raw) < 600_000


def test_frames_are_small_and_numbered_once_for_everybody(desk: Desk) -> None:
    reader = desk.open("print('😀\"\\\\' * 30_000)\nprint('é' * 100_000)\n")
    other = desk.follow(reader.chat)
    reader.until("end")
    other.until("end")
    assert reader.raw == other.raw
    assert max(map(len, reader.raw)) <= 8_000
    assert text_of(reader.frames) == '😀"\\' * 30_000 + "\n" + "é" * 100_000 + "\n"


def test_a_slow_reader_delays_nobody(desk: Desk) -> None:
    chat = desk.chat("input()\nfor n in range(3_000):\n    print('x' * 1_000)\n")
    desk.call("open", chat=chat, address=None)
    connection = desk.connect()
    connection.sendall(_packed({"op": "attach", "chat": chat, "role": "author"}))
    connection.sendall(_packed({"op": "resume", "after": 0}))
    reader = desk.follow(chat)
    reader.until("waiting")
    reader.post("go")
    reader.until("end")
    assert len(text_of(reader.frames)) == 3_000 * 1_001
    connection.close()


def _packed(fields: dict[str, object]) -> bytes:
    data = json.dumps(fields).encode()
    return len(data).to_bytes(4, "big") + data


def test_deleting_a_chat_ends_its_run_and_lets_readers_go(desk: Desk) -> None:
    reader = desk.open("input()\n")
    reader.until("waiting")
    assert desk.call("close", chat=reader.chat)["ok"]
    reader._thread.join(5)
    assert not reader._thread.is_alive()
    assert isinstance(reader, Reader)
