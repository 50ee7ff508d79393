"""How many requests the account may make: every kind of limit that a server may have.

A limit is asked once about every request, with the time, and answers at once. It keeps its own
state. In settings it is a description: each world has its own, made by `fresh`. Which of several
limits count a request is decided by the rules in `limit_rules`.
"""

from __future__ import annotations

import copy
import itertools
import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from typing import Final, Self

import attrs
from attrs.setters import frozen
from attrs.validators import ge

from mockserver._world.checks import is_positive
from mockserver._world.kinds import Family, Range, tried

FORGIVEN: Final = 1e-9
"""How many seconds or tokens too early a request is still admitted, so that a client that returns
exactly when it was told to isn't refused because of the last bit of a float."""

# In generated examples. Rates from one request in ten seconds, which a patient client can live
# with, to more than most clients ask for.
_RATES: Final = tried(10.0, 100.0, 1.0, 0.5, 0.1)
_COUNTS: Final = tried(Range(1, 50))
_WINDOWS: Final = tried(1.0, 10.0, 60.0)


@attrs.frozen
class Admitted:
    """The request passes, after `delay` seconds."""

    delay: float = 0.0


@attrs.frozen
class Refused:
    """The request is refused, with 429.

    Such a request would pass after `retry_after` seconds, if it were the only one.
    """

    retry_after: float


ADMITTED: Final = Admitted()


@attrs.frozen
class Hint:
    """What a limit on a rate can tell about itself, in the fields of the IETF draft.

    `RateLimit-Policy: "name";q=<quota>;w=<window>` and `RateLimit: "name";r=<remaining>;t=<reset>`,
    see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.

    Attributes:
        quota: The requests in a window, `q`.
        window: The length of a window in seconds, `w`.
        remaining: The requests that would pass now, `r`.
        reset: The seconds until more of the quota is available than now, `t`.
    """

    quota: int
    window: float
    remaining: int
    reset: float


class Limit(Family, ABC):
    """Decides which requests pass. Times are in seconds since the world's start, and in order."""

    __slots__ = ()

    def admit(self, t: float, /) -> Admitted | Refused:
        """Decide about a request that arrives at `t`, and count it if it is admitted."""
        verdict = self.verdict(t)
        if isinstance(verdict, Admitted):
            self._count(t, verdict)
        return verdict

    @abstractmethod
    def verdict(self, t: float, /) -> Admitted | Refused:
        """The decision about a request at `t`, without counting one."""

    def _count(self, t: float, verdict: Admitted, /) -> None:
        """Count a request that was admitted at `t`."""

    def finish(self, t: float, /) -> None:
        """Take note that a request that was admitted has been answered at `t`."""

    def hint(self, t: float, /) -> Hint | None:  # noqa: ARG002 - for those that have one
        """What the limit can tell about itself at `t`; None if it isn't a limit on a rate."""
        return None

    def fresh(self) -> Self:
        """The same limit before any request."""
        return attrs.evolve(self)  # type: ignore[misc] # all kinds are attrs classes

    def copy(self) -> Self:
        """The same limit as it is now, but with no request under way."""
        return copy.copy(self)


@attrs.define
class TokenBucket(Limit):
    """Admits `rate` requests a second, and up to `burst` of them at once.

    The bucket begins full, gains `rate` tokens a second up to `burst`, and each request that is
    admitted takes one. So in any window of w seconds at most `burst + rate * w` are admitted.

    Attributes:
        rate: Requests a second.
        burst: The bucket's size, in requests.
    """

    rate: float = attrs.field(validator=is_positive, on_setattr=frozen, metadata=_RATES)
    burst: int = attrs.field(default=1, validator=ge(1), on_setattr=frozen, metadata=_COUNTS)
    _tokens: float = attrs.field(
        default=attrs.Factory(lambda self: float(self.burst), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )
    _filled_at: float = attrs.field(default=0.0, init=False, repr=False, eq=False)

    def _fill(self, t: float) -> None:
        if t > self._filled_at:
            gained = (t - self._filled_at) * self.rate
            self._tokens = min(float(self.burst), self._tokens + gained)
            self._filled_at = t

    def verdict(self, t: float, /) -> Admitted | Refused:
        """Whether there is a token, or when there will be one."""
        self._fill(t)
        if self._tokens >= 1 - FORGIVEN:
            return ADMITTED
        return Refused((1 - self._tokens) / self.rate)

    def _count(self, _t: float, _verdict: Admitted, /) -> None:
        self._tokens = max(0.0, self._tokens - 1)

    def hint(self, t: float, /) -> Hint:
        """The bucket as a window: what it gains while it fills, in whole seconds, and its tokens."""
        self._fill(t)
        window = max(1, round(self.burst / self.rate))
        return Hint(
            quota=max(1, round(self.rate * window)),
            window=window,
            remaining=int(self._tokens + FORGIVEN),
            reset=(self.burst - self._tokens) / self.rate,
        )


@attrs.define
class LeakyBucket(Limit):
    """Lets requests out one by one, `rate` a second, and holds up to `capacity` of them meanwhile.

    A request that comes too early waits in the bucket until its turn, so its answer is late; one
    that finds the bucket full is refused. So no two that pass are less than `1 / rate` seconds
    apart, and none waits longer than `capacity / rate`.

    This is the leaky bucket as a queue. As a meter, which holds nothing back, it admits the same
    requests as a `TokenBucket` with a burst of its size.

    Attributes:
        rate: Requests a second.
        capacity: How many requests can wait; with 0 every early one is refused.
    """

    rate: float = attrs.field(validator=is_positive, on_setattr=frozen, metadata=_RATES)
    capacity: int = attrs.field(default=0, validator=ge(0), on_setattr=frozen, metadata=_COUNTS)
    # When the next request can pass without a wait.
    _turn: float = attrs.field(default=0.0, init=False, repr=False, eq=False)

    def _wait(self, t: float) -> float:
        return max(0.0, self._turn - t)

    def verdict(self, t: float, /) -> Admitted | Refused:
        """How long the request has to wait, or when there will be room for one."""
        wait = self._wait(t)
        too_long = wait - self.capacity / self.rate
        if too_long > FORGIVEN:
            return Refused(too_long)
        return Admitted(wait) if wait else ADMITTED

    def _count(self, t: float, verdict: Admitted, /) -> None:
        self._turn = t + verdict.delay + 1 / self.rate

    def hint(self, t: float, /) -> Hint:
        """The bucket as a window, like a `TokenBucket` whose burst is what it takes at once."""
        at_once = self.capacity + 1
        wait = self._wait(t)
        window = max(1, round(at_once / self.rate))
        room = at_once - (wait - FORGIVEN) * self.rate
        return Hint(
            quota=max(1, round(self.rate * window)),
            window=window,
            remaining=min(at_once, max(0, int(room))),
            reset=wait,
        )


# Windows let all their requests through at once, and then none for as long as the window lasts.


@attrs.define
class SlidingWindow(Limit):
    """Admits `quota` requests in any `seconds`.

    A refused request does not count.

    Attributes:
        quota: Requests in a window.
        seconds: The length of a window.
    """

    quota: int = attrs.field(validator=ge(1), on_setattr=frozen, metadata=_COUNTS)
    seconds: float = attrs.field(validator=is_positive, on_setattr=frozen, metadata=_WINDOWS)
    # When the requests that still count were admitted, the oldest first.
    _admitted: deque[float] = attrs.field(factory=deque, init=False, repr=False, eq=False)

    def _drop(self, t: float) -> None:
        gone = t - self.seconds + FORGIVEN
        while self._admitted and self._admitted[0] <= gone:
            self._admitted.popleft()

    def verdict(self, t: float, /) -> Admitted | Refused:
        """Whether fewer than `quota` were admitted in the `seconds` up to now."""
        self._drop(t)
        if len(self._admitted) < self.quota:
            return ADMITTED
        return Refused(self._until_a_place(t))

    def _count(self, t: float, _verdict: Admitted, /) -> None:
        # A request with an earlier time than the one before counts with that one.
        self._admitted.append(max(t, self._admitted[-1]) if self._admitted else t)

    def _until_a_place(self, t: float) -> float:
        return self._admitted[0] + self.seconds - t if self._admitted else 0.0

    def hint(self, t: float, /) -> Hint:
        """The quota, its window, and when the oldest request that counts no longer does."""
        self._drop(t)
        remaining = self.quota - len(self._admitted)
        return Hint(self.quota, self.seconds, remaining, self._until_a_place(t))

    def copy(self) -> SlidingWindow:
        """The same, with the same requests counted."""
        other = copy.copy(self)
        other._admitted = self._admitted.copy()  # noqa: SLF001 - of its own class
        return other


@attrs.define
class FixedWindow(Limit):
    """Admits `quota` requests in each window; a new window begins at each multiple of `seconds`.

    Around such a moment it lets twice the quota pass.

    Attributes:
        quota: Requests in a window.
        seconds: The length of a window.
    """

    quota: int = attrs.field(validator=ge(1), on_setattr=frozen, metadata=_COUNTS)
    seconds: float = attrs.field(validator=is_positive, on_setattr=frozen, metadata=_WINDOWS)
    _number: int = attrs.field(default=0, init=False, repr=False, eq=False)
    _counted: int = attrs.field(default=0, init=False, repr=False, eq=False)

    def _turn(self, t: float) -> None:
        number = math.floor((t + FORGIVEN) / self.seconds)
        # Never back: a request with an earlier time counts in the newest window.
        if number > self._number:
            self._number, self._counted = number, 0

    def verdict(self, t: float, /) -> Admitted | Refused:
        """Whether fewer than `quota` were admitted in this window."""
        self._turn(t)
        return ADMITTED if self._counted < self.quota else Refused(self._until_the_next(t))

    def _count(self, _t: float, _verdict: Admitted, /) -> None:
        self._counted += 1

    def _until_the_next(self, t: float) -> float:
        return (self._number + 1) * self.seconds - t

    def hint(self, t: float, /) -> Hint:
        """The quota, its window, what remains of it, and when the next window begins."""
        self._turn(t)
        remaining = self.quota - self._counted
        return Hint(self.quota, self.seconds, remaining, self._until_the_next(t))


@attrs.define
class Concurrency(Limit):
    """Admits a request while fewer than `most` are under way.

    Attributes:
        most: Requests under way at once.
        retry_after: The wait, in seconds, that refused requests are told. The limit can't know when
            a request will end, and so always says the same, as servers do.
    """

    most: int = attrs.field(validator=ge(1), on_setattr=frozen, metadata=_COUNTS)
    retry_after: float = attrs.field(
        default=1.0, validator=ge(0), on_setattr=frozen, metadata=tried(1.0, 0.0, 10.0)
    )
    _under_way: int = attrs.field(default=0, init=False, repr=False, eq=False)

    def verdict(self, _t: float, /) -> Admitted | Refused:
        """Whether there is a place."""
        return ADMITTED if self._under_way < self.most else Refused(self.retry_after)

    def _count(self, _t: float, _verdict: Admitted, /) -> None:
        self._under_way += 1

    def finish(self, _t: float, /) -> None:
        """Free a place.

        Raises:
            ValueError: No request is under way.
        """
        if not self._under_way:
            raise ValueError("no request is under way that could finish")
        self._under_way -= 1

    def copy(self) -> Concurrency:
        """The same, with nothing under way."""
        return self.fresh()


Phases = tuple[tuple[float, Limit], ...]


def _phases(given: Iterable[tuple[float, Limit]]) -> Phases:
    return tuple((float(begin), limit) for begin, limit in given)


def _in_order(_instance: object, _attribute: object, phases: Phases) -> None:
    begins = [begin for begin, _ in phases]
    if not begins or begins[0] != 0:
        raise ValueError("the first limit of a schedule begins at 0 s")
    if any(after <= before for before, after in itertools.pairwise(begins)):
        raise ValueError(f"the limits of a schedule begin one after the other, not at {begins}")


@attrs.define
class Scheduled(Limit):
    """One limit after another: `Scheduled([(0, TokenBucket(20, 20)), (300, TokenBucket(5, 5))])`.

    Each begins in its first state: what came before it does not count.

    Attributes:
        phases: When each limit begins, in seconds since the world's start, and the limit.

    Raises:
        ValueError: The first does not begin at 0, or one does not begin after the one before it.
    """

    phases: Phases = attrs.field(converter=_phases, validator=_in_order, on_setattr=frozen)
    _limits: list[Limit] = attrs.field(
        default=attrs.Factory(
            lambda self: [limit.fresh() for _, limit in self.phases], takes_self=True
        ),
        init=False,
        repr=False,
        eq=False,
    )
    _latest: float = attrs.field(default=-math.inf, init=False, repr=False, eq=False)
    # How many requests of each phase are under way.
    _under_way: list[int] = attrs.field(
        default=attrs.Factory(lambda self: [0] * len(self.phases), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    def _phase(self, t: float) -> int:
        self._latest = max(self._latest, t, 0.0)
        return bisect_right(self.phases, self._latest, key=lambda phase: phase[0]) - 1

    def verdict(self, t: float, /) -> Admitted | Refused:
        """The decision of the limit of this time, which knows nothing of a change ahead."""
        return self._limits[self._phase(t)].verdict(t)

    def _count(self, t: float, _verdict: Admitted, /) -> None:
        phase = self._phase(t)
        self._limits[phase].admit(t)
        self._under_way[phase] += 1

    def finish(self, t: float, /) -> None:
        """Tell the limit that admitted the request; those under way end oldest first.

        Raises:
            ValueError: No request is under way.
        """
        for phase, count in enumerate(self._under_way):
            if count:
                self._under_way[phase] -= 1
                self._limits[phase].finish(t)
                return
        raise ValueError("no request is under way that could finish")

    def hint(self, t: float, /) -> Hint | None:
        """What the limit of this time tells."""
        return self._limits[self._phase(t)].hint(t)

    def copy(self) -> Scheduled:
        """The same, at the same point and with its limits as they are."""
        other = self.fresh()
        other._limits = [limit.copy() for limit in self._limits]  # noqa: SLF001 - of its own class
        other._latest = self._latest  # noqa: SLF001 - of its own class
        return other


@attrs.define
class Unlimited(Limit):
    """Admits every request."""

    def verdict(self, _t: float, /) -> Admitted:
        """Admit it."""
        return ADMITTED
