"""A zygote of a supervisor that is a plain user, in a user and mount namespace of its own."""

from tests.sandbox.test_as_user import Clone, clone

__all__ = ["clone"]

SCRIPT = """
import asyncio, os, select, sys
from pathlib import Path
from sandbox import command, host, limits, volumes, zygotes

LIMITS = limits.Limits(folder_bytes=1 << 20, folder_files=64, scratch_bytes=1 << 20, scratch_files=64)
APP = "import openai, os\\nopen('.storage/kept', 'w').write('x')\\nprint(os.getuid(), input())\\n"

async def main(here):
    made = volumes.Volumes(here, volumes.base_folder(here))
    names = ("work", "storage", "user", "shared", "scratch")
    folders = command.Folders(*(made.create(name, size_bytes=1 << 20, files=64) for name in names))
    (folders.work / "app.py").write_text(APP)
    zygote = zygotes.Zygote(here, zygotes.Profile(here.runtime / "site"), lambda _: None)
    await zygote.ready()
    child = await zygote.child(None, lambda: None)
    process = child.assign(here, command.RunSpec("app.py", folders, LIMITS, {}))
    os.write(process.stdin_fd, b"hello\\n")
    select.select([process.stdout_fd, process.pidfd], [], [], 20)
    print(os.read(process.stdout_fd, 100).decode(), process.wait(), (folders.storage / "kept").read_text())
    process.close()
    zygote.close()

here = host.find_host()
volumes.enter_private_mounts(here)
asyncio.run(main(here))
"""


def test_plain_user_gets_children_of_a_zygote(clone: Clone) -> None:
    (clone.folder / "sandbox" / "scene.py").write_text(SCRIPT)
    done = clone.run(inside=("/usr/bin/python3", "-m", "sandbox.scene"))
    assert done.stdout == "1000 hello\n 0 x\n", done.stderr
