"""The chat's WebSocket: checks who comes, then passes frames between the client and the Runner, no more."""

import gevent
import structlog
from flask import Blueprint, g

from hal9_ide.access import Services, chat_for, cookie_person, services
from hal9_ide.chat import Link
from hal9_ide.deploy import draft_manifest
from hal9_ide.errors import BadRequest, Hal9Error, NotSignedIn
from hal9_ide.protocol import (
    CLIENT_FRAME_BYTES,
    SUBPROTOCOL,
    Message,
    Refused,
    Restart,
    Resume,
    Stop,
    checked_message,
    decode_client_frame,
    encode_frame,
)
from hal9_ide.rules import SOCKET
from hal9_ide.sock import Upgrade, sock
from hal9_ide.sockets import BAD_DATA, TRY_LATER, Closed, WebSocket
from hal9_ide.store import visits
from hal9_ide.store.bots import Bot
from hal9_ide.store.chats import Chat

log = structlog.get_logger()
bp = Blueprint("ws", __name__, url_prefix="/api/v1")


@sock.route("/chats/<chat_id>/ws", bp=bp)
@SOCKET
def chat_socket(upgrade: Upgrade, chat_id: str) -> None:
    """Speak the chat protocol: the author of a draft chat by session, a visitor by sub-protocol."""
    chat, bot = chat_for(chat_id)
    socket = upgrade.accept(SUBPROTOCOL, CLIENT_FRAME_BYTES)
    Relay(services(), chat, bot, socket, is_author=g.visitor is None).run()


class Relay:
    """One client and one chat. The client's greenlet reads the client; a second one reads the Runner."""

    def __init__(self, context: Services, chat: Chat, bot: Bot, socket: WebSocket, *, is_author: bool) -> None:
        self._context, self._chat, self._bot, self._socket = context, chat, bot, socket
        self._is_author = is_author

    def run(self) -> None:
        """Pass frames until either side closes."""
        try:
            link = self._context.runner.attach(self._chat.id, is_author=self._is_author)
        except Hal9Error as error:
            self._socket.close(TRY_LATER, error.sentence)
            return
        pump = gevent.spawn(self._pump, link)
        try:
            while True:
                self._handle(link, self._socket.receive())
        except Closed:
            pass
        except BadRequest as error:
            self._socket.close(BAD_DATA, error.sentence)
        except Hal9Error as error:
            self._socket.close(TRY_LATER, error.sentence)
        finally:
            link.close()
            pump.join()

    def _pump(self, link: Link) -> None:
        """Pass on what the Runner sends. While the client is slow this waits; the Runner cuts who is too far behind."""
        try:
            for frame in link.frames():
                self._socket.send(frame)
        except Closed:
            return
        self._socket.close(TRY_LATER, "The chat is not at hand. Come back in a moment.")

    def _handle(self, link: Link, text: str) -> None:
        frame = decode_client_frame(text)
        match frame:
            case Message():
                self._check_signed_in()
                self._deliver(link, frame)
            case Stop():
                link.send("stop")
            case Restart():
                self._check_signed_in()
                self._restart(link)
            case Resume():
                link.send("resume", after=max(0, frame.after))

    def _deliver(self, link: Link, frame: Message) -> None:
        try:
            message = checked_message(frame)
            self._check_open()
        except Hal9Error as error:
            self._socket.send(encode_frame(Refused(frame.id[:64], error.code, error.sentence)))
            return
        link.send("deliver", id=message.id, text=message.text, uploads=message.uploads)

    def _check_signed_in(self) -> None:
        """End a socket whose author has signed out since it was opened. Raises NotSignedIn."""
        if self._is_author and cookie_person() is None:
            raise NotSignedIn("You have signed out. Load the page again.")

    def _check_open(self) -> None:
        """Refuse a visitor's message to a bot that was taken down since the chat began. Raises Hal9Error."""
        if self._is_author:
            return
        with self._context.database.read() as session:
            if visits.is_taken_down(session, self._bot.id):
                raise Hal9Error("This bot was taken down by its author.", code="taken_down")

    def _restart(self, link: Link) -> None:
        """Start afresh; a draft chat with the draft as it is now."""
        if self._is_author:
            with self._context.database.read() as session:
                bot = session.get(Bot, self._bot.id) or self._bot  # its main file may have another name by now
            manifest = draft_manifest(self._context.database, self._context.blobs, bot)
            with self._context.database.write() as session:
                visits.pin_draft(session, self._chat.id, manifest)
        link.send("restart")
