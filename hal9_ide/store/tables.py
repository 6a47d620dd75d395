"""All tables, imported once so that the metadata is whole, whichever of them a caller needs."""

from hal9_ide.store.base import Base
from hal9_ide.store.bots import Bot, BotEvent, DraftFile, Version, Visitor
from hal9_ide.store.chats import Chat, Folder, Message, Published, Turn
from hal9_ide.store.people import LoginLink, SignIn, Token, User

__all__ = [
    "Base",
    "Bot",
    "BotEvent",
    "Chat",
    "DraftFile",
    "Folder",
    "LoginLink",
    "Message",
    "Published",
    "SignIn",
    "Token",
    "Turn",
    "User",
    "Version",
    "Visitor",
]
