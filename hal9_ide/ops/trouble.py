"""What an operator's command says when it cannot do its work."""


class Trouble(Exception):
    """A failure that is not ours; its text is one sentence for the operator, without a traceback."""
