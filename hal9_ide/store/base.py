"""The declarative base that every table shares, and the shapes of ids and times."""

import secrets
import time

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables. Constraints have names, so that migrations can change them on every database."""

    metadata = MetaData(naming_convention=NAMES)


def new_id() -> str:
    """Return a new opaque id: 128 random bits, URL-safe."""
    return secrets.token_urlsafe(16)


def now_ms() -> int:
    """Return the time as UTC milliseconds, the form of every `*_at_ms` column."""
    return time.time_ns() // 1_000_000
