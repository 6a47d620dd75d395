"""A request to the supervisor that had no effect."""


class Refused(Exception):
    """`code` is one of `sentences.REFUSALS`; `retry_after` seconds, None where waiting does not help."""

    def __init__(self, code: str, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after
