"""What the bots' package does beside the published hal9 2.8.22: one table, and where the two differ, both outcomes.

Ours always runs. The published one runs where the client's environment is there (`make setup` makes it for the tests of
`hal9 deploy`), so that what the table says of it stays true.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLISHED_PYTHON = ROOT / ".venv-client" / "bin" / "python"

DRIVER = r"""
import io, json, os, sys, tempfile
cases = json.load(sys.stdin)
answers = {}
for name, (code, typed) in cases.items():
    receive, give = os.pipe()
    if os.fork() == 0:
        os.chdir(tempfile.mkdtemp(dir=sys.argv[1]))
        sys.stdin, sys.stdout = io.StringIO(typed), io.StringIO()
        scope = {}
        try:
            exec("import hal9 as h9, os, sys, json\n" + code, scope)
            outcome = repr(scope["r"])
        except BaseException as error:
            outcome = type(error).__name__
        os.write(give, json.dumps([outcome, sys.stdout.getvalue()]).encode())
        os._exit(0)
    os.close(give)
    with os.fdopen(receive) as pipe:
        answers[name] = json.loads(pipe.read())
    os.wait()
print(json.dumps(answers))
"""

HELPERS = """
class Thing:
    def __init__(self, **fields): self.__dict__.update(fields)
class Stream(list): pass
def chunk(content=None, call=None):
    return Thing(choices=[Thing(delta=Thing(content=content, function_call=call, tool_calls=None))])
def whole(content=None, call=None, tools=None):
    return Thing(choices=[Thing(message=Thing(content=content, function_call=call, tool_calls=tools))])
def add(a: int, b: int):
    "Add two numbers."
    return a + b
def fail(): raise ValueError("broken pipe organ")
"""


@dataclass(frozen=True)
class Case:
    code: str
    published: str
    ours: str | None = None
    """None: the same."""
    typed: str = ""
    printed: str = ""


TREE = "r = sorted(os.path.relpath(os.path.join(d, f)) for d, _, fs in os.walk('.') for f in fs)"

CASES = {
    # save and load
    "nothing saved": Case("r = h9.load('x', [])", "[]"),
    "default may be left out": Case("r = h9.load('x')", "TypeError", "None"),
    "list": Case("h9.save('x', [1, 'ü']); r = h9.load('x', 0)", "[1, 'ü']"),
    "dict": Case("h9.save('x', {'a': [None, True, 1.5]}); r = h9.load('x', 0)", "{'a': [None, True, 1.5]}"),
    "dict with number keys": Case("h9.save('x', {1: 2}); r = h9.load('x', 0)", "{'1': 2}"),
    "text": Case("h9.save('x', 'a\\nb'); r = h9.load('x', 0)", "'a\\nb'"),
    "number": Case("h9.save('x', 7); r = h9.load('x', 0)", "7"),
    "number is JSON": Case(f"h9.save('x', 7); {TREE}", "['.storage/x.pkl']", "['.storage/x.json']"),
    "bytes": Case("h9.save('x', b'\\xff'); r = h9.load('x', 0)", "b'\\xff'"),
    "bytes are a plain file": Case(f"h9.save('x', b'1'); {TREE}", "['.storage/x.pkl']", "['.storage/x.bin']"),
    "tuple": Case("h9.save('x', (1, 2)); r = h9.load('x', 0)", "(1, 2)"),
    "set": Case("h9.save('x', {1}); r = h9.load('x', 0)", "{1}"),
    "none": Case("h9.save('x', None); r = h9.load('x', 5)", "None"),
    "not JSON inside a list": Case("h9.save('x', [object()]); r = 0", "TypeError"),
    "hidden": Case(f"h9.save('x', [1], hidden=True); {TREE}", "['.storage/.x.json']"),
    "hidden is loaded by its name": Case("h9.save('x', [1], hidden=True); r = h9.load('x', 0)", "[1]"),
    "hidden in a folder": Case("h9.save('a/x', [1], hidden=True); r = h9.load('a/x', 0)", "0", "[1]"),
    "name with a dot": Case("h9.save('.x', [1]); r = h9.load('x', 0)", "[1]"),
    "last type wins": Case("h9.save('x', [1]); h9.save('x', (2,)); r = h9.load('x', 0)", "[1]", "(2,)"),
    "last of hidden and visible wins": Case(
        "h9.save('x', [1], hidden=True); h9.save('x', [2]); r = h9.load('x', 0)", "[1]", "[2]"
    ),
    "one name, one file": Case(
        f"h9.save('x', [1]); h9.save('x', (1,)); h9.save('x', b'', hidden=True); {TREE}",
        "['.storage/.x.pkl', '.storage/x.json', '.storage/x.pkl']",
        "['.storage/.x.bin']",
    ),
    "text file": Case("h9.save('a.txt', 'hi'); r = open('.storage/a.txt').read()", "'hi'"),
    "text file loaded": Case("h9.save('a.txt', 'hi'); r = h9.load('a.txt', 0)", "0", "'hi'"),
    "json file loaded": Case("h9.save('d.json', {'a': 1}); r = h9.load('d.json', 0)", "0", "{'a': 1}"),
    "json file loaded by its short name": Case("h9.save('d.json', [1]); r = h9.load('d', 0)", "[1]"),
    "bytes in a file": Case("h9.save('p.png', b'\\x89'); r = h9.load('p.png', 0)", "Exception", "b'\\x89'"),
    "text in a file of unknown kind": Case("h9.save('a.foo', 'hi'); r = h9.load('a.foo', 0)", "0", "b'hi'"),
    "list in a text file": Case("h9.save('a.txt', [1]); r = 0", "Exception", "TypeError"),
    "nothing in a text file": Case("h9.save('a.txt'); r = 0", "Exception", "ValueError"),
    "encoding": Case("h9.save('a.txt', 'ü', encoding='latin-1'); r = open('.storage/a.txt', 'rb').read()", "b'\\xfc'"),
    "json in an encoding": Case("h9.save('a', 'ü', encoding='latin-1'); r = h9.load('a', 0)", "'ü'"),
    "user": Case(f"h9.save('x', [1], access='user'); {TREE}", "['.user/x.json']"),
    "shared": Case("h9.save('x', [1], access='shared'); r = h9.load('x', 0, 'shared'), h9.load('x', 0)", "([1], 0)"),
    "no Python objects for everyone": Case("h9.save('x', (1,), access='shared'); r = 0", "0", "TypeError"),
    "wrong access": Case("h9.save('x', [1], access='all'); r = 0", "ValueError"),
    "wrong access to load": Case("r = h9.load('x', 0, 'all')", "ValueError"),
    "name that leaves the folder": Case("h9.save('../x.txt', 'a'); r = os.listdir('.')", "[", "ValueError"),
    "name from the root": Case("h9.save(os.getcwd() + '/x.txt', 'a'); r = 0", "0", "ValueError"),
    "load outside": Case("open('x.json', 'w').write('1'); r = h9.load('../x', 0)", "1", "ValueError"),
    "name is a number": Case("h9.save(1, 'a'); r = 0", "Exception", "TypeError"),
    "folder in a name": Case(f"h9.save('a/b.txt', 'x'); {TREE}", "['.storage/a/b.txt']"),
    "memory follows no chdir": Case("os.mkdir('d'); h9.save('x', 1); os.chdir('d'); r = h9.load('x', 0)", "0", "1"),
    "files": Case(
        f"h9.save('site', files={{'index.html': '<p>', 'css/a.css': 'p{{}}'}}); {TREE}",
        "['.storage/site.asset']",
        "['.storage/site/css/a.css', '.storage/site/index.html']",
    ),
    "files with contents": Case(
        f"h9.save('app.py', 'print()', files={{'d.csv': 'a'}}); {TREE}",
        "['.storage/app.py.asset']",
        "['.storage/app.py/app.py', '.storage/app.py/d.csv']",
    ),
    # input
    "input": Case("r = h9.input()", "'hi'", typed="hi\n"),
    "input with a question": Case("r = h9.input('Name? ')", "'Bo'", typed="Bo\n", printed="Name? "),
    "input of several lines": Case("r = h9.input()", "'a\\nb'", typed="a\fb\n"),
    "input of a URL": Case("r = h9.input()", "'http://a/b'", typed="http://a/b\n"),
    "input of a URL to read": Case("r = h9.input(extract=True)", "NameError", "'http://a/b'", typed="http://a/b\n"),
    "input into messages": Case(
        "m = []; h9.input(messages=m); r = m", "[{'role': 'user', 'content': 'hi'}]", typed="hi\n"
    ),
    "second input": Case("h9.save('x', 1); h9.input(); r = h9.input()", "'b'", typed="a\nb\n"),
    "second input without a folder": Case("h9.input(); r = h9.input()", "FileNotFoundError", "'b'", typed="a\nb\n"),
    "end of input": Case("r = h9.input()", "EOFError"),
    # event
    "event": Case(
        "h9.event('a', {'n': 1}); h9.event('b', None); r = json.load(open('.storage/.events'))",
        "[{'name': 'a', 'details': {'n': 1}}, {'name': 'b', 'details': None}]",
    ),
    "event without details": Case("h9.event('a'); r = 0", "TypeError", "0"),
    # is_url, url_contents
    "url": Case("r = h9.is_url('https://a.b/c?d')", "True"),
    "url in a sentence": Case("r = h9.is_url('see http://a')", "False"),
    "url of any scheme": Case("r = h9.is_url('javascript://x')", "True"),
    "url and a line break": Case("r = h9.is_url('http://a\\n')", "True"),
    "broken url": Case("r = h9.is_url('http://[')", "ValueError", "False"),
    "no text": Case("r = h9.is_url('')", "False"),
    "contents of no url": Case("r = h9.url_contents('hello')", "'hello'"),
    "contents of a url": Case("r = h9.url_contents('http://127.0.0.1:9/')", "'http://127.0.0.1:9/'"),
    # extract
    "block": Case("r = h9.extract('x\\n```python\\na\\n```\\ny', 'python')", "'a\\n'"),
    "two blocks": Case("r = h9.extract('```py\\na\\n```\\n```py\\nb\\n```', 'py')", "'a\\n\\nb\\n'"),
    "no block": Case("r = h9.extract('x', 'python'), h9.extract('x', 'python', 7)", "(None, 7)"),
    "any block": Case("r = h9.extract('```js\\na\\n```', '*')", "'a\\n'"),
    "any block or all": Case("r = h9.extract('plain', '*')", "'plain'"),
    "language that begins another": Case("r = h9.extract('```javascript\\na\\n```', 'java')", "'a\\n'", "None"),
    "language with signs": Case("r = h9.extract('```c++\\na\\n```', 'c++')", "'a\\n'"),
    "all blocks": Case(
        "r = h9.extract('```py\\na\\n```\\n```html filename=i.html\\nb\\n```\\n```\\nc\\n```')",
        "{'py': 'a\\n', 'i.html': 'b\\n', 'unknown': 'c\\n'}",
    ),
    "all blocks keep their indentation": Case(
        "r = h9.extract('```py\\n  a\\n```')", "{'py': 'a\\n'}", "{'py': '  a\\n'}"
    ),
    "no blocks": Case("r = h9.extract('x')", "{}"),
    "default is added to": Case("r = h9.extract('```py\\na\\n```', default={'b': 1})", "{'b': 1, 'py': 'a\\n'}"),
    "default is left alone": Case("d = {}; h9.extract('```py\\na\\n```', default=d); r = d", "{'py': 'a\\n'}", "{}"),
    # describe
    "describe": Case(
        HELPERS + "r = h9.describe([add])",
        "[{'name': 'add', 'description': 'Add two numbers.', 'parameters': {'type': 'object', 'properties': "
        "{'a': {'type': 'integer'}, 'b': {'type': 'integer'}}, 'required': ['a', 'b']}}]",
    ),
    "describe for llama": Case(
        HELPERS + "r = h9.describe([add], 'llama')[0]['type'], h9.describe([add], 'llama')[0]['function']['name']",
        "('function', 'add')",
    ),
    "describe what may be left out": Case(
        "def f(a: str, b: int = 1, **more): pass\nr = h9.describe([f])[0]['parameters']",
        "{'type': 'object', 'properties': {'a': {'type': 'string'}, 'b': {'type': 'integer'}, 'more': "
        "{'type': 'string'}}, 'required': ['a', 'b', 'more']}",
        "{'type': 'object', 'properties': {'a': {'type': 'string'}, 'b': {'type': 'integer'}}, 'required': ['a']}",
    ),
    # complete
    "complete a stream": Case(
        HELPERS + "m = []; r = h9.complete(Stream([chunk('a'), chunk(None), chunk('b')]), m), m",
        "('ab', [{'role': 'assistant', 'content': 'ab'}])",
        printed="ab\n",
    ),
    "complete a whole": Case(
        HELPERS + "m = []; r = h9.complete(whole('ab'), m), m",
        "('ab', [{'role': 'assistant', 'content': 'ab'}])",
        printed="ab\n",
    ),
    "complete without showing": Case(HELPERS + "r = h9.complete(Stream([chunk('a')]), show=False)", "'a'"),
    "complete any iterator": Case(
        HELPERS + "r = h9.complete(iter([chunk('a')]))", "AttributeError", "'a'", printed="a\n"
    ),
    "complete a function call": Case(
        HELPERS + "m = []; call = Thing(name='add', arguments='{\"a\": 1, \"b\": 2}')\n"
        "r = h9.complete(whole('', call), m, [add], show=False), m",
        "('3', [{'role': 'function', 'name': 'add', 'content': '3'}])",
    ),
    "complete a streamed function call": Case(
        HELPERS + "calls = [Thing(name='add', arguments=''), Thing(name=None, arguments='{\"a\": 1,'), "
        "Thing(name=None, arguments=' \"b\": 2}')]\n"
        "r = h9.complete(Stream([chunk(None, c) for c in calls]), tools=[add], show=False)",
        "'3'",
    ),
    "complete an unknown function call": Case(
        HELPERS + "m = []; r = h9.complete(whole('', Thing(name='x', arguments='{}')), m, show=False), m", "('', [])"
    ),
    "complete a failing function call": Case(
        HELPERS + "r = h9.complete(whole('', Thing(name='fail', arguments='{\"a\": 1}')), [], [fail], show=False)",
        "Exception",
        "RuntimeError",
    ),
    "complete tool calls": Case(
        HELPERS + "call = Thing(id='7', function=Thing(name='add', arguments='{\"a\": 1, \"b\": 2}'))\n"
        "m = []; h9.complete(whole(None, None, [call]), m, [add], True, 'llama'); r = [x['role'] for x in m]",
        "['assistant', 'tool', 'assistant']",
        printed="3\n",
    ),
    "complete keeps no messages of its own": Case(
        HELPERS + "h9.complete(whole('a'), show=False); r = h9.complete.__defaults__",
        "([{'role': 'assistant', 'content': 'a'}], [], True, 'openai')",
        "(None, None, True, 'openai')",
    ),
    "complete an unknown model": Case(HELPERS + "r = h9.complete(whole('a'), model='x')", "Exception", "ValueError"),
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return _answers(sys.executable, f"import sys; sys.path.insert(0, {str(ROOT / 'sandbox')!r})\n", tmp_path_factory)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    if not PUBLISHED_PYTHON.exists():
        pytest.skip("the published client is not installed: make setup")
    return _answers(str(PUBLISHED_PYTHON), "", tmp_path_factory)


def _answers(python: str, head: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("compared")
    cases = {name: [case.code, case.typed] for name, case in CASES.items()}
    done = subprocess.run(
        [python, "-I", "-c", head + DRIVER, str(folder)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers: dict[str, list[str]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize("name", CASES)
def test_ours_does_what_the_table_says(name: str, ours: dict[str, list[str]]) -> None:
    case = CASES[name]
    assert ours[name][0] == (case.published if case.ours is None else case.ours)
    assert ours[name][1] == case.printed


@pytest.mark.parametrize("name", CASES)
def test_the_published_package_does_what_the_table_says(name: str, published: dict[str, list[str]]) -> None:
    case = CASES[name]
    assert published[name][0].startswith(case.published)
    assert case.ours is not None or published[name][1] == case.printed
