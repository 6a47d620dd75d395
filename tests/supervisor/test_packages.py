"""requirements.txt of a bot: installed at the first Run, shared by all that ask for the same, refused in sentences."""

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import command_line
from tests.supervisor.conftest import MakeDesk
from tests.supervisor.desk import Desk, text_of
from tests.wheelhouse import Wheelhouse, served

SHOW = "import tiny_greeting\nprint(tiny_greeting.hello())\n"
GREETING = {"tiny_greeting.py": "def hello():\n    return 'hello from ' + __file__\n"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Wheelhouse]:
    with served(tmp_path) as made:
        made.add("tiny-greeting", "1.0", GREETING)
        yield made


@pytest.fixture
def desk(make_desk: MakeDesk, house: Wheelhouse) -> Desk:
    return make_desk(package_index=house.url)


def test_first_run_installs_and_shows_how_it_goes(desk: Desk) -> None:
    frames = desk.open({"app.py": SHOW, "requirements.txt": "Tiny.Greeting>=1\n"}).until("end")
    assert text_of(frames) == "hello from /opt/hal9/env/tiny_greeting.py\n"
    assert frames[-1]["exit_status"] == 0
    told = text_of(frames, "console")
    assert told.index("looking up tiny-greeting>=1") < told.index("fetching tiny-greeting 1.0") < told.index("ready in")


def test_same_list_is_installed_once(desk: Desk, house: Wheelhouse) -> None:
    house.add("tiny-more", "1.0", {"tiny_more.py": ""}, "tiny-greeting")
    both = {"app.py": SHOW, "requirements.txt": "tiny-more\ntiny-greeting\n"}
    desk.open(both).until("end")
    fetched = list(house.asked)
    other = {"app.py": SHOW, "requirements.txt": "# again\ntiny-greeting\ntiny_more\n"}
    frames = desk.open(other).until("end")
    assert "hello" in text_of(frames)
    assert text_of(frames, "console") == ""
    assert house.asked == fetched
    resolved_alike = desk.open({"app.py": SHOW, "requirements.txt": "tiny-more\n"}).until("end")
    assert "looking up" in text_of(resolved_alike, "console")
    assert "fetching" not in text_of(resolved_alike, "console")


def test_two_at_once_wait_for_one_installation(desk: Desk, house: Wheelhouse) -> None:
    files = {"app.py": SHOW, "requirements.txt": "tiny-greeting\n"}
    readers = [desk.open(files), desk.open(files), desk.open(files)]
    told = []
    for reader in readers:
        frames = reader.until("end")
        assert "hello" in text_of(frames)
        told.append(text_of(frames, "console"))
    assert "ready in" in told[0]
    assert len({line for lines in told for line in lines.splitlines() if "ready in" in line}) == 1


def test_child_processes_and_their_programs_find_the_packages(desk: Desk, house: Wheelhouse) -> None:
    script = (
        "import subprocess\nsubprocess.run(['python3', '-c', 'import tiny_greeting; print(tiny_greeting.hello())'])\n"
    )
    frames = desk.open({"app.py": script, "requirements.txt": "tiny-greeting\n"}).until("end")
    assert "/opt/hal9/env/tiny_greeting.py" in text_of(frames)


def test_packages_cannot_be_changed_by_a_run(desk: Desk) -> None:
    refused = "try:\n    open('/opt/hal9/env/x', 'w')\nexcept OSError as error:\n    print(error.errno)\n"
    script = refused + "print(open('ok', 'w').write('1'))\n"
    frames = desk.open({"app.py": script, "requirements.txt": "tiny-greeting\n"}).until("end")
    assert text_of(frames) == "30\n1\n"


def test_own_file_goes_before_a_package(desk: Desk) -> None:
    files = {
        "app.py": SHOW,
        "tiny_greeting.py": "def hello():\n    return 'mine'\n",
        "requirements.txt": "tiny-greeting",
    }
    assert text_of(desk.open(files).until("end")) == "mine\n"


def test_published_hal9_goes_before_ours(desk: Desk, house: Wheelhouse) -> None:
    house.add("hal9", "99.0", {"hal9/__init__.py": "version = 'published'\n"}, "tiny-greeting")
    script = "import hal9\nprint(getattr(hal9, 'version', 'ours'))\n"
    assert text_of(desk.open({"app.py": script, "requirements.txt": "hal9\n"}).until("end")) == "published\n"
    assert text_of(desk.open({"app.py": script}).until("end")) == "ours\n"


def test_nothing_is_installed_for_what_is_there(desk: Desk, house: Wheelhouse) -> None:
    script = "import openai, requests\nprint(openai.__file__)\n"
    frames = desk.open({"app.py": script, "requirements.txt": "openai\nrequests>=2\n"}).until("end")
    assert "/opt/hal9/site/" in text_of(frames)
    assert text_of(frames, "console") == ""
    assert house.asked == []


def test_no_code_of_a_package_runs_while_it_is_installed(desk: Desk, house: Wheelhouse) -> None:
    trap = "import socket\nsocket.create_connection(('127.0.0.1', 1))\nraise SystemExit('ran')\n"
    house.add("tiny-trap", "1.0", {"tiny_trap.py": trap, "tiny_trap.pth": "import tiny_trap\n", "setup.py": trap})
    frames = desk.open({"app.py": "print('fine')\n", "requirements.txt": "tiny-trap\n"}).until("end")
    assert text_of(frames) == "fine\n"
    assert "ran" not in text_of(frames, "console")


def test_source_archives_are_refused(desk: Desk, house: Wheelhouse) -> None:
    house.add_file("tiny-source", "tiny_source-1.0.tar.gz", base64.b64decode(b"H4sIAAAAAAAAAwMAAAAAAAAAAAA="))
    told = console_of_failed(desk, "tiny-source\n")
    assert "tiny-source (requirements.txt, line 1) cannot be installed here" in told
    assert "no ready-made wheel" in told


def test_unknown_package_is_named(desk: Desk) -> None:
    told = console_of_failed(desk, "tiny-greeting\ntiny-absent\n")
    assert "There is no package tiny-absent in the index (requirements.txt, line 2)" in told
    assert "No solution found" in told  # the log


def test_refused_line_is_named(desk: Desk, house: Wheelhouse) -> None:
    told = console_of_failed(desk, f"tiny-greeting\n--index-url {house.url}\n")
    assert "Line 2 of requirements.txt (--index-url) is about the package index" in told
    assert house.asked == []


def test_only_the_index_is_reached(desk: Desk, house: Wheelhouse) -> None:
    """A page of the index may link anywhere: to a service on the server's loopback, say."""
    with socket.create_server(("127.0.0.1", 0)) as inner:
        met: list[object] = []
        thread = threading.Thread(target=lambda: met.append(inner.accept()), daemon=True)
        thread.start()
        page = house.folder / "simple" / "tiny-lure" / "index.html"
        page.parent.mkdir()
        file = "tiny_lure-1.0-py3-none-any.whl"
        page.write_text(f'<a href="http://127.0.0.1:{inner.getsockname()[1]}/{file}">{file}</a>')
        told = console_of_failed(desk, "tiny-lure\n")
        assert "index did not answer" in told
        assert met == []


def test_size_is_capped(make_desk: MakeDesk, house: Wheelhouse) -> None:
    house.add("tiny-big", "1.0", {"tiny_big.txt": "x" * (9 << 20)})
    desk = make_desk(package_index=house.url, environment_bytes=8 << 20)
    assert "more than the 8 MB" in console_of_failed(desk, "tiny-big\n")
    small = desk.open({"app.py": SHOW, "requirements.txt": "tiny-greeting\n"}).until("end")
    assert "hello" in text_of(small)


def test_files_are_capped(make_desk: MakeDesk, house: Wheelhouse) -> None:
    house.add("tiny-many", "1.0", {f"tiny_many/{number}.txt": "" for number in range(500)})
    desk = make_desk(package_index=house.url, environment_files=300)
    assert "more than the" in console_of_failed(desk, "tiny-many\n")


def test_start_check_waits_for_the_packages(desk: Desk) -> None:
    answer = desk.call("check", manifest=desk.manifest({"app.py": SHOW, "requirements.txt": "tiny-greeting\n"}))
    assert (answer["passed"], answer["reason"]) == (True, "exited"), answer


def test_start_check_says_which_line_is_wrong(desk: Desk) -> None:
    files = {"app.py": SHOW, "requirements.txt": "tiny-greeting\ntiny-absent\n"}
    answer = desk.call("check", manifest=desk.manifest(files))
    assert (answer["passed"], answer["reason"]) == (False, "packages")
    assert (answer["error"]["file"], answer["error"]["line"]) == ("requirements.txt", 2)
    assert "no package tiny-absent" in answer["error"]["message"]
    assert "No solution found" in answer["traceback"]


def test_switched_off_nothing_is_installed(make_desk: MakeDesk, house: Wheelhouse) -> None:
    desk = make_desk(package_index=house.url, packages="off")
    frames = desk.open({"app.py": "print(1)\n", "requirements.txt": "tiny-greeting\n"}).until("end")
    assert text_of(frames) == "1\n"
    assert "installs none" in text_of(frames, "console")
    assert house.asked == []


def test_nothing_is_left_of_an_installation(desk: Desk) -> None:
    reader = desk.open({"app.py": SHOW, "requirements.txt": "tiny-greeting\n"})
    reader.until("end")
    mounts = Path(f"/proc/{desk.pid}/mountinfo")
    reader.wait(lambda: "install-" not in mounts.read_text(), "the installation's folder unmounted")
    children = Path(f"/proc/{desk.pid}/task/{desk.pid}/children").read_text().split()
    assert not [pid for pid in children if "enclosed" in command_line(int(pid))]  # a zygote may be there


def console_of_failed(desk: Desk, requirements: str) -> str:
    """Run a bot that cannot get its packages; return what its author reads."""
    frames = desk.open({"app.py": "print('never')\n", "requirements.txt": requirements}).until("end")
    assert text_of(frames) == ""
    return text_of(frames, "console")


def test_stop_does_not_wait_for_an_installation(make_desk: MakeDesk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        desk = make_desk(package_index=f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        reader = desk.open({"app.py": "print('never')\n", "requirements.txt": "tiny-greeting\n"})
        reader.until("start")
        reader.until("console")
        reader.act("stop")
        end = reader.until("end")[-1]
    assert end["reason"] == "stopped" and "output" not in reader.kinds()


def test_a_failed_installation_is_a_crash_with_its_line(desk: Desk) -> None:
    reader = desk.open({"app.py": SHOW, "requirements.txt": "six\n-e .\n"})
    end = reader.until("end")[-1]
    assert end["reason"] == "crashed"
    assert (end["error"]["file"], end["error"]["line"]) == ("requirements.txt", 2)
    assert "sandbox did not start" not in text_of(reader.frames, "console")
