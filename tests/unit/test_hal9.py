"""What the bots' package promises beyond a table: quick import, whole files under concurrent use, safe shared data."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.host import find_host

SANDBOX = Path(__file__).parents[2] / "sandbox"
SLOW_MODULES = {"typing", "json", "pickle", "re", "urllib.parse", "inspect", "shutil", "tempfile", "fcntl", "openai"}


def bot(code: str, folder: Path, *, typed: str = "") -> str:
    """Run a script as a bot would, return what it printed."""
    head = f"import sys; sys.path.insert(0, {str(SANDBOX)!r}); import hal9 as h9\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", head + code],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_slow(tmp_path: Path) -> None:
    loaded = bot("print(*sys.modules, sep='\\n')", tmp_path).splitlines()
    assert "hal9.memory" in loaded
    assert SLOW_MODULES.isdisjoint(loaded)


def test_the_published_names_are_there(tmp_path: Path) -> None:
    names = "load save input event extract is_url url_contents complete describe".split()
    code = f"from hal9 import *\nprint(all(callable(n) for n in [{', '.join(names)}]), h9.__version__)"
    assert bot(code, tmp_path) == "True 2.8.22+ide.1\n"


def test_memory_lasts_between_runs(tmp_path: Path) -> None:
    code = "words = h9.load('words', []); words.append(h9.input()); h9.save('words', words, hidden=True); print(words)"
    assert bot(code, tmp_path, typed="one\n") == "['one']\n"
    assert bot(code, tmp_path, typed="two\n") == "['one', 'two']\n"
    assert os.listdir(tmp_path / ".storage") == [".words.json"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Two writers and a reader share `.shared`: each load is one of the whole lists."""
    code = """
import os, time
end = time.monotonic() + 1.5
writers = []
for letter in "ab":
    pid = os.fork()
    if pid == 0:
        while time.monotonic() < end:
            h9.save("big", [letter] * 20000, access="shared")
        os._exit(0)
    writers.append(pid)
seen = set()
while time.monotonic() < end:
    value = h9.load("big", None, "shared")
    if value is not None:
        assert len(value) == 20000 and len(set(value)) == 1
        seen.add(value[0])
for pid in writers:
    assert os.waitpid(pid, 0)[1] == 0
print(sorted(seen))
"""
    assert bot(code, tmp_path) == "['a', 'b']\n"
    assert os.listdir(tmp_path / ".shared") == ["big.json"]


def test_a_value_that_changes_its_kind_is_never_missing(tmp_path: Path) -> None:
    code = """
import os, time
h9.save("x", [0])
end = time.monotonic() + 1
if os.fork() == 0:
    while time.monotonic() < end:
        h9.save("x", (1,)); h9.save("x", b"2"); h9.save("x", [3], hidden=True)
    os._exit(0)
kinds = set()
while time.monotonic() < end:
    kinds.add(str(h9.load("x", "missing")))
print("missing" in kinds, len(kinds) > 1)
"""
    assert bot(code, tmp_path) == "False True\n"


def test_two_that_save_different_kinds_do_not_lose_the_value(tmp_path: Path) -> None:
    code = """
import os, time
end = time.monotonic() + 1
children = []
for value in ([1], (2,), b"3"):
    pid = os.fork()
    if pid == 0:
        while time.monotonic() < end: h9.save("x", value)
        os._exit(0)
    children.append(pid)
print(all(os.waitpid(pid, 0)[1] == 0 for pid in children), h9.load("x", "lost") != "lost")
"""
    assert bot(code, tmp_path) == "True True\n"
    assert len(os.listdir(tmp_path / ".storage")) == 1


def test_a_lock_that_is_never_released_delays_but_does_not_stop(tmp_path: Path) -> None:
    code = """
import fcntl, os, time
os.mkdir(".shared")
fcntl.flock(os.open(".shared", os.O_RDONLY), fcntl.LOCK_EX)
start = time.monotonic()
h9.save("x", 1, access="shared")
print(h9.load("x", 0, "shared"), 1 < time.monotonic() - start < 10)
"""
    assert bot(code, tmp_path) == "1 True\n"


def test_events_of_threads_and_processes_are_all_kept(tmp_path: Path) -> None:
    code = """
import os, threading
children = []
for process in range(3):
    pid = os.fork()
    if pid == 0:
        threads = [threading.Thread(target=lambda: [h9.event("n", process) for _ in range(20)]) for _ in range(2)]
        [t.start() for t in threads]; [t.join() for t in threads]
        os._exit(0)
    children.append(pid)
[os.waitpid(pid, 0) for pid in children]
"""
    bot(code, tmp_path)
    events = json.loads((tmp_path / ".storage" / ".events").read_text())
    assert len(events) == 120
    assert sum(event["details"] for event in events) == 40 * (0 + 1 + 2)
    assert os.listdir(tmp_path / ".storage") == [".events"]


def test_a_failed_save_leaves_the_old_value_and_no_litter(tmp_path: Path) -> None:
    code = """
h9.save("x", [1])
for contents in ([object()], ):
    try: h9.save("x", contents)
    except TypeError: pass
try: h9.save("site", files={"a.txt": "a", "../b.txt": "b"})
except ValueError: pass
try: h9.save("site", files={"a.txt": ["list"]})
except TypeError as error: print(error)
print(h9.load("x"))
"""
    told, value = bot(code, tmp_path).splitlines()
    assert "list" in told
    assert ".txt" in told
    assert value == "[1]"
    assert os.listdir(tmp_path / ".storage") == ["x.json"]
    assert not (tmp_path / "b.txt").exists()


def test_a_folder_of_files_is_replaced_as_a_whole(tmp_path: Path) -> None:
    bot("h9.save('site', files={'index.html': 'old', 'gone.txt': ''})", tmp_path)
    bot("h9.save('site', files={'index.html': 'new', 'a/b.bin': b'1', 'data': {'k': 1}})", tmp_path)
    site = tmp_path / ".storage" / "site"
    found = {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert found == {"index.html": b"new", "a/b.bin": b"1", "data.json": b'{\n  "k": 1\n}'}
    assert os.listdir(tmp_path / ".storage") == ["site"]


def test_a_planted_shared_pickle_is_not_loaded(tmp_path: Path) -> None:
    planted = b"cos\nsystem\n(S'touch ran'\ntR."
    (tmp_path / ".shared").mkdir()
    (tmp_path / ".shared" / "x.pkl").write_bytes(planted)
    code = "try: h9.load('x', 0, 'shared')\nexcept TypeError as error: print(error)"
    assert "for everyone" in bot(code, tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/../../b", "/etc/x", "a\0b", "../x", "./.."])
def test_names_that_are_no_file_in_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    code = (
        f"for act in (lambda: h9.load({name!r}, 0), lambda: h9.save({name!r}, 1), "
        f"lambda: h9.save('d', files={{{name!r}: 'x'}})):\n"
        "    try: act()\n    except ValueError as error: print(error)"
    )
    assert bot(code, tmp_path).count("inside the bot's folder") == 3


def test_harmless_spellings_of_a_name_are_taken(tmp_path: Path) -> None:
    assert bot("h9.save('./a//b', 1); print(h9.load('a/b'))", tmp_path) == "1\n"


def test_an_image_is_saved_in_the_format_of_its_name(tmp_path: Path) -> None:
    """A stand-in with what is used of PIL.Image: mode, convert, save."""
    code = """
class Image:
    __module__ = "PIL.Image"
    def __init__(self, mode): self.mode = mode
    def convert(self, mode): return Image(mode)
    def save(self, file, format): file.write(f"{format} {self.mode}".encode())
h9.save("a", Image("RGBA")); h9.save("b.png", Image("RGBA"))
h9.save("c.jpeg", Image("L")); h9.save("d.webp", Image("P"))
print(h9.load("a.jpg"), h9.load("b.png"), h9.load("c.jpeg"), h9.load("d.webp"))
"""
    assert bot(code, tmp_path) == "b'JPEG RGB' b'PNG RGBA' b'JPEG L' b'WEBP P'\n"


def test_text_that_has_no_utf8_is_kept_in_json(tmp_path: Path) -> None:
    assert bot("h9.save('x', 'a\\ud800'); print(h9.load('x') == 'a\\ud800')", tmp_path) == "True\n"


def test_text_in_another_encoding_loads_as_bytes(tmp_path: Path) -> None:
    assert bot("h9.save('x.txt', 'ü', encoding='latin-1'); print(h9.load('x.txt'))", tmp_path) == "b'\\xfc'\n"


def test_input_passes_its_question_to_the_builtin(tmp_path: Path) -> None:
    """The builtin is what the sandbox watches: question and waiting are told by it."""
    code = "import builtins\nbuiltins.input = lambda question='': f'asked {question!r}'\nprint(h9.input('Who? '))"
    assert bot(code, tmp_path) == "asked 'Who? '\n"


def test_complete_reads_a_reply_as_json_and_answers_each_tool_call(tmp_path: Path) -> None:
    """The shape of one streamed reply with two calls, as plain JSON: pieces of arguments arrive by index."""
    code = """
def piece(index, **function):
    return {"index": index, "id": function.pop("id", None), "function": function}
def chunk(**delta): return {"choices": [{"delta": delta}]}
chunks = [
    {"choices": []},
    chunk(content="Let me see. "),
    chunk(tool_calls=[piece(0, id="a", name="add", arguments="")]),
    chunk(tool_calls=[piece(0, arguments='{"x": 1, '), piece(1, id="b", name="nothing", arguments="{}")]),
    chunk(tool_calls=[piece(0, arguments='"y": 2}')]),
]
def add(x, y): return x + y
messages = []
reply = h9.complete(chunks, messages, [add])
import json
print(json.dumps([reply, messages]))
"""
    shown, answer = bot(code, tmp_path).splitlines()
    reply, messages = json.loads(answer)
    assert shown == "Let me see. "
    assert reply == "Let me see. 3\nThere is no function nothing"
    assert [call["function"]["arguments"] for call in messages[0]["tool_calls"]] == ['{"x": 1, "y": 2}', "{}"]
    assert [(message["tool_call_id"], message["content"]) for message in messages[1:]] == [
        ("a", "3"),
        ("b", "There is no function nothing"),
    ]


def test_a_failing_tool_is_on_record_before_it_raises(tmp_path: Path) -> None:
    code = """
call = {"id": "a", "function": {"name": "fail", "arguments": "not JSON"}}
messages = []
try: h9.complete({"choices": [{"message": {"content": None, "tool_calls": [call]}}]}, messages, [print])
except RuntimeError as error: print("raised", error)
def fail(): raise ValueError("no luck")
call["function"]["arguments"] = ""
try: h9.complete({"choices": [{"message": {"content": None, "tool_calls": [call]}}]}, messages, [fail])
except RuntimeError as error: print("raised", error, messages[-1]["content"])
"""
    assert bot(code, tmp_path) == "raised no luck no luck\n"


def test_complete_takes_the_openai_package_s_own_objects(tmp_path: Path) -> None:
    """As it is installed for bots. Its class is a Stream by name only; what counts is that it yields chunks."""
    code = f"""
import sys; sys.path.append({str(find_host().runtime / "site")!r})
from openai.types.chat import ChatCompletion, ChatCompletionChunk
head = {{"id": "1", "created": 1, "model": "m"}}
chunk = ChatCompletionChunk.model_validate({{**head, "object": "chat.completion.chunk",
    "choices": [{{"index": 0, "delta": {{"content": "hi"}}, "finish_reason": None}}]}})
whole = ChatCompletion.model_validate({{**head, "object": "chat.completion", "choices": [{{"index": 0,
    "finish_reason": "stop", "message": {{"role": "assistant", "content": "ho"}}}}]}})
messages = []
print(h9.complete(iter([chunk, chunk]), messages, show=False), h9.complete(whole, messages, show=False), len(messages))
"""
    assert bot(code, tmp_path) == "hihi ho 2\n"


def test_describe_knows_annotations_written_as_text_and_generic_ones(tmp_path: Path) -> None:
    code = (
        "def f(a: 'int', b: list[str], c: 'dict[str, int]', d, e: bytes): pass\n"
        "print([p['type'] for p in h9.describe([f])[0]['parameters']['properties'].values()])"
    )
    assert bot(code, tmp_path) == "['integer', 'array', 'object', 'string', 'string']\n"


def test_binary_contents_survive_every_way_of_being_kept(tmp_path: Path) -> None:
    data = base64.b64encode(bytes(range(256)))
    code = (
        f"import base64\ndata = base64.b64decode({data!r})\n"
        "h9.save('a', data); h9.save('b.png', bytearray(data)); h9.save('c', memoryview(data), access='shared')\n"
        "print(h9.load('a') == h9.load('b.png') == h9.load('c', 0, 'shared') == data)"
    )
    assert bot(code, tmp_path) == "True\n"
