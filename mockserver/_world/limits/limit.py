"""How many requests the account may make: limits, and what they say to each request.

A limit is asked once about every request, with the time, and answers at once. It keeps its state
to itself; `fresh` gives one in its first state, so that a limit can stand in a test's settings and
no two worlds share it.

Here is what all limits share; those on the rate of a steady flow are in `rates`, those that count
within windows in `windows`, those on requests under way and those that change in `changing`. Which
of several limits a request meets is said by the rules in `rules`.
"""

from __future__ import annotations

from typing import Final, Protocol

import attrs

FORGIVEN: Final = 1e-9
"""Whoever comes exactly when told to must not be refused because of the last bit of a float: by so
many seconds or tokens less a request is forgiven."""


@attrs.frozen
class Admitted:
    """The request may pass.

    Attributes:
        delay: For how many seconds it is held before that.
    """

    delay: float = 0.0


@attrs.frozen
class Refused:
    """The request is refused, with 429.

    Attributes:
        retry_after: The seconds after which one like it would pass, were it alone.
    """

    retry_after: float


ADMITTED: Final = Admitted()


@attrs.frozen
class Hint:
    """What a limit on a rate can tell about itself, as the fields of the IETF draft have it.

    `RateLimit-Policy: "name";q=<quota>;w=<window>` and `RateLimit: "name";r=<remaining>;t=<reset>`,
    see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.

    Attributes:
        quota: The requests in a window, `q`.
        window: The seconds of a window, `w`.
        remaining: The requests that would pass now, `r`.
        reset: The seconds until more of the quota is there than now, `t`.
    """

    quota: int
    window: float
    remaining: int
    reset: float


class Limit(Protocol):
    """Decides which requests pass."""

    def admit(self, t: float, /) -> Admitted | Refused:
        """Decide about a request that arrives at `t`, in seconds since the world's start.

        Requests are asked about in the order in which they arrive.
        """
        ...

    def verdict(self, t: float, /) -> Admitted | Refused:
        """What `admit` would say at `t`, without a request that counts.

        It is asked about times in their order too, like `admit`.
        """
        ...

    def finish(self, t: float, /) -> None:
        """Take note that a request that was admitted has been answered at `t`.

        A limit on rates has no use for it; one on concurrency has.
        """
        ...

    def hint(self, t: float, /) -> Hint | None:
        """What there is to tell about the limit at `t`; None for what is no limit on a rate.

        It is asked about times in their order too, like `admit`.
        """
        ...

    def fresh(self) -> Limit:
        """The same limit as it is before any request."""
        ...

    def copy(self) -> Limit:
        """The same limit as it is now, but with no request under way."""
        ...


@attrs.define
class Unlimited:
    """Admits every request."""

    def admit(self, t: float, /) -> Admitted:  # noqa: ARG002 - the protocol has it
        """Admit it."""
        return ADMITTED

    def verdict(self, t: float, /) -> Admitted:  # noqa: ARG002 - the protocol has it
        """Admit it."""
        return ADMITTED

    def finish(self, t: float, /) -> None:
        """Nothing to note."""

    def hint(self, t: float, /) -> Hint | None:  # noqa: ARG002 - the protocol has it
        """Nothing to tell."""
        return None

    def fresh(self) -> Unlimited:
        """The same."""
        return self

    def copy(self) -> Unlimited:
        """The same."""
        return self
