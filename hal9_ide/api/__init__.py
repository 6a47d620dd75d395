"""The IDE's own HTTP API under /api/v1, and the upload of the published command line."""

from flask import Flask

from hal9_ide.api.bots import bp as bots
from hal9_ide.api.chats import bp as chats
from hal9_ide.api.deploys import bp as deploys
from hal9_ide.api.files import bp as files
from hal9_ide.api.openapi import bp as openapi
from hal9_ide.api.sessions import bp as sessions
from hal9_ide.api.tokens import bp as tokens
from hal9_ide.api.upload import bp as upload


def register(app: Flask) -> None:
    """Add all routes of the API to `app`."""
    for blueprint in (sessions, tokens, bots, files, deploys, chats, upload, openapi):
        app.register_blueprint(blueprint)
