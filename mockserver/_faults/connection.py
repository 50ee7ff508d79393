"""What can go wrong with a connection: faults as plain values.

Each says what happens to the bytes between a client and the server (`Effect`);
`mockserver._serving.network.faulty` carries it out, in the same way in memory, on sockets and in
the proxy. A fault is chosen either for a connection, when it is made, or for a request, before its
answer begins (`Connection`). For a connection it acts from the first byte and counts all bytes; for
a request it acts on that answer and counts that answer's bytes.

Several can act together. Those that slow down the bytes (`Dribble`, `Bandwidth`) or the end
(`SlowClose`) combine with any other; of two that end the answer, the first acts.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

import attrs
from attrs.validators import ge

from mockserver._faults.fault import ConnectionFault, Effect, End, Pace, kinds_in
from mockserver._world.checks import is_positive, is_seconds
from mockserver._world.kinds import Range, tried

# Where an answer breaks off, in bytes: within its head, within its body, or after it.
_CUTS: Final = tried(Range(0, 1000))
# A limited rate comes in portions of this many seconds' worth.
_PORTION: Final = 0.1


@attrs.frozen
class Refuse(ConnectionFault):
    """No connection is made.

    While a refusal with no criteria other than a window of time is on, the socket doesn't listen. A
    refusal of single connections (by number, by chance) comes too late on a socket: the kernel has
    already accepted the connection. There, as for a request, it acts as `Reset()`.
    """

    @property
    def effect(self) -> Effect:
        """What happens where the connection is already there."""
        return Reset().effect


@attrs.frozen
class Reset(ConnectionFault):
    """The connection is reset; on a socket by a real RST.

    Attributes:
        after_bytes: How many bytes are let through to the client before. With 0, chosen for a
            connection, the request is lost as well: the reset comes with the client's first bytes.
    """

    after_bytes: int = attrs.field(default=0, validator=ge(0), metadata=_CUTS)

    @property
    def effect(self) -> Effect:
        """It ends."""
        return Effect(End("reset", self.after_bytes, loses_request=not self.after_bytes))


@attrs.frozen
class Close(ConnectionFault):
    """The connection is closed in good order, before the answer or within it.

    Attributes:
        after_bytes: How many bytes are let through to the client before. With 0, chosen for a
            connection, the request is lost as well: the end comes with the client's first bytes.
    """

    after_bytes: int = attrs.field(default=0, validator=ge(0), metadata=_CUTS)

    @property
    def effect(self) -> Effect:
        """It ends."""
        return Effect(End("close", self.after_bytes, loses_request=not self.after_bytes))


@attrs.frozen
class EmptyAnswer(ConnectionFault):
    """The request is served; in place of its answer the connection is closed."""

    @property
    def effect(self) -> Effect:
        """It ends."""
        return Effect(End("close"))


@attrs.frozen
class Garbage(ConnectionFault):
    """The request is served; in place of its answer come bytes that aren't HTTP, and the end.

    Attributes:
        bytes: How many.
    """

    bytes: int = attrs.field(default=64, validator=ge(1), metadata=tried(64, 1, 4096))

    @property
    def effect(self) -> Effect:
        """It ends after the garbage, which is the same every time."""
        # No line of HTTP begins with a zero byte, so the client needn't wait for the line's end.
        garbage = b"\0" + hashlib.shake_128(b"garbage").digest(self.bytes - 1)
        return Effect(End("close", instead=garbage))


@attrs.frozen
class Dribble(ConnectionFault):
    """The answer comes in small pieces, with a wait before each.

    Attributes:
        bytes_per: How many bytes a piece has.
        every_seconds: The wait, in seconds.
    """

    bytes_per: int = attrs.field(default=1, validator=ge(1), metadata=tried(Range(1, 64)))
    every_seconds: float = attrs.field(
        default=0.1, validator=is_seconds, metadata=tried(0.1, 0.0, 1.0)
    )

    @property
    def effect(self) -> Effect:
        """It is slow to the client."""
        return Effect(pace=Pace(self.bytes_per, self.every_seconds))


@attrs.frozen
class Bandwidth(ConnectionFault):
    """Bytes pass no faster than this: to the client, and for a whole connection also from it.

    Attributes:
        bytes_per_second: The rate, in each direction.
    """

    bytes_per_second: float = attrs.field(
        validator=is_positive, metadata=tried(1000.0, 10.0, 100_000.0)
    )

    @property
    def effect(self) -> Effect:
        """It is slow in both directions."""
        rate = self.bytes_per_second
        return Effect(pace=Pace(math.ceil(rate * _PORTION), rate=rate, both_ways=True))


@attrs.frozen
class Silence(ConnectionFault):
    """Nothing is ever answered, and the connection is kept for as long as the client keeps it.

    To a client, a half-open connection looks like this. Chosen for a connection, no request is
    served either.
    """

    @property
    def effect(self) -> Effect:
        """It is silent."""
        return Effect(is_silent=True)


@attrs.frozen
class SlowClose(ConnectionFault):
    """The connection ends some time after the answer, which doesn't announce it.

    Until then it looks alive, but serves no other request. The proxy knows no answers: there a
    connection that the server closes is closed later.

    Attributes:
        seconds: From the end of the answer to the close.
    """

    seconds: float = attrs.field(default=1.0, validator=is_seconds, metadata=tried(Range(0, 30)))

    @property
    def effect(self) -> Effect:
        """It ends after the answer."""
        return Effect(close_after=self.seconds)


CONNECTION_FAULTS: Final = kinds_in(__name__)
"""The kinds of faults of connections."""
