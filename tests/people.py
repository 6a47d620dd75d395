"""The people of the tests: authors with a session, visitors with nothing but a link."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.chat_socket import ChatSocket

API = "/api/v1"
ECHO = 'echo = input()\nprint(f"Echo: {echo}")\n'
TIMEOUT_SECONDS = 30


class Deployed:
    """A bot that has a link."""

    def __init__(self, bot: str, answer: Mapping[str, Any]) -> None:
        self.bot = bot
        self.url: str = answer["url"]
        self.number: int = answer["number"]
        self.key = urlsplit(self.url).path.rpartition("/")[2]


class Author:
    """Somebody with a session: a guest, or the user that a one-time link signs in."""

    def __init__(self, server_url: str, *, login_link: str = "") -> None:
        self.url = server_url
        self.http = requests.Session()
        self.http.headers["Origin"] = server_url
        answer = self._check(self.http.post(f"{self.url}{API}/session", json={}, timeout=TIMEOUT_SECONDS))
        self.csrf: str = answer["csrf"]
        if login_link:
            secret = login_link.partition("link=")[2]
            answer = self.post("/login", json={"link": secret})
            self.csrf = answer["csrf"]
        self.user: dict[str, Any] = answer["user"]

    def __enter__(self) -> "Author":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.http.close()

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request to a path of the API with session and CSRF token; return the answer whatever it is."""
        headers = {"X-CSRF-Token": self.csrf, **options.pop("headers", {})}
        return self.http.request(method, f"{self.url}{API}{path}", headers=headers, timeout=TIMEOUT_SECONDS, **options)

    def get(self, path: str, **options: Any) -> Any:
        """GET and return the JSON. Raises AssertionError when it is refused."""
        return self._check(self.request("GET", path, **options))

    def post(self, path: str, **options: Any) -> Any:
        """POST and return the JSON. Raises AssertionError when it is refused."""
        return self._check(self.request("POST", path, **options))

    def put_file(self, bot: str, path: str, text: str | bytes) -> Any:
        """Write a file of a draft."""
        data = text.encode() if isinstance(text, str) else text
        return self._check(self.request("PUT", f"/bots/{bot}/files/{path}", data=data))

    @staticmethod
    def _check(answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    def make_bot(self, files: Mapping[str, str] | str = ECHO, title: str = "") -> str:
        """Make a bot of these files (a text: app.py) and return its id."""
        files = {"app.py": files} if isinstance(files, str) else dict(files)
        made: str = self.post("/bots", json={"files": files} | ({"title": title} if title else {}))["id"]
        return made

    def deploy(self, files: Mapping[str, str] | str = ECHO, *, bot: str = "", access: str = "") -> Deployed:
        """Deploy a bot (made of `files` when none is given) and return its link."""
        bot = bot or self.make_bot(files)
        return Deployed(bot, self.post(f"/bots/{bot}/deploy", json={"access": access} if access else {}))

    def open_chat(self, bot: str) -> str:
        """Open a draft chat of a bot and return its id."""
        opened: str = self.post(f"/bots/{bot}/chats", json={})["id"]
        return opened

    def socket(self, chat: str) -> ChatSocket:
        """Return a socket for a draft chat, not connected."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        return ChatSocket(self.url, chat, headers={"Cookie": cookies})

    def chat(self, files: Mapping[str, str] | str = ECHO) -> ChatSocket:
        """Make a bot, open a chat with it, and return the connected socket."""
        return self.socket(self.open_chat(self.make_bot(files))).connect()


class Visitor:
    """Somebody with a link and no cookie. `secret` is "" until the first chat."""

    def __init__(self, server_url: str, key: str) -> None:
        self.url = server_url
        self.key = key
        self.secret = ""

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request to a path of the API with the visitor's secret, if there is one."""
        headers = {"X-Visitor": self.secret} if self.secret else {}
        headers |= options.pop("headers", {})
        return requests.request(method, f"{self.url}{API}{path}", headers=headers, timeout=TIMEOUT_SECONDS, **options)

    def open_chat(self) -> str:
        """Open a chat on the link and return its id."""
        answer = self.request("POST", f"/share/{self.key}/chats", json={})
        assert answer.ok, f"{answer.status_code} {answer.text[:2000]}"
        self.secret = answer.json()["visitor"]
        opened: str = answer.json()["id"]
        return opened

    def socket(self, chat: str) -> ChatSocket:
        """Return a socket for one of this visitor's chats, not connected."""
        return ChatSocket(self.url, chat, visitor=self.secret)

    def chat(self) -> ChatSocket:
        """Open a chat on the link and return the connected socket."""
        return self.socket(self.open_chat()).connect()
