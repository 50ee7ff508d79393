"""What can go wrong with a connection: faults as plain values.

Each says what happens to the bytes between a client and the server; `mockserver._serving.network.faulty`
makes it happen, in the same way over memory, over sockets and in the proxy. A fault is chosen either
for a connection, as it is made, or for a request, before its answer begins (`Line`). For a
connection, it acts from the first byte and counts all bytes; for a request, it acts on that answer
and counts that answer's bytes.

Several can act together. Those that set the pace of the bytes (`Dribble`, `Bandwidth`) and of the
end (`SlowClose`) go with any other; of two that put an end to the answer, the first decides.
"""

from __future__ import annotations

import math
from typing import Final, Protocol, TypeAlias

import attrs
from attrs.validators import and_, ge, gt, lt

LINE: Final = "legnext_mock.line"
"""The key in the `extensions` of an ASGI scope under which the server leaves the request's `Line`."""

_not_negative = ge(0)
_at_least_one = ge(1)
_finite = and_(ge(0.0), lt(math.inf))
_positive = and_(gt(0.0), lt(math.inf))


@attrs.frozen
class Refuse:
    """No connection is made.

    For as long as a refusal is on by a time window alone, nobody listens on the socket. One that
    concerns single connections (by number, by chance) comes too late on a socket: the kernel has
    made the connection already. There, as for a request, it acts as `Reset()`.
    """


@attrs.frozen
class Reset:
    """The connection is reset: on a socket by a real RST.

    Attributes:
        after_bytes: How many bytes are let through to the client before. With 0, chosen for a
            connection, the request is lost as well: the reset comes with the client's first bytes.
    """

    after_bytes: int = attrs.field(default=0, validator=_not_negative)


@attrs.frozen
class Close:
    """The connection is closed in good order, before the answer or within it.

    Attributes:
        after_bytes: How many bytes are let through to the client before. With 0, chosen for a
            connection, the request is lost as well: the end comes with the client's first bytes.
    """

    after_bytes: int = attrs.field(default=0, validator=_not_negative)


@attrs.frozen
class EmptyAnswer:
    """The request is served; in place of its answer the connection is closed."""


@attrs.frozen
class Garbage:
    """The request is served; in place of its answer come bytes that aren't HTTP, and the end.

    Attributes:
        bytes: How many.
    """

    bytes: int = attrs.field(default=64, validator=_at_least_one)


@attrs.frozen
class Dribble:
    """The answer comes in small pieces, with a wait before each.

    Attributes:
        bytes_per: How many bytes a piece has.
        every_seconds: The wait, in seconds.
    """

    bytes_per: int = attrs.field(default=1, validator=_at_least_one)
    every_seconds: float = attrs.field(default=0.1, validator=_finite)


@attrs.frozen
class Bandwidth:
    """Bytes pass no faster than this: to the client, and for a whole connection also from it.

    Attributes:
        bytes_per_second: The rate, in each direction.
    """

    bytes_per_second: float = attrs.field(validator=_positive)


@attrs.frozen
class Silence:
    """Nothing is ever answered, and the connection is kept for as long as the client keeps it.

    That is what a half-open connection looks like to a client. Chosen for a connection, no request
    is served either.
    """


@attrs.frozen
class SlowClose:
    """The connection ends after the answer, without a word of it, and it takes its time.

    Until then it looks alive, but serves no other request. The proxy knows no answers: there a
    connection that the server closes is closed later.

    Attributes:
        seconds: From the end of the answer to the close.
    """

    seconds: float = attrs.field(default=1.0, validator=_finite)


ConnectionFault: TypeAlias = (
    Refuse | Reset | Close | EmptyAnswer | Garbage | Dribble | Bandwidth | Silence | SlowClose
)
"""Any of the faults of a connection."""

CONNECTION_FAULTS: Final = (
    Refuse,
    Reset,
    Close,
    EmptyAnswer,
    Garbage,
    Dribble,
    Bandwidth,
    Silence,
    SlowClose,
)
"""Their classes, e.g. for `isinstance`."""


class Line(Protocol):
    """The connection of a request, for those who answer it."""

    def fail_with(self, fault: ConnectionFault) -> None:
        """Have the answer to the present request meet `fault`; to be called before it begins."""
        ...
