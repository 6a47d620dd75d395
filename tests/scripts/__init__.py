"""Scripts that must run as bots, with the chat expected of each: for the terminal, the editor and the deployed bot.

Each script is a folder beside this module. The chat is data: what is on the screen when it opens, then what each
message brings. `shows` is exact and holds everything the bot says in that step, questions of `input("…")` included.

A message that comes when the script has ended starts it again; then the opening is not shown a second time. A terminal
has no such thing: there, only the steps of the first run happen (`Script.first_run`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent

WAITING, EXITED, CRASHED = "waiting", "exited", "crashed"


@dataclass(frozen=True)
class Error:
    """What the author is told of a crash. The visitor sees nothing of it."""

    type: str
    message: str
    line: int
    file: str = "app.py"


@dataclass(frozen=True)
class Step:
    """The opening (`says` is None) or one message, and what comes of it."""

    says: str | None
    shows: str
    """All text of this step up to `then`."""
    then: str = EXITED
    """WAITING, or the reason of the end."""
    asks: str = ""
    """The text of the question that is open afterwards: the end of `shows`, and the placeholder of the message box."""
    later: str = ""
    """What comes afterwards in the same turn without another message, within `later_seconds`."""
    later_seconds: float = 0.0
    error: Error | None = None
    files: tuple[str, ...] = ()
    """Names of the files that appear with this turn."""
    console: str = ""
    """Text in the author's console (standard error), where it is not a traceback."""
    gradual: bool = False
    """The lines come one after the other, about a second apart."""
    new_server: bool = False
    """The server is restarted before this step, where there is one."""


def opens(shows: str = "", **more: object) -> Step:
    """What is there before anybody says anything."""
    return Step(None, shows, **more)  # type: ignore[arg-type]


def says(text: str, shows: str, **more: object) -> Step:
    """A message and what it brings."""
    return Step(text, shows, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Script:
    """A bot and its expected chat."""

    id: str
    steps: tuple[Step, ...]
    from_issue: bool = False
    """Named in the description of what must work; the others are what else people write."""
    files: dict[str, str] = field(init=False)
    """Path → text; the main file is `app.py`."""

    def __post_init__(self) -> None:
        paths = [path for path in sorted((FOLDER / self.id).rglob("*")) if path.is_file() and path.suffix != ".pyc"]
        texts = {path.relative_to(FOLDER / self.id).as_posix(): path.read_text("utf-8") for path in paths}
        object.__setattr__(self, "files", texts)

    @property
    def folder(self) -> Path:
        return FOLDER / self.id

    @property
    def first_run(self) -> tuple[Step, ...]:
        """The steps up to the first end of the script."""
        ends = [number for number, step in enumerate(self.steps) if step.then != WAITING]
        return self.steps[: ends[0] + 1] if ends else self.steps


ONE_TO_TEN = "".join(f"{number}\n" for number in range(1, 11))

WORD = "Give me a word: "
GUESS = "Your guess: "

SCRIPTS = [
    Script(
        "echo",
        (
            opens(then=WAITING),
            says("hello", "Echo: hello\n"),
            says("Grüße 👋", "Echo: Grüße 👋\n"),
            says("", "Echo: \n"),
        ),
        from_issue=True,
    ),
    Script(
        "one_to_ten",
        (opens(ONE_TO_TEN, gradual=True), says("again", ONE_TO_TEN, gradual=True)),
        from_issue=True,
    ),
    Script(
        "memory",
        (
            opens(WORD, then=WAITING, asks=WORD),
            says("sun", "I remember: sun\n"),
            says("moon", "I remember: sun, moon\n"),
            says("star", "I remember: sun, moon, star\n", new_server=True),
        ),
        from_issue=True,
    ),
    Script(
        "memory_with_mistakes",
        (
            opens(WORD, then=WAITING, asks=WORD),
            says(
                "sun",
                "I remember: sun\n",
                then=CRASHED,
                error=Error("NameError", "name 'messages' is not defined", 8),
            ),
            says(
                "moon",
                "I remember: moon\n",
                then=CRASHED,
                error=Error("NameError", "name 'messages' is not defined", 8),
            ),
        ),
        from_issue=True,
    ),
    Script(
        "memory_in_a_file",
        (
            opens(WORD, then=WAITING, asks=WORD),
            says("sun", "I remember: sun\n"),
            says("moon", "I remember: sun, moon\n"),
            says("star", "I remember: sun, moon, star\n", new_server=True),
        ),
        from_issue=True,
    ),
    Script(
        "stateful",
        (
            opens(then=WAITING),
            says("a", "1\n", then=WAITING),
            says("b", "2\n", then=WAITING),
            says("c", "3\n", then=WAITING),
        ),
        from_issue=True,
    ),
    Script(
        "guess",
        (
            opens("What's your name? ", then=WAITING, asks="What's your name? "),
            says("Ada", f"Hi Ada! I'm thinking of a number between 1 and 100.\n{GUESS}", then=WAITING, asks=GUESS),
            says("fifty", f"Numbers only, please.\n{GUESS}", then=WAITING, asks=GUESS),
            says("1", f"Too low!\n{GUESS}", then=WAITING, asks=GUESS),
            says("100", f"Too high!\n{GUESS}", then=WAITING, asks=GUESS),
            says("61", "🎉 You got it in 3 guesses, Ada!\n"),
            says("Bo", f"Hi Bo! I'm thinking of a number between 1 and 100.\n{GUESS}", then=WAITING, asks=GUESS),
        ),
    ),
    Script(
        "eliza",
        (
            opens("Hello, I am Eliza. How do you feel today?\n> ", then=WAITING, asks="> "),
            says("I feel lost in my work.", "Do you often feel lost in your work?\n> ", then=WAITING, asks="> "),
            says("my mother knows", "Tell me more about your mother.\n> ", then=WAITING, asks="> "),
            says("Are you a bot?", "Why do you ask that?\n> ", then=WAITING, asks="> "),
            says("hm", "Please go on.\n> ", then=WAITING, asks="> "),
            says("bye", "Goodbye. It was nice talking to you.\n"),
            says("I am back", "How long have you been back?\n> ", then=WAITING, asks="> "),
        ),
    ),
    Script(
        "todo",
        (
            opens("add, done or list? ", then=WAITING, asks="add, done or list? "),
            says("add buy milk", "- [ ] 1. buy milk\n"),
            says("add call Bo's mum", "- [ ] 1. buy milk\n- [ ] 2. call Bo's mum\n"),
            says("done 1", "- [x] 1. buy milk\n- [ ] 2. call Bo's mum\n", new_server=True),
            says("dance", "I don't know how to dance.\n- [x] 1. buy milk\n- [ ] 2. call Bo's mum\n"),
        ),
    ),
    Script(
        "reminder",
        (
            opens("Tell me what and when, like: tea in 3\n", then=WAITING),
            says("soon", "I did not get that. Try: tea in 3\n", then=WAITING),
            says("tea in 0.6", "OK, tea in 0.6 seconds.\n", then=WAITING, later="⏰ tea\n", later_seconds=0.6),
            says("cake in 60", "OK, cake in 60 seconds.\n", then=WAITING),
        ),
    ),
    Script(
        "sales",
        (
            opens(
                "I know 4 months of sales.\nWhich fruit: apples, pears, plums? ",
                then=WAITING,
                asks="Which fruit: apples, pears, plums? ",
            ),
            says("kiwis", "There is no 'kiwis' in my table.\n"),
            says(
                "Pears",
                "| | pears |\n|---|---:|\n| mean | 10.0 |\n| median | 9.5 |\n| deviation | 2.9 |\n"
                "| best month | March |\n",
                files=("pears.csv",),
            ),
        ),
    ),
    Script(
        "shell",
        (
            opens("Welcome to the shell.\nYour name: ", then=WAITING),
            says("Ada", "Favourite colour: ", then=WAITING),
            says(
                "blue",
                "Hello Ada, here is BLUE:\ncounting 3 2 1\nThe shell said goodbye with 4.\n",
            ),
            says("Bo", "Favourite colour: ", then=WAITING),
        ),
    ),
    Script(
        "lines_of_stdin",
        (
            opens(then=WAITING),
            says("abc", "cba\n", then=WAITING),
            says("räksmörgås", "sågrömskär\n", then=WAITING),
            says("stop", "", console="done\n"),
            says("xy", "yx\n", then=WAITING),
        ),
    ),
    Script(
        "several_lines",
        (
            opens("Paste a poem: ", then=WAITING, asks="Paste a poem: "),
            says("an old pond\na frog jumps in\nplop", "3 lines, 8 words, the longest: a frog jumps in\n"),
        ),
    ),
]
