"""Looking at a link costs nothing: no row, no run, no cookie."""

import re

import requests

from tests.live import LiveServer
from tests.people import Author


def counts(server: LiveServer, token: str) -> dict[str, float]:
    """Return what the server has on record and runs now."""
    text = requests.get(f"{server.url}/metrics", headers={"ApiKey": token}, timeout=10).text
    found = dict(re.findall(r"^(hal9_ide_(?:\w+_on_record|runs|waiting|chats)) (\S+)", text, re.M))
    return {name: float(value) for name, value in found.items()}


def test_200_looks_at_a_share_link_start_nothing_and_add_no_row(server: LiveServer, author: Author) -> None:
    link = author.deploy("print('hello')\ninput()\n").url
    operator = server.command("token", "create", "--user", "op", "--scope", "operator").split()[-1]
    before = counts(server, operator)
    assert len(before) > 4
    with requests.Session() as crawler:
        for number in range(200):
            answer = crawler.request("HEAD" if number % 4 == 0 else "GET", link, timeout=10)
            assert answer.status_code == 200
            assert not answer.cookies
    assert counts(server, operator) == before
