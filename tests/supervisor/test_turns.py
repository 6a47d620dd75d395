"""How a script becomes a chat: opening, messages, queue, sealing, end reasons."""

import time
from pathlib import Path

import pytest

from tests.live import eventually
from tests.supervisor.desk import Desk, text_of

ECHO = 'echo = input()\nprint(f"Echo: {echo}")\n'
COUNTER = "n = 0\nwhile True:\n    input()\n    n += 1\n    print(n)\n"


def test_echo_opens_waiting_and_answers_each_message(desk: Desk) -> None:
    reader = desk.open(ECHO)
    reader.until("waiting")
    assert reader.kinds() == ["start", "waiting"]
    first = reader.say("hi")
    assert [frame["kind"] for frame in first] == ["input", "output", "end"]
    assert text_of(first) == "Echo: hi\n"
    assert first[-1]["reason"] == "exited" and first[-1]["exit_status"] == 0
    second = reader.say("again")
    assert [frame["kind"] for frame in second] == ["input", "start", "output", "end"]
    assert text_of(second) == "Echo: again\n"


def test_seq_grows_over_runs_and_every_frame_has_one(desk: Desk) -> None:
    reader = desk.open(ECHO)
    reader.until("waiting")
    reader.say("a")
    reader.say("b")
    seqs = [frame["seq"] for frame in reader.frames]
    assert seqs == sorted(set(seqs)) and seqs[0] == 1


def test_stateful_script_keeps_its_memory(desk: Desk) -> None:
    reader = desk.open(COUNTER)
    reader.until("waiting")
    assert [text_of(reader.say(word)) for word in "abc"] == ["1\n", "2\n", "3\n"]
    assert reader.kinds().count("start") == 1


def test_script_without_input_runs_and_a_message_runs_it_again(desk: Desk) -> None:
    reader = desk.open("print('hello')")
    reader.until("end")
    assert text_of(reader.frames) == "hello\n"
    again = reader.say("anything")
    assert text_of(again) == "hello\n"
    assert again[-1]["reason"] == "exited"


def test_numbers_appear_one_by_one(desk: Desk) -> None:
    reader = desk.open("import time\nfor i in range(1, 4):\n    print(i)\n    time.sleep(0.4)\n")
    reader.until("output")
    started = time.monotonic()
    reader.until("end")
    outputs = [frame["text"] for frame in reader.frames if frame["kind"] == "output"]
    assert outputs == ["1\n", "2\n", "3\n"]
    assert time.monotonic() - started > 0.6


def test_prompt_is_a_frame_of_its_own_before_waiting(desk: Desk) -> None:
    reader = desk.open('print("Hi.")\nname = input("Your name? ")\nprint("Hello", name)\n')
    reader.until("waiting")
    assert reader.kinds() == ["start", "output", "prompt", "waiting"]
    assert reader.frames[2]["text"] == "Your name? "


def test_a_restarted_script_does_not_greet_again(desk: Desk) -> None:
    reader = desk.open('print("Hi.")\nname = input("Your name? ")\nprint("Hello", name)\n')
    reader.until("waiting")
    assert text_of(reader.say("Ann")) == "Hello Ann\n"
    second = reader.say("Bob")
    assert [frame["kind"] for frame in second] == ["input", "start", "output", "end"]
    assert text_of(second) == "Hello Bob\n"


def test_a_changed_greeting_is_shown_whole(desk: Desk) -> None:
    script = (
        "import os\nprint('Visit', len(os.listdir('.storage')))\nopen('.storage/.' + os.urandom(4).hex(), 'w')\n"
        "word = input('? ')\nprint(word)\n"
    )
    reader = desk.open(script)
    reader.until("waiting")
    reader.say("a")
    second = reader.say("b")
    assert text_of(second) == "Visit 1\nb\n"
    assert text_of(second, "prompt") == "? "


def test_run_shows_a_divider_and_the_opening_in_full(desk: Desk) -> None:
    reader = desk.open('print("Hi.")\ninput("? ")\n')
    reader.until("waiting")
    reader.act("restart")
    frames = reader.until("waiting", 2)
    assert [frame["kind"] for frame in frames[4:]] == ["end", "start", "output", "prompt", "waiting"]
    assert frames[4]["reason"] == "stopped"
    assert frames[5]["by"] == "restart"


def test_messages_queue_and_run_in_order(desk: Desk) -> None:
    reader = desk.open("import time\nwhile True:\n    word = input()\n    time.sleep(0.05)\n    print(word)\n")
    reader.until("waiting")
    for number in range(5):
        reader.post(str(number))
    reader.wait(lambda: text_of(reader.frames) == "0\n1\n2\n3\n4\n", "all five answers")
    reader.until("waiting", 2)
    assert reader.kinds().count("waiting") == 2


def test_queue_full_is_refused_and_the_id_may_be_sent_again(desk: Desk) -> None:
    reader = desk.open("import time\ninput()\ntime.sleep(60)\n")
    reader.until("waiting")
    taken = reader.post("first")
    reader.wait(lambda: taken in reader.answers and "input" in reader.kinds(), "the first message taken")
    ids = [reader.post(str(number)) for number in range(9)]
    reader.wait(lambda: all(message in reader.answers for message in ids), "nine answers")
    assert [reader.answers[message]["kind"] for message in ids] == ["accepted"] * 8 + ["refused"]
    assert reader.answers[ids[8]]["code"] == "queue_full"
    reader.act("stop")
    reader.wait(lambda: reader.kinds().count("end") == 9, "the run and eight queued messages ended")
    assert {f["reason"] for f in reader.frames if f["kind"] == "end"} == {"stopped"}
    again = reader.post("later", ids[8])
    reader.wait(lambda: reader.answers[again]["kind"] == "accepted", "the refused id accepted")
    reader.act("stop")


def test_a_repeated_id_is_accepted_and_has_no_second_effect(desk: Desk) -> None:
    reader = desk.open(COUNTER)
    reader.until("waiting")
    message = reader.post("once")
    reader.wait(lambda: message in reader.answers, "accepted")
    reader.answers.clear()
    reader.post("once", message)
    reader.wait(lambda: message in reader.answers, "accepted again")
    reader.say("other")
    assert text_of(reader.frames) == "1\n2\n"


def test_newlines_arrive_as_form_feeds(desk: Desk) -> None:
    reader = desk.open("print(repr(input()))")
    reader.until("waiting")
    assert text_of(reader.say("a\nb")) == "'a\\x0cb'\n"


def test_a_long_message_is_split_and_arrives_whole(desk: Desk) -> None:
    reader = desk.open("print(len(input()))")
    reader.until("waiting")
    frames = reader.say("😀" * 15_000)
    pieces = [frame for frame in frames if frame["kind"] == "input"]
    assert len(pieces) > 5 and all(piece.get("more") for piece in pieces[:-1]) and "more" not in pieces[-1]
    assert "".join(piece["text"] for piece in pieces) == "😀" * 15_000
    assert text_of(frames) == "15000\n"


def test_crash_tells_the_author_the_line_and_the_visitor_nothing(desk: Desk) -> None:
    reader = desk.open("input()\nundefined_name\n")
    reader.until("waiting")
    visitor = desk.follow(reader.chat, role="visitor")
    end = reader.say("x")[-1]
    assert end["reason"] == "crashed" and end["exit_status"] == 1
    assert (end["error"]["type"], end["error"]["file"], end["error"]["line"]) == ("NameError", "app.py", 2)
    assert 'File "app.py", line 2' in end["error"]["traceback"]
    assert "NameError" in text_of(reader.frames, "console")
    visitor.until("end")
    assert "error" not in visitor.frames[-1] and "console" not in visitor.kinds()
    assert b"NameError" not in b"".join(visitor.raw)


def test_sys_exit_with_a_status_is_no_crash(desk: Desk) -> None:
    reader = desk.open("import sys\nprint('bye')\nsys.exit(3)\n")
    end = reader.until("end")[-1]
    assert (end["reason"], end["exit_status"]) == ("exited", 3)


def test_a_signal_is_a_crash(desk: Desk) -> None:
    reader = desk.open("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    end = reader.until("end")[-1]
    assert (end["reason"], end["exit_status"]) == ("crashed", None)


def test_stop_ends_the_whole_tree(desk: Desk) -> None:
    script = (
        "import subprocess, time\nsubprocess.Popen(['sleep', '4321'], start_new_session=True)\n"
        "print('started', flush=True)\ntime.sleep(600)\n"
    )
    reader = desk.open(script)
    reader.until("output")
    reader.act("stop")
    end = reader.until("end")[-1]
    assert end["reason"] == "stopped"
    assert not _somebody_runs("sleep\x004321")


def test_stop_while_the_script_is_being_started_is_not_forgotten(desk: Desk) -> None:
    reader = desk.open("import time\nprint('on')\ntime.sleep(600)\n")
    reader.until("start")
    reader.act("stop")
    assert reader.until("end")[-1]["reason"] == "stopped"


def _somebody_runs(command: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command in path.read_text():
                return True
        except OSError:
            continue
    return False


def test_output_knows_its_line_through_a_library_and_not_for_a_child(desk: Desk) -> None:
    files = {
        "app.py": (
            "import subprocess, pprint\nimport helper\nprint('one')\n"
            "subprocess.run(['echo', 'from a child'])\nhelper.say()\npprint.pprint({'k': 1})\n"
        ),
        "helper.py": "def say():\n    print('helper')\n",
    }
    reader = desk.open(files)
    frames = reader.until("end")
    found = []
    for frame in frames:
        if frame["kind"] == "output":
            bounds = [entry[0] for entry in frame["src"]] + [len(frame["text"])]
            for (start, file, line), stop in zip(frame["src"], bounds[1:], strict=True):
                found.append((frame["text"][start:stop], file, line))
    joined: dict[tuple[str | None, int | None], str] = {}
    for text, file, line in found:
        joined[(file, line)] = joined.get((file, line), "") + text
    assert joined == {
        ("app.py", 3): "one\n",
        (None, None): "from a child\n",
        ("helper.py", 2): "helper\n",
        ("app.py", 6): "{'k': 1}\n",
    }


def test_stderr_goes_to_the_console(desk: Desk) -> None:
    reader = desk.open("import sys\nprint('note', file=sys.stderr)\nprint('reply')\n")
    frames = reader.until("end")
    assert text_of(frames) == "reply\n"
    assert text_of(frames, "console") == "note\n"


def test_what_is_printed_between_answer_and_next_message_belongs_to_the_turn(desk: Desk) -> None:
    script = (
        "import threading, time\ndef tick():\n    time.sleep(0.3)\n    print('tick')\n"
        "while True:\n    word = input()\n    threading.Thread(target=tick, daemon=True).start()\n    print(word)\n"
    )
    reader = desk.open(script)
    reader.until("waiting")
    reader.say("a")
    reader.wait(lambda: "tick" in text_of(reader.frames), "the late line")
    reader.say("b")
    eventually(lambda: desk.turns(reader.chat)[1].ended == "replied", what="a sealed turn")
    assert desk.turns(reader.chat)[1].reply == "a\ntick\n"


def test_welcome_is_shown_instead_and_the_script_starts_with_the_first_message(desk: Desk) -> None:
    script = "print('Hi from the script')\nprint('You said', input('? '))\n"
    files = {"app.py": script, "hal9.yaml": "welcome: Good day.\n"}
    reader = desk.open(files)
    reader.until("waiting")
    assert reader.kinds() == ["output", "waiting"]
    assert reader.frames[0]["text"] == "Good day." and not reader.frames[0].get("src")
    answer = reader.say("moon")
    assert [frame["kind"] for frame in answer] == ["input", "start", "output", "end"]
    assert text_of(answer) == "You said moon\n"


def test_opening_happens_once(desk: Desk) -> None:
    reader = desk.open(COUNTER)
    reader.until("waiting")
    assert desk.call("open", chat=reader.chat, address=None)["ok"]
    again = desk.follow(reader.chat)
    again.until("waiting")
    assert again.kinds() == ["start", "waiting"]


def test_an_unknown_chat_is_absent(desk: Desk) -> None:
    assert desk.call("open", chat="nobody", address=None)["code"] == "absent"
    assert desk.call("deliver", chat="nobody", id="1", text="x", uploads=[])["code"] == "absent"


def test_a_turn_on_record_says_all(desk: Desk) -> None:
    reader = desk.open("open('note.txt', 'w').write('x')\nword = input()\nprint(word)\n")
    reader.until("waiting")
    reader.say("hello")
    eventually(lambda: desk.turns(reader.chat)[-1].ended, what="a sealed turn")
    opening, turn = desk.turns(reader.chat)
    assert (opening.by, opening.message_id, opening.ended) == ("open", None, "replied")
    assert (turn.by, turn.input, turn.reply) == ("message", "hello", "hello\n")
    assert (turn.ended, turn.exit_status) == ("exited", 0)
    assert turn.folders["work"] and turn.milliseconds is not None and turn.milliseconds < 5_000
    assert opening.peak_memory_bytes and 2 << 20 < opening.peak_memory_bytes < 200 << 20


@pytest.mark.parametrize("word", ["\u2028", "\x85", "naïve 😀", " leading and trailing "])
def test_any_text_reaches_the_script_unchanged(desk: Desk, word: str) -> None:
    reader = desk.open("print(ascii(input()))")
    reader.until("waiting")
    assert text_of(reader.say(word)) == ascii(word) + "\n"


def test_a_bots_own_json_and_token_modules_do_not_hide_its_crash(desk: Desk) -> None:
    files = {
        "app.py": "import json, token\ninput()\n1 / 0\n",
        "json.py": "mine = 1\n",
        "token.py": "mine = 2\n",
        "traceback.py": "raise SystemExit\n",
    }
    reader = desk.open(files)
    reader.until("waiting")
    end = reader.say("x")[-1]
    assert (end["reason"], end["error"]["type"], end["error"]["line"]) == ("crashed", "ZeroDivisionError", 3)


def test_a_bot_without_its_main_file_gets_a_sentence(desk: Desk) -> None:
    reader = desk.open({"other.py": "print(1)\n"})
    end = reader.until("end")[-1]
    assert (end["reason"], end["exit_status"]) == ("exited", 1)
    assert text_of(reader.frames, "console") == "This bot has no file app.py, which should start it.\n"


@pytest.mark.parametrize("size", [70_000, 200_000])
def test_a_huge_prompt_is_shown_from_its_start_and_stops_nothing(desk: Desk, size: int) -> None:
    reader = desk.open(f"print('got', input('p' * {size}))\nfor n in range(20_000): print('x')\ninput('next? ')\n")
    reader.until("waiting")
    prompt = text_of(reader.frames, "prompt")
    assert 60_000 < len(prompt) <= 65_536 and set(prompt) == {"p"}
    assert text_of(reader.say("it"), "prompt") == "next? "


def test_forged_control_records_do_not_stop_the_script(desk: Desk) -> None:
    script = (
        "import os\ntry:\n    for n in range(3000): os.write(3, b'\\xff' * 4096)\nexcept OSError: pass\n"
        "print('still here')\nprint('you said', input())\n"
    )
    reader = desk.open(script)
    reader.until("waiting")
    assert text_of(reader.frames) == "still here\n"
    assert text_of(reader.say("hi")) == "you said hi\n"
