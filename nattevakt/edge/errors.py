"""Errors sorted by what the caller should do. Serves every arrow; must not know any of them.

`Retry`: the same call may succeed later, nothing is wrong with the input.
`Reject`: the input is wrong and stays wrong; say why to whoever sent it, count it, go on with the next.
Anything else that is raised is a bug in this program.
"""


class NattevaktError(Exception):
    """Root of all errors that this product raises on purpose."""


class RetryError(NattevaktError):
    """The same call may succeed later: a full disk, a database that is away, a closed port."""


class RejectError(NattevaktError):
    """The input is wrong.

    field: the path of the wrong part as its sender knows it ("events[3].seq", "device[0].profile").
    reason: what is wrong with it, in a few English words for logs.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class FrameError(RejectError):
    """A whole frame or message that cannot be decoded; `raw` is its hex or text, cut to 200 characters."""

    def __init__(self, field: str, reason: str, raw: str) -> None:
        super().__init__(field, reason)
        self.raw = raw[:200]
