"""The supervisor's hand on the store: a Recorder whose one thread writes what came together in one transaction.

Committing costs a disk sync. Two hundred chats that talk at once would need hundreds a second; what has queued up while
the last commit was under way is committed together, so that they need only as many as the disk gives.
"""

import queue
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from hal9_ide.store.base import now_ms
from hal9_ide.store.blobs import Blobs
from hal9_ide.store.bots import Bot
from hal9_ide.store.chats import Chat, Folder, Message, Published, Turn
from hal9_ide.store.people import User
from hal9_ide.store.write import Database
from sandbox.record import ChatRecord, FolderKey, TurnRecord, Waiting

log = structlog.get_logger()
BATCH = 200
INLINE_BYTES = 16 * 1024
"""A compressed log up to this size stays in its row: a file of its own would cost another sync per turn."""

Act = Callable[[Session], Any]
Network = Callable[[list[str] | None, bool], list[str]]
"""Says whom a bot may reach, from what its author chose and whether that is a guest."""


class Job:
    """Something to do in a transaction, what comes before and after it (files: slow), and who waits."""

    def __init__(self, act: Act, prepare: Callable[[], None] | None, then: Callable[[Any], Any] | None) -> None:
        self.act, self.prepare, self.then = act, prepare, then
        self.future: Future[Any] = Future()
        # Whoever waits may be cancelled with their task; what was handed over is written all the same, once.
        self.future.set_running_or_notify_cancel()
        self.result: Any = None


class StoreRecorder:
    """Implements `sandbox.record.Recorder` on the tables. Owns one thread; `close` ends it after the last job."""

    def __init__(self, database: Database, blobs: Blobs, network: Network) -> None:
        self._database, self._blobs, self._network = database, blobs, network
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Return when everything asked for is on record."""
        self._jobs.put(None)
        self._thread.join()

    def load(self, chat: str) -> "Future[ChatRecord | None]":
        """See Recorder."""
        return self._submit(lambda session: _load(session, chat, self._network))

    def reserve(self, chat: str, ceiling: int) -> "Future[None]":
        """See Recorder."""
        return self.update(chat, {"seq_ceiling": ceiling})

    def update(self, chat: str, changes: Mapping[str, object]) -> "Future[None]":
        """See Recorder."""
        values = dict(changes)
        return self._submit(
            lambda session: _nothing(session.execute(update(Chat).where(Chat.id == chat).values(values)))
        )

    def accept(self, chat: str, message: str, text: str, uploads: Sequence[str]) -> "Future[bool]":
        """See Recorder."""
        files = list(uploads)
        return self._submit(lambda session: _accept(session, chat, message, text, files))

    def begin(self, chat: str, turn: TurnRecord) -> "Future[None]":
        """See Recorder."""
        values = _turn_values(chat, turn)
        return self._submit(lambda session: _begin(session, values))

    def seal(self, chat: str, turn: TurnRecord, events: bytes) -> "Future[None]":
        """See Recorder."""
        values = _turn_values(chat, turn)

        def prepare() -> None:
            packed = zlib.compress(events, 1)
            if len(packed) <= INLINE_BYTES:
                values["events_inline"] = packed
            else:
                values["events"] = self._blobs.put(packed)

        return self._submit(lambda session: _seal(session, values), prepare)

    def folder(self, key: FolderKey) -> "Future[str | None]":
        """See Recorder."""
        return self._submit(lambda session: session.scalar(select(Folder.manifest).filter_by(**_folder(key))))

    def keep_folder(self, key: FolderKey, manifest: str) -> "Future[None]":
        """See Recorder."""
        row = insert(Folder).values(**_folder(key), manifest=manifest, updated_at_ms=now_ms())
        changes = {"manifest": row.excluded.manifest, "updated_at_ms": row.excluded.updated_at_ms}
        upsert = row.on_conflict_do_update(index_elements=list(_folder(key)), set_=changes)
        return self._submit(lambda session: _nothing(session.execute(upsert)))

    def publish(self, key: str, chat: str, turn: int, manifest: str) -> "Future[None]":
        """See Recorder."""
        row = Published(key=key, chat_id=chat, turn_number=turn, manifest=manifest)
        return self._submit(lambda session: session.add(row))

    def events_after(self, chat: str, seq: int) -> "Future[bytes | None]":
        """See Recorder."""
        return self._submit(lambda session: _events_after(session, chat, seq), then=self._unpacked)

    def _unpacked(self, row: Any) -> bytes | None:
        if row is None:
            return None
        return zlib.decompress(row.events_inline if row.events_inline is not None else self._blobs.get(row.events))

    def unfinished(self) -> "Future[tuple[list[tuple[str, TurnRecord]], list[Waiting]]]":
        """See Recorder."""
        return self._submit(_unfinished)

    def _submit(
        self, act: Act, prepare: Callable[[], None] | None = None, then: Callable[[Any], Any] | None = None
    ) -> "Future[Any]":
        job = Job(act, prepare, then)
        self._jobs.put(job)
        return job.future

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            ready = [job for job in batch if self._prepared(job)]
            try:
                self._commit(ready)
            except Exception:
                for job in ready:
                    self._commit_alone(job)

    def _next_batch(self) -> tuple[list[Job], bool]:
        batch: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) >= BATCH or self._jobs.empty():
                return batch, True
            job = self._jobs.get()
        return batch, False

    @staticmethod
    def _prepared(job: Job) -> bool:
        try:
            if job.prepare is not None:
                job.prepare()
        except Exception as problem:
            log.exception("record not prepared")
            job.future.set_exception(problem)
            return False
        return True

    def _commit(self, jobs: list[Job]) -> None:
        """Do `jobs` in one transaction, then tell who waits."""
        if not jobs:
            return
        with self._database.write() as session:
            for job in jobs:
                job.result = job.act(session)
        for job in jobs:
            _tell(job)

    def _commit_alone(self, job: Job) -> None:
        try:
            self._commit([job])
        except Exception as problem:
            log.exception("record not written")
            job.future.set_exception(problem)


def _tell(job: Job) -> None:
    try:
        job.future.set_result(job.then(job.result) if job.then else job.result)
    except Exception as problem:
        job.future.set_exception(problem)


def _nothing(_result: object) -> None:
    return None


def _folder(key: FolderKey) -> dict[str, str]:
    return {"bot_id": key.bot, "stage": key.stage, "scope": key.scope, "owner": key.owner}


def _load(session: Session, chat: str, network: Network) -> ChatRecord | None:
    row = session.get(Chat, chat)
    if row is None:
        return None
    chosen, is_guest = session.execute(
        select(Bot.network, User.is_guest).join(User, User.id == Bot.owner_id).where(Bot.id == row.bot_id)
    ).one()
    last_turn = session.scalar(select(func.max(Turn.number)).filter_by(chat_id=chat)) or 0
    last_position = session.scalar(select(func.max(Message.position)).filter_by(chat_id=chat)) or 0
    return ChatRecord(
        chat=row.id,
        bot=row.bot_id,
        stage=row.stage,
        owner=row.user_id or row.visitor_id or "",
        manifest=row.manifest,
        version=row.version_number,
        seq_ceiling=row.seq_ceiling,
        has_opened=row.has_opened,
        opening=(row.opening[0], row.opening[1]) if row.opening else None,
        work_base=row.work_base,
        work_hash=row.work_hash,
        storage_hash=row.storage_hash,
        last_turn=last_turn,
        last_position=last_position,
        network=tuple(network(chosen, is_guest)),
    )


def _accept(session: Session, chat: str, message: str, text: str, uploads: list[str]) -> bool:
    last = session.scalar(select(func.max(Message.position)).filter_by(chat_id=chat)) or 0
    row = insert(Message).values(
        chat_id=chat, message_id=message, position=last + 1, text=text, uploads=uploads, accepted_at_ms=now_ms()
    )
    added = session.execute(row.on_conflict_do_nothing().returning(Message.position)).first()
    if added is not None:
        session.execute(update(Chat).where(Chat.id == chat).values(updated_at_ms=now_ms()))
    return added is not None


def _turn_values(chat: str, turn: TurnRecord) -> dict[str, Any]:
    """Return the columns of a turn as they are now: the record may change before the thread gets to it."""
    return {
        "chat_id": chat,
        "number": turn.number,
        "manifest": turn.manifest,
        "by": turn.by,
        "message_id": turn.message,
        "input": turn.input,
        "uploads": list(turn.uploads),
        "started_at_ms": turn.started_at_ms,
        "first_seq": turn.first_seq,
        "last_seq": turn.last_seq,
        "reply": turn.reply,
        "folders": dict(turn.folders),
        "ended": turn.ended,
        "exit_status": turn.exit_status,
        "milliseconds": turn.milliseconds,
        "peak_memory_bytes": turn.peak_memory_bytes,
        "error": asdict(turn.error) if turn.error else None,
    }


def _begin(session: Session, values: dict[str, Any]) -> None:
    session.execute(insert(Turn).values(**values))
    if values["message_id"] is not None:
        chat, message = values["chat_id"], values["message_id"]
        where = (Message.chat_id == chat, Message.message_id == message)
        session.execute(update(Message).where(*where).values(turn_number=values["number"]))


def _seal(session: Session, values: dict[str, Any]) -> None:
    where = (Turn.chat_id == values["chat_id"], Turn.number == values["number"])
    session.execute(update(Turn).where(*where).values(**values))


def _events_after(session: Session, chat: str, seq: int) -> Any:
    query = (
        select(Turn.events, Turn.events_inline)
        .where(Turn.chat_id == chat, Turn.last_seq > seq, Turn.ended.is_not(None))
        .order_by(Turn.number)
        .limit(1)
    )
    return session.execute(query).first()


def _unfinished(session: Session) -> tuple[list[tuple[str, TurnRecord]], list[Waiting]]:
    turns = session.scalars(select(Turn).where(Turn.ended.is_(None)).order_by(Turn.chat_id, Turn.number))
    messages = session.scalars(
        select(Message).where(Message.turn_number.is_(None)).order_by(Message.chat_id, Message.position)
    )
    return (
        [(turn.chat_id, _turn_record(turn)) for turn in turns],
        [Waiting(row.chat_id, row.message_id, row.text, row.uploads) for row in messages],
    )


def _turn_record(turn: Turn) -> TurnRecord:
    return TurnRecord(
        number=turn.number,
        manifest=turn.manifest,
        by=turn.by,
        message=turn.message_id,
        input=turn.input,
        uploads=list(turn.uploads),
        started_at_ms=turn.started_at_ms,
        first_seq=turn.first_seq,
        folders=dict(turn.folders),
    )
