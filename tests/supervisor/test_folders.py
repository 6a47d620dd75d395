"""Folders: what a script writes is there the next time, for whom it should be, and never grows without end."""

from tests.supervisor.conftest import MakeDesk
from tests.supervisor.desk import Desk, text_of

VISITS = (
    "import os\nname = 'count'\nn = int(open(name).read()) if os.path.exists(name) else 0\n"
    "open(name, 'w').write(str(n + 1))\nprint(n, input())\n"
)


def at(folder: str) -> str:
    return VISITS.replace("'count'", f"'{folder}/count'")


def test_plain_files_survive_between_runs(desk: Desk) -> None:
    reader = desk.open(VISITS)
    reader.until("waiting")
    reader.say("a")
    assert text_of(reader.say("b")) == "1 b\n"
    assert text_of(reader.say("c")) == "2 c\n"


def test_a_new_chat_has_fresh_folders(desk: Desk) -> None:
    bot = desk.bot()
    first = desk.open(VISITS, bot=bot)
    first.until("waiting")
    first.say("a")
    second = desk.open(VISITS, bot=bot)
    second.until("waiting")
    assert text_of(second.say("a")) == "0 a\n"


def test_user_folder_is_the_visitors_shared_folder_is_everybodys(desk: Desk) -> None:
    bot = desk.bot()
    counts: dict[str, list[str]] = {}
    for folder in (".user", ".shared"):
        for owner in ("ann", "ann", "bob"):
            reader = desk.open(at(folder), bot=bot, stage="live", owner=owner)
            reader.until("waiting")
            counts.setdefault(folder, []).append(text_of(reader.say("x")).split()[0])
    assert counts == {".user": ["0", "1", "0"], ".shared": ["0", "1", "2"]}


def test_drafts_do_not_touch_visitors_data(desk: Desk) -> None:
    bot = desk.bot()
    for stage in ("live", "draft"):
        reader = desk.open(at(".shared"), bot=bot, stage=stage)
        reader.until("waiting")
        assert text_of(reader.say("x")) == "0 x\n"


def test_shared_is_live_between_runs_at_the_same_time(desk: Desk) -> None:
    bot = desk.bot()
    script = (
        "import os\nwhile True:\n    word = input()\n    if word == 'read':\n"
        "        print(open('.shared/note').read())\n    else:\n"
        "        open('.shared/note', 'w').write(word)\n        print('ok')\n"
    )
    ann = desk.open(script, bot=bot, stage="live", owner="ann")
    bob = desk.open(script, bot=bot, stage="live", owner="bob")
    ann.until("waiting")
    bob.until("waiting")
    ann.say("hello bob")
    assert text_of(bob.say("read")) == "hello bob\n"


def test_after_an_edit_the_authors_file_wins_and_the_chats_own_files_stay(desk: Desk) -> None:
    script = "open('own', 'w').write('mine')\nopen('data.txt', 'a').write('+chat')\n"
    reader = desk.open({"app.py": script, "data.txt": "one", "old": "x"})
    reader.until("end")
    show = "import os\nprint(open('data.txt').read(), open('own').read(), os.path.exists('old'), open('new').read())\n"
    desk.set_files(reader.chat, {"app.py": show, "data.txt": "one", "new": "n"})
    reader.act("restart")
    reader.until("end", 2)
    assert text_of(reader.frames) == "one+chat mine False n\n", "data.txt was not edited by the author"
    desk.set_files(reader.chat, {"app.py": show, "data.txt": "two", "new": "n"})
    reader.act("restart")
    reader.until("end", 3)
    assert text_of(reader.frames).endswith("two mine False n\n"), "now the author's newer file wins"


def test_deleted_files_of_the_version_stay_deleted(desk: Desk) -> None:
    script = "import os\nif os.path.exists('x'): os.remove('x'); print('removed')\nelse: print('gone')\n"
    reader = desk.open({"app.py": script, "x": ""})
    reader.until("end")
    assert text_of(reader.say("again")) == "gone\n"


def test_visible_files_are_announced_before_the_turn_is_answered(desk: Desk) -> None:
    script = (
        "import os\nos.makedirs('.storage/site', exist_ok=True)\nopen('.storage/a.csv', 'w').write('x,y')\n"
        "open('.storage/.hidden', 'w').write('x')\nopen('.storage/site/index.html', 'w').write('<p>')\n"
        "open('.storage/site/app.js', 'w').write('1')\ninput()\nopen('.storage/a.csv', 'w').write('x,y,z')\n"
    )
    reader = desk.open(script)
    frames = reader.until("waiting")
    files = [(frame["name"], frame["type"], frame["bytes"]) for frame in frames if frame["kind"] == "file"]
    assert files == [("a.csv", "text/csv", 3), ("site/index.html", "text/html", 3)]
    assert [frame["kind"] for frame in frames][-1] == "waiting"
    answer = reader.say("go")
    assert [frame["kind"] for frame in answer] == ["input", "file", "end"]
    assert answer[1]["name"] == "a.csv" and answer[1]["url"].startswith("/f/")
    assert answer[1]["url"] != next(frame["url"] for frame in frames if frame["kind"] == "file")


def test_folder_caps_hold_and_the_script_learns_it(make_desk: MakeDesk) -> None:
    desk = make_desk(folder_bytes=1 << 20, folder_files=64)
    script = (
        "import errno\nfor folder in ('.', '.storage', '.user', '.shared'):\n"
        "    try:\n        open(folder + '/big', 'wb').write(b'x' * (3 << 20))\n        print('wrote')\n"
        "    except OSError as e:\n        print(folder, errno.errorcode[e.errno])\n"
        "    import os\n    os.remove(folder + '/big')\n"
        "    try:\n        for n in range(500): open(f'{folder}/f{n}', 'w')\n        print('many')\n"
        "    except OSError as e:\n        print(folder, errno.errorcode[e.errno], n < 100)\n"
    )
    reader = desk.open(script)
    reader.until("end")
    expected = "".join(f"{folder} ENOSPC\n{folder} ENOSPC True\n" for folder in (".", ".storage", ".user", ".shared"))
    assert text_of(reader.frames) == expected


def test_empty_folders_links_and_modes_survive(desk: Desk) -> None:
    script = (
        "import os\nif os.path.isdir('empty'):\n    mode = os.stat('run.sh').st_mode\n"
        "    print(os.readlink('link'), oct(mode & 0o777))\n"
        "else:\n    os.mkdir('empty'); os.symlink('app.py', 'link')\n    open('run.sh', 'w').write('x')\n"
        "    os.chmod('run.sh', 0o755)\n    print('made')\ninput()\n"
    )
    reader = desk.open(script)
    reader.until("waiting")
    desk.stop()
    reader.close()
    desk.start()
    again = desk.follow(reader.chat)
    answer = again.say("x")
    assert "app.py 0o755\n" in text_of(answer)


def test_a_file_whose_name_is_no_text_is_kept_and_not_shown(desk: Desk) -> None:
    script = (
        "import os\nfor name in (b'\\xff.txt', b'two\\nlines.txt', b'fine.txt'):\n"
        "    open(b'.storage/' + name, 'w').write('x')\nprint(len(os.listdir('.storage')), input())\n"
    )
    reader = desk.open(script)
    frames = reader.until("waiting")
    assert [frame["name"] for frame in frames if frame["kind"] == "file"] == ["fine.txt"]
    assert text_of(reader.say("go")) == "3 go\n"
    assert text_of(reader.say("again")) == "3 again\n"
