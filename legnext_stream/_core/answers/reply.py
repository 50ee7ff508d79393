"""An answer as it came, or the fact that none came.

Each request makes one of these. They are msgspec structs rather than attrs classes because those
are made in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer, as it came. Times are in seconds on the clock of the Trio run.

    Attributes:
        status_code: The HTTP status.
        headers: The headers, with their names in lower case.
        content: The whole body.
        sent_at: When the request was started.
        received_at: When the last byte of the body had arrived.
        wall_time: The same moment by this machine's calendar, in seconds since 1970. Dates in the
            headers are compared with it if the answer has no `Date` of its own.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    sent_at: float
    received_at: float
    wall_time: float = 0.0


class NoReply(msgspec.Struct, frozen=True):
    """A request that got no usable answer. Times are in seconds on the clock of the Trio run.

    Attributes:
        reason: What went wrong; it names the host.
        sent_at: When the request was started.
        received_at: When it was given up.
        was_sent: Whether any part of the request may have reached the host. One that certainly did
            not can always be repeated, even if it isn't idempotent.
        kind: What went wrong in one word, such as "ReadTimeout".
    """

    reason: str
    sent_at: float
    received_at: float
    was_sent: bool = True
    kind: str = "timeout"


Answer = Reply | NoReply
