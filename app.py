"""Hal9 IDE: starts the server, or runs one of its operator's commands. `python app.py --help` lists them.

This process stays small: it imports neither Flask nor gevent, and SQLAlchemy only in commands that need it.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from hal9_ide.errors import Hal9Error, SettingsError
from hal9_ide.ops.trouble import Trouble
from hal9_ide.settings import PREFIX, Settings, known_variables, read_settings

Command = Callable[[Settings, argparse.Namespace], int]


def serve(settings: Settings, _options: argparse.Namespace) -> int:
    from hal9_ide.ops.serve import serve as run

    return run(settings)


def migrate(settings: Settings, _options: argparse.Namespace) -> int:
    from hal9_ide.store.migrate import upgrade

    upgrade(settings.database)
    return 0


def token_create(settings: Settings, options: argparse.Namespace) -> int:
    from hal9_ide.ops.people import create_token

    print(create_token(settings, options.user, options.scope))
    return 0


def login_link(settings: Settings, options: argparse.Namespace) -> int:
    from hal9_ide.ops.people import create_login_link

    print(create_login_link(settings, options.user))
    return 0


def backup(settings: Settings, options: argparse.Namespace) -> int:
    from hal9_ide.ops.backup import backup as run

    print(run(settings, options.file))
    return 0


def restore(settings: Settings, options: argparse.Namespace) -> int:
    from hal9_ide.ops.backup import restore as run

    print(run(settings, options.file))
    return 0


def gc(settings: Settings, _options: argparse.Namespace) -> int:
    from hal9_ide.ops.garbage import collect_garbage

    print(collect_garbage(settings))
    return 0


def doctor(settings: Settings, _options: argparse.Namespace) -> int:
    from hal9_ide.ops.doctor import report

    return report(settings)


def parser() -> argparse.ArgumentParser:
    """Return the command line: no command means the server. Every option is also a setting, see docs/settings.md."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--data-dir", metavar="FOLDER", help="where everything is kept (data)")
    common.add_argument("--host", help="the address to listen on (127.0.0.1)")
    common.add_argument("--port", help="the port to listen on (8000)")
    top = argparse.ArgumentParser(prog="app.py", description=(__doc__ or "").splitlines()[0], parents=[common])
    top.set_defaults(command=serve)
    commands = top.add_subparsers(title="commands", metavar="")

    def add(name: str, command: Command, sentence: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=sentence, description=sentence, parents=[common])
        made.set_defaults(command=command)
        return made

    token = commands.add_parser("token", help="make tokens for programs such as `hal9 deploy`")
    create = token.add_subparsers(required=True, metavar="create").add_parser("create", parents=[common])
    create.set_defaults(command=token_create)
    create.add_argument("--user", required=True, metavar="NAME", help="whose token; the user is made if absent")
    create.add_argument("--scope", default="deploy", choices=("deploy", "operator"))
    link = add("login-link", login_link, "print a link that signs in once")
    link.add_argument("--user", required=True, metavar="NAME", help="as whom; the user is made if absent")
    add("backup", backup, "copy everything into a file, while the server runs").add_argument("file", type=Path)
    add("restore", restore, "fill an empty data folder from such a file").add_argument("file", type=Path)
    add("gc", gc, "remove what nobody uses any more; the server does it daily")
    add("doctor", doctor, "say which sandbox layers hold here; exit 1 unless all do")
    add("migrate", migrate, "bring the database to the newest form; the server does it as it starts")
    return top


def environment(options: argparse.Namespace) -> dict[str, str]:
    """Return the variables that the options stand for."""
    names = ("data_dir", "host", "port")
    return {PREFIX + name.upper(): getattr(options, name) for name in names if hasattr(options, name)}


def main(arguments: list[str]) -> int:
    """Run a command and return its exit status; what goes wrong is one sentence on standard error."""
    options = parser().parse_args(arguments)
    os.environ.update(environment(options))
    warn_of_unknown()
    try:
        command: Command = options.command
        return command(settings_for(command), options)
    except (Trouble, SettingsError, Hal9Error) as error:
        print(error, file=sys.stderr)
        return 1


def warn_of_unknown() -> None:
    """Say which variables look like settings and are none: a typing error would otherwise go unnoticed."""
    for name in sorted(name for name in os.environ if name.startswith(PREFIX)):
        if name not in known_variables():
            print(f"{name} is not a setting of this server; docs/settings.md lists them.", file=sys.stderr)


def settings_for(command: Command) -> Settings:
    """Return the settings. `restore` brings the secret key with it, so none is made for it before."""
    if command is restore:
        return read_settings({f"{PREFIX}SECRET_KEY": "not used by restore", **os.environ})
    return read_settings()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
