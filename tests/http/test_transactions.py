"""Nothing yields inside a write transaction: under gevent that froze every socket of a process for 5 s."""

import subprocess
import sys
from pathlib import Path

from tests.http.conftest import environment
from tests.live import ROOT

SCRIPT = """
import sys, traceback
from contextlib import contextmanager
from gevent import monkey
monkey.patch_all()
import greenlet
from hal9_ide import auth
from hal9_ide.settings import read_settings
from hal9_ide.store.write import Database
from hal9_ide.web import create_app
from tests.http.conftest import AS_SENT, Browser, FakeRunner, services_of, visitor

inside = count = 0
write = Database.write

@contextmanager
def watched(self, *arguments):
    global inside, count
    with write(self, *arguments) as session:
        inside += 1
        count += 1
        try:
            yield session
        finally:
            inside -= 1

def on_switch(event, arguments):
    if inside:
        traceback.print_stack()
        print("a switch inside a transaction", file=sys.stderr)
        sys.stderr.flush()
        import os
        os._exit(7)

Database.write = watched
greenlet.settrace(on_switch)
app = create_app(read_settings(), runner=FakeRunner())
guest = Browser(app).begin()
bot = guest.make_bot()
guest.ask("PUT", f"bots/{bot}/files/b.py", data=b"x")
guest.post(f"bots/{bot}/rename", {"from": "b.py", "to": "c.py"})
guest.ask("DELETE", f"bots/{bot}/files/c.py")
guest.post(f"bots/{bot}/undelete", {"path": "c.py"})
key = guest.deploy(bot)["key"]
guest.ask("PUT", f"bots/{bot}/files/b.py", data=b"y")
guest.post(f"bots/{bot}/deploy", headers={"Accept": "application/x-ndjson"}).data
guest.post(f"bots/{bot}/live", {"version": 1})
guest.ask("PATCH", f"bots/{bot}", json={"access": "public", "title": "x", "taken_down": False})
guest.post(f"bots/{bot}/rotate")
token = guest.post("tokens").get_json()["token"]
chat = guest.post(f"bots/{bot}/chats").get_json()["id"]
guest.ask("PATCH", f"chats/{chat}", json={"title": "x"})
guest.ask("DELETE", f"chats/{chat}")
key = guest.get(f"bots/{bot}").get_json()["url"].rpartition("/")[2]
assert visitor(app, "POST", f"share/{key}/chats").status_code == 201
answer = app.test_client().post("/api/v1/assets/upload", json=AS_SENT, headers={"ApiKey": token}, base_url="http://127.0.0.1:8000")
assert answer.status_code == 200, answer.text
guest.ask("DELETE", f"bots/{bot}")
guest.post(f"bots/{bot}/restore")
assert guest.post("login", {"token": token}).status_code == 200
print(count)
"""


def test_no_route_yields_inside_a_transaction(tmp_path: Path) -> None:
    env = {**environment(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.splitlines()[-1]) > 20
