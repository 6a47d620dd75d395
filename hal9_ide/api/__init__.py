"""The IDE's own HTTP API under /api/v1, and the upload of the published command line."""

from flask import Flask

from hal9_ide.api import bots, chats, deploys, files, openapi, sessions, tokens, upload

BLUEPRINTS = (sessions.bp, tokens.bp, bots.bp, files.bp, deploys.bp, chats.bp, upload.bp, openapi.bp)


def register(app: Flask) -> None:
    """Add all routes of the API to `app`."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
