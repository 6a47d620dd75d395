"""Tables of people: users and what proves that a request is theirs. Whatever opens a door is stored as a hash."""

from sqlalchemy import BigInteger, Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from hal9_ide.store.base import Base, new_id, now_ms


class User(Base):
    """An author: a guest until they take a name or sign in as somebody."""

    __tablename__ = "user"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(String(64), unique=True)  # casefolded: names differ by more than case
    is_guest: Mapped[bool] = mapped_column(Boolean)
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    seen_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms, index=True)


class SignIn(Base):
    """A browser's session. It lives here, not in the cookie, so that it can be revoked."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # sha256 of the cookie
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    revoked_at_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)


class Token(Base):
    """What a program shows instead of a cookie, in the header `ApiKey`."""

    __tablename__ = "token"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)  # sha256 of the token
    prefix: Mapped[str] = mapped_column(String(16))  # the visible beginning, to tell tokens apart
    scope: Mapped[str] = mapped_column(String(16))  # deploy | operator
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    last_used_at_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)
    revoked_at_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)


class LoginLink(Base):
    """A link that signs in once."""

    __tablename__ = "login_link"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # sha256 of the secret in the link
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires_at_ms: Mapped[int] = mapped_column(BigInteger)
    used_at_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)
