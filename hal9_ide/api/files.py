"""Files of a draft: raw bytes, with ETag and If-Match so that nobody overwrites what they have not seen."""

import msgspec
from flask import Blueprint, Response, request

from hal9_ide.access import bot_for, bot_in, services, signed_in
from hal9_ide.api.shapes import FileRow
from hal9_ide.api.speaking import Done, answer, speaks
from hal9_ide.deploy import changed_paths
from hal9_ide.disk import check_free_disk
from hal9_ide.errors import Absent
from hal9_ide.offload import in_thread
from hal9_ide.rules import AUTHOR
from hal9_ide.store import drafts, versions
from hal9_ide.store.bots import Bot
from hal9_ide.store.drafts import Condition, Content
from hal9_ide.store.manifests import load_manifest
from hal9_ide.store.paths import checked_path

bp = Blueprint("files", __name__, url_prefix="/api/v1/bots/<bot_id>")


class FileList(msgspec.Struct):
    """The files of a draft."""

    files: list[FileRow]


class Saved(msgspec.Struct):
    """What a draft has now: the file's ETag and size, and the paths that differ from the live version."""

    etag: str
    bytes: int
    changed: list[str]


class Changed(msgspec.Struct):
    """The paths that differ from the live version."""

    changed: list[str]
    ok: bool = True


class Rename(msgspec.Struct):
    """Old and new path."""

    from_: str = msgspec.field(name="from")
    to: str


class Undelete(msgspec.Struct):
    """The path of a deleted file."""

    path: str


def changed_now(bot: Bot) -> list[str]:
    """Return the paths at which the draft differs from the live version."""
    with services().database.read() as session:
        files, live = drafts.draft(session, bot.id), versions.live_version(session, bot)
    return changed_paths(files, load_manifest(services().blobs, live.manifest) if live else None)


def condition() -> Condition:
    """Return what the request's If-Match and If-None-Match ask for."""
    tags = request.headers.get("If-Match")
    if_match = tags.strip().removeprefix("W/").strip('"') if tags and tags.strip() != "*" else None
    return Condition(if_match, must_be_new=request.headers.get("If-None-Match", "").strip() == "*")


@bp.get("/files")
@AUTHOR
@speaks()
def list_files(bot_id: str) -> FileList:
    """List the files of the draft."""
    bot = bot_for(signed_in(), bot_id)
    with services().database.read() as session:
        files = drafts.draft(session, bot.id)
    return FileList([FileRow(path, content.bytes, f'"{content.sha256}"') for path, content in files.items()])


@bp.get("/files/<path:path>")
@AUTHOR
def get_file(bot_id: str, path: str) -> Response:
    """Return a file's bytes; always as a download, never as a page of ours."""
    bot = bot_for(signed_in(), bot_id)
    with services().database.read() as session:
        content = drafts.draft(session, bot.id).get(checked_path(path))
    if content is None:
        raise Absent("There is no such file.")
    response = Response(services().blobs.get(content.sha256), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = "attachment"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(content.sha256)
    response.make_conditional(request)
    return response


@bp.put("/files/<path:path>")
@AUTHOR.with_upload(1)
@speaks()
def put_file(bot_id: str, path: str) -> Saved:
    """Create or overwrite a file with the request's bytes. 412 when If-Match or If-None-Match does not hold."""
    person, path, data = signed_in(), checked_path(path), request.get_data()
    bot = bot_for(person, bot_id)
    check_free_disk(services().settings)
    content = Content(in_thread(services().blobs.put, data), len(data))
    with services().database.write() as session:
        drafts.put_file(session, services().settings, bot_in(session, person, bot_id), path, content, condition())
    return Saved(f'"{content.sha256}"', content.bytes, changed_now(bot))


@bp.delete("/files/<path:path>")
@AUTHOR
@speaks()
def delete_file(bot_id: str, path: str) -> Changed:
    """Delete a file; it can be brought back."""
    person = signed_in()
    bot = bot_for(person, bot_id)
    with services().database.write() as session:
        if not drafts.delete_file(session, bot_in(session, person, bot_id), checked_path(path), condition()):
            raise Absent("There is no such file.")
    return Changed(changed_now(bot))


@bp.post("/rename")
@AUTHOR
@speaks(Rename)
def rename_file(bot_id: str, body: Rename) -> Done:
    """Rename a file. 409 when the new path is taken."""
    person = signed_in()
    with services().database.write() as session:
        if not drafts.rename_file(
            session, bot_in(session, person, bot_id), checked_path(body.from_), checked_path(body.to)
        ):
            raise Absent("There is no such file.")
    return Done()


@bp.post("/undelete")
@AUTHOR
@speaks(Undelete)
def undelete_file(bot_id: str, body: Undelete) -> Response:
    """Bring a deleted file back. 412 when there is a file at its path again."""
    person = signed_in()
    bot = bot_for(person, bot_id)
    with services().database.write() as session:
        content = drafts.restore_file(
            session, services().settings, bot_in(session, person, bot_id), checked_path(body.path)
        )
    if content is None:
        raise Absent("There is no such deleted file.")
    return answer(Saved(f'"{content.sha256}"', content.bytes, changed_now(bot)))
