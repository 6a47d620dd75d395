"""Everything that can go wrong, as a tree: who is at fault decides the class, and the class decides the status.

Hal9Error                 500  our own failure
├── BadRequest            400  the request makes no sense
├── NotSignedIn           401  nobody, or nobody we know
├── NotAllowed            403  known, but not for this
├── Absent                404  not there, or another person's
├── Conflict              409  somebody else was faster, or the name is taken
├── LostRace              412  the file changed since it was read
├── TooLarge              413  over a limit
├── Refused               422  understood, and will not be done
├── WrongHost             421  a Host that this server does not serve
├── Busy                  429  not now; try again after some seconds
└── Unavailable           503  the server cannot run bots
    └── DiskFull          507  the server has no room left

SettingsError                  a wrong setting: stops the start
"""

from typing import ClassVar


class Hal9Error(Exception):
    """A failure with a sentence for the person, a machine word and an HTTP status."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "failed"

    def __init__(self, sentence: str, *, code: str | None = None, details: dict[str, object] | None = None) -> None:
        """Take the `sentence` that the person sees and `details`, further JSON fields beside it."""
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code
        self.details = details or {}

    @property
    def retry_after(self) -> int | None:
        """Seconds after which a repeat can succeed; None: a repeat will not help."""
        return None

    def as_json(self) -> dict[str, object]:
        """Return the one shape of every JSON error."""
        return {"ok": False, "error": self.sentence, "code": self.code, **self.details}


class BadRequest(Hal9Error):
    """The request makes no sense."""

    status = 400
    default_code = "bad_request"


class NotSignedIn(Hal9Error):
    """No session, no token, or none that is known."""

    status = 401
    default_code = "sign_in"


class NotAllowed(Hal9Error):
    """Known, but not for this."""

    status = 403
    default_code = "not_allowed"


class Absent(Hal9Error):
    """Not there, or another person's, which is the same to whoever asks."""

    status = 404
    default_code = "absent"

    def __init__(self, sentence: str = "There is nothing at this address.", *, code: str | None = None) -> None:
        super().__init__(sentence, code=code)


class Conflict(Hal9Error):
    """Somebody else was faster, or the name is taken."""

    status = 409
    default_code = "conflict"


class LostRace(Hal9Error):
    """The file changed since it was read."""

    status = 412
    default_code = "lost_race"


class TooLarge(Hal9Error):
    """Over a limit; the sentence names it."""

    status = 413
    default_code = "too_large"


class WrongHost(Hal9Error):
    """The request names a Host that this server does not serve."""

    status = 421
    default_code = "wrong_host"


class Refused(Hal9Error):
    """Understood, and will not be done."""

    status = 422
    default_code = "refused"


class Busy(Hal9Error):
    """Not now."""

    status = 429
    default_code = "busy"

    def __init__(self, sentence: str, *, code: str | None = None, seconds: int = 5) -> None:
        super().__init__(sentence, code=code)
        self._seconds = max(1, seconds)

    @property
    def retry_after(self) -> int | None:
        """Seconds after which a repeat can succeed."""
        return self._seconds


class Unavailable(Hal9Error):
    """The server cannot run bots now."""

    status = 503
    default_code = "sandbox_unavailable"


class DiskFull(Unavailable):
    """The server has no room left; what runs goes on."""

    status = 507
    default_code = "disk_full"


class SettingsError(Exception):
    """A setting with a wrong value; the message begins with its name."""
