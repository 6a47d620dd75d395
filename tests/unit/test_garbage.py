"""`gc`: what it removes, and what it must not."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hal9_ide.ops.garbage import collect_garbage
from hal9_ide.settings import Settings, read_settings
from hal9_ide.store import migrate
from hal9_ide.store.base import now_ms
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.bots import Bot, DraftFile, Version
from hal9_ide.store.chats import Chat, Folder, Message, Turn
from hal9_ide.store.people import LoginLink, SignIn, User
from hal9_ide.store.write import Database

DAY_MS = 24 * 3_600_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = read_settings({"HAL9_IDE_DATA_DIR": str(tmp_path / "data")})
    migrate.upgrade(settings.database)
    return settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database)
    yield database
    database.close()


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.blobs_dir)


def old_blob(blobs: Blobs, data: bytes) -> str:
    sha = blobs.put(data)
    two_days_ago = time.time() - 2 * 86400
    os.utime(blobs.path(sha), (two_days_ago, two_days_ago))
    return sha


def user(session: Session, name: str, *, is_guest: bool = False, seen_at_ms: int | None = None) -> User:
    person = User(name=name, name_key=name, is_guest=is_guest, seen_at_ms=seen_at_ms or now_ms())
    session.add(person)
    session.flush()
    return person


def bot(session: Session, owner: User, slug: str = "echo", deleted_at_ms: int | None = None) -> Bot:
    made = Bot(owner_id=owner.id, slug=slug, name_key=slug, deleted_at_ms=deleted_at_ms)
    session.add(made)
    session.flush()
    return made


def test_a_blob_that_nothing_names_goes_after_a_day(settings: Settings, blobs: Blobs) -> None:
    old, young = old_blob(blobs, b"old"), blobs.put(b"young")
    removed = collect_garbage(settings)
    assert (removed.blobs, removed.blob_bytes) == (1, 3)
    assert not blobs.has(old) and blobs.has(young)


def test_what_a_draft_a_version_a_turn_and_a_folder_name_stays(
    settings: Settings, database: Database, blobs: Blobs
) -> None:
    kept = {word: old_blob(blobs, word.encode()) for word in ("draft", "file", "note", "events", "stored")}
    version = old_blob(
        blobs, json.dumps({"files": {"app.py": kept["file"]}, "main": "app.py"}, separators=(",", ":")).encode()
    )
    folder = old_blob(
        blobs, json.dumps({"entries": {"n": ["file", kept["note"], 4, 420]}}, separators=(",", ":")).encode()
    )
    storage = old_blob(
        blobs, json.dumps({"entries": {"s": ["file", kept["stored"], 6, 420]}}, separators=(",", ":")).encode()
    )
    with database.write() as session:
        one = bot(session, user(session, "ada"))
        chat = Chat(bot_id=one.id, stage="live", manifest=version)
        session.add_all(
            [
                DraftFile(bot_id=one.id, path="app.py", sha256=kept["draft"], bytes=5),
                Version(bot_id=one.id, number=1, manifest=version, added_bytes=4, created_by="x", source="rocket"),
                Folder(bot_id=one.id, stage="live", scope="shared", owner="", manifest=folder),
                chat,
            ]
        )
        session.flush()
        session.add(
            Turn(
                chat_id=chat.id,
                number=1,
                manifest=version,
                by="open",
                events=kept["events"],
                folders={".storage": storage},
            )
        )
    assert collect_garbage(settings).blobs == 0
    assert all(blobs.has(sha) for sha in [*kept.values(), version, folder, storage])


def test_a_bot_deleted_yesterday_goes_with_its_chats_and_one_deleted_today_stays(
    settings: Settings, database: Database
) -> None:
    with database.write() as session:
        ada = user(session, "ada")
        gone = bot(session, ada, "gone", deleted_at_ms=now_ms() - 2 * DAY_MS)
        kept = bot(session, ada, "kept", deleted_at_ms=now_ms() - 1000)
        for one in (gone, kept):
            chat = Chat(bot_id=one.id, stage="draft", manifest="0" * 64)
            session.add(chat)
            session.flush()
            session.add(Message(chat_id=chat.id, message_id="m", position=1, text="hello"))
            session.add(Folder(bot_id=one.id, stage="draft", scope="shared", owner="", manifest="0" * 64))
    assert collect_garbage(settings).bots == 1
    with database.read() as session:
        assert session.scalars(select(Bot.slug)).all() == ["kept"]
        assert len(session.scalars(select(Chat.id)).all()) == 1
        assert len(session.scalars(select(Message.text)).all()) == 1
        assert len(session.scalars(select(Folder.scope)).all()) == 1


def test_guests_who_left_without_a_deploy_go_and_others_stay(settings: Settings, database: Database) -> None:
    long_ago = now_ms() - 31 * DAY_MS
    with database.write() as session:
        bot(session, user(session, "left", is_guest=True, seen_at_ms=long_ago))
        user(session, "empty", is_guest=True, seen_at_ms=long_ago)
        deployed = bot(session, user(session, "deployed", is_guest=True, seen_at_ms=long_ago))
        session.add(
            Version(bot_id=deployed.id, number=1, manifest="0" * 64, added_bytes=0, created_by="x", source="rocket")
        )
        bot(session, user(session, "named", seen_at_ms=long_ago))
        bot(session, user(session, "recent", is_guest=True))
    assert collect_garbage(settings).guests == 2
    with database.read() as session:
        assert set(session.scalars(select(User.name)).all()) == {"deployed", "named", "recent"}
        assert len(session.scalars(select(Bot.id)).all()) == 3


def test_sign_ins_that_open_nothing_go(settings: Settings, database: Database) -> None:
    now = now_ms()
    with database.write() as session:
        ada = user(session, "ada")
        session.add_all(
            [
                SignIn(id="good", user_id=ada.id, expires_at_ms=now + DAY_MS),
                SignIn(id="expired", user_id=ada.id, expires_at_ms=now - 1000),
                SignIn(id="revoked", user_id=ada.id, expires_at_ms=now + DAY_MS, revoked_at_ms=now - 1000),
                LoginLink(secret_hash="good", user_id=ada.id, expires_at_ms=now + DAY_MS),
                LoginLink(secret_hash="used", user_id=ada.id, expires_at_ms=now + DAY_MS, used_at_ms=now - 1000),
            ]
        )
    assert collect_garbage(settings).sign_ins == 3
    with database.read() as session:
        assert session.scalars(select(SignIn.id)).all() == ["good"]
        assert session.scalars(select(LoginLink.secret_hash)).all() == ["good"]


def test_a_draft_left_by_a_killed_writer_goes(settings: Settings, blobs: Blobs) -> None:
    sha = old_blob(blobs, b"x")
    draft = blobs.path(sha).with_name(f".{sha}.1234")
    draft.write_bytes(b"half")
    os.utime(draft, (0, 0))
    collect_garbage(settings)
    assert not draft.exists()
