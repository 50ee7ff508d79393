"""Every kind of limit, with unlimited demand, in virtual time: what the pacer is judged in."""

from __future__ import annotations

import enum
import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from attrs import define, field, frozen

from legnext_stream._core.pace.hints import Hints
from legnext_stream._core.pace.pacer import Pacer
from legnext_stream._core.pace.signals import Outcome, Signal

RateAt = Callable[[float], float]


@frozen
class Told:
    """What a limit would say of itself.

    Attributes:
        quota: requests in a window.
        window: seconds.
        remaining: requests left.
        reset: seconds until the quota (or, in a sliding window, one place of it) is back.
        retry: seconds until the next request would be admitted.
    """

    quota: int
    window: float
    remaining: int
    reset: float
    retry: float


class Limit(Protocol):
    """A server's limit, asked in order of arrival."""

    def admit(self, now: float) -> bool:
        """Decide on a request that arrives now."""
        ...

    def leave(self) -> None:
        """Count an admitted request as done."""
        ...

    def permitted(self, begin: float, end: float) -> float:
        """Requests that it lets through between two times, if asked without pause."""
        ...

    def told(self, now: float) -> Told | None:
        """Say what it could tell about itself; None if it has no such numbers."""
        ...


@define
class Bucket:
    """A token bucket whose rate is a function of time."""

    rate: RateAt
    burst: float
    _tokens: float = field(init=False)
    _at: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = self.burst

    def _fill(self, now: float) -> None:
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate(now))
        self._at = now

    def admit(self, now: float) -> bool:
        """Take a token, if there is one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def leave(self) -> None:
        """Nothing depends on what is being served."""

    def permitted(self, begin: float, end: float) -> float:
        """The tokens that come, by the midpoint rule."""
        dt = (end - begin) / 2000
        return sum(self.rate(begin + (i + 0.5) * dt) for i in range(2000)) * dt

    def told(self, now: float) -> Told:
        """A bucket as a policy: what it gives in the time that fills it."""
        self._fill(now)
        rate = self.rate(now)
        window = max(1, round(self.burst / rate))
        return Told(
            quota=max(1, round(rate * window)),
            window=window,
            remaining=int(self._tokens),
            reset=(self.burst - self._tokens) / rate,
            retry=max(0.0, 1 - self._tokens) / rate,
        )


@define
class Sliding:
    """At most `quota` admitted in any `window` seconds."""

    quota: int
    window: float
    _log: deque[float] = field(factory=deque, init=False)

    def _drop(self, now: float) -> None:
        while self._log and self._log[0] <= now - self.window:
            self._log.popleft()

    def admit(self, now: float) -> bool:
        """Admit while the window has a place."""
        self._drop(now)
        if len(self._log) >= self.quota:
            return False
        self._log.append(now)
        return True

    def leave(self) -> None:
        """Nothing depends on what is being served."""

    def permitted(self, begin: float, end: float) -> float:
        """The quota's share."""
        return (end - begin) * self.quota / self.window

    def told(self, now: float) -> Told:
        """The oldest request in the window is what all wait for."""
        self._drop(now)
        wait = self._log[0] + self.window - now if self._log else 0.0
        return Told(self.quota, self.window, self.quota - len(self._log), wait, wait)


@define
class Fixed:
    """At most `quota` in each window; a window ends at each multiple of `window`, less `phase`."""

    quota: int
    window: float
    phase: float
    _number: int = field(default=-1, init=False)
    _count: int = field(default=0, init=False)

    def _turn(self, now: float) -> None:
        number = math.floor((now + self.phase) / self.window)
        if number != self._number:
            self._number, self._count = number, 0

    def admit(self, now: float) -> bool:
        """Admit while this window's count is below the quota."""
        self._turn(now)
        if self._count >= self.quota:
            return False
        self._count += 1
        return True

    def leave(self) -> None:
        """Nothing depends on what is being served."""

    def permitted(self, begin: float, end: float) -> float:
        """The quota's share."""
        return (end - begin) * self.quota / self.window

    def told(self, now: float) -> Told:
        """The window's end is what all wait for."""
        self._turn(now)
        wait = (self._number + 1) * self.window - self.phase - now
        return Told(self.quota, self.window, self.quota - self._count, wait, wait)


@define
class AtOnce:
    """At most `most` requests being served, each for `latency` seconds on average."""

    most: int
    latency: float
    _serving: int = field(default=0, init=False)

    def admit(self, now: float) -> bool:  # noqa: ARG002 - time doesn't matter to it
        """Admit while there is a free place."""
        if self._serving >= self.most:
            return False
        self._serving += 1
        return True

    def leave(self) -> None:
        """Free a place."""
        self._serving -= 1

    def permitted(self, begin: float, end: float) -> float:
        """Little's law."""
        return (end - begin) * self.most / self.latency

    def told(self, now: float) -> None:  # noqa: ARG002 - time doesn't matter to it
        """Nothing that a rate's fields could express."""
        return


@define
class Free:
    """No limit; what is permitted is what our own highest rate allows."""

    max_rate: float

    def admit(self, now: float) -> bool:  # noqa: ARG002 - time doesn't matter to it
        """Admit."""
        return True

    def leave(self) -> None:
        """Nothing depends on what is being served."""

    def permitted(self, begin: float, end: float) -> float:
        """Our own limit."""
        return (end - begin) * self.max_rate

    def told(self, now: float) -> None:  # noqa: ARG002 - time doesn't matter to it
        """Nothing."""
        return


@frozen
class World:
    """One row of the table.

    Attributes:
        name: what it is called.
        make: its limit, drawn anew for each seed.
        latency: seconds from start to answer, uniform between the two.
        minutes: how long it runs.
        counted_from: seconds; what comes earlier isn't counted.
        rises: when the limit rises, and to what; None if it doesn't.
        max_rate: the pacer's, requests a second.
        holds_places: whether a request occupies its place until it is answered.
    """

    name: str
    make: Callable[[random.Random], Limit]
    latency: tuple[float, float] = (0.1, 0.1)
    minutes: float = 20
    counted_from: float = 60.0
    rises: tuple[float, float] | None = None
    max_rate: float = 50.0
    holds_places: bool = False


def _constant(rate: float, burst: float) -> Callable[[random.Random], Limit]:
    return lambda _: Bucket(lambda _: rate, burst)


def _steps(rng: random.Random) -> Limit:
    # The drop comes somewhere within a minute, so that seeds meet the rise in any state.
    drop = 300 - rng.uniform(0, 60)
    return Bucket(lambda t: 5.0 if drop <= t < 600 else 20.0, 20)


_longer = partial(World, minutes=15)

WORLDS: tuple[World, ...] = (
    World("bucket 10/s burst 10", _constant(10, 10), minutes=6),
    _longer("sliding 60 a minute", lambda _: Sliding(60, 60)),
    _longer("fixed 600 a minute", lambda rng: Fixed(600, 60, rng.uniform(0, 60)), minutes=10),
    World("8 at once", lambda _: AtOnce(8, 0.5), (0.5, 0.5), minutes=6, holds_places=True),
    World("step 20-5-20/s", _steps, rises=(600.0, 20.0), minutes=12),
    World("crush 20/s burst 20", _constant(20, 20), minutes=5, counted_from=0.0),
    World("no limit", lambda _: Free(50.0), minutes=1, counted_from=5.0),
)
"""The worlds to be judged in."""

WAKES_LATE = 0.005
"""Seconds by which a sleeper wakes late at most."""

CATCH_UP_SPAN = 5.0
"""Seconds over which the rate is taken when looking for the time of catching up."""


@frozen
class Result:
    """What one run measured.

    Attributes:
        refused: share of the counted requests that the limit refused.
        used: admitted as a share of what the limit permitted.
        catch_up: seconds from the rise until 90 % of it were used; NaN if nothing rises.
    """

    refused: float
    used: float
    catch_up: float


class What(enum.IntEnum):
    """What happens in the simulation."""

    LOOK = 0  # the caller wakes: may a request start?
    ARRIVE = 1  # a request reaches the server
    SERVED = 2  # its place is free again
    ANSWER = 3  # its answer reaches us


@frozen(order=True)
class Event:
    """Something that happens, in order of time, then of making."""

    at: float
    number: int
    what: What = field(order=False)
    sent_at: float = field(default=0.0, order=False)
    outcome: Outcome = field(default=Outcome.ANSWERED, order=False)
    hints: Hints | None = field(default=None, order=False)


@define
class Simulation:
    """One world, one kind of hints ("none", "retry", "fields"), one seed."""

    world: World
    hints: str
    rng: random.Random
    limit: Limit
    pacer: Pacer
    _queue: list[Event] = field(factory=list, init=False)
    _made: int = field(default=0, init=False)
    _look_at: float = field(default=0.0, init=False)
    _admitted: list[float] = field(factory=list, init=False)
    _refused: list[float] = field(factory=list, init=False)
    _answered: int = field(default=0, init=False)  # counted arrivals, whatever became of them

    def run(self) -> Result:
        """Run to the end."""
        end = 60 * self.world.minutes
        self._add(0.0, What.LOOK)
        while self._queue and self._queue[0].at <= end:
            event = heapq.heappop(self._queue)
            match event.what:
                case What.ARRIVE:
                    self._arrive(event.at, event.sent_at)
                case What.SERVED:
                    self.limit.leave()
                case What.LOOK:
                    if event.at == self._look_at:  # else overtaken by an earlier look
                        self._look(event.at)
                case What.ANSWER:
                    latency = event.at - event.sent_at
                    signal = Signal(event.outcome, event.hints, event.sent_at, latency)
                    self.pacer.finish(event.at, signal)
                    self._look(event.at)
        return self._result(end)

    def _add(
        self,
        at: float,
        what: What,
        sent_at: float = 0.0,
        outcome: Outcome = Outcome.ANSWERED,
        hints: Hints | None = None,
    ) -> None:
        self._made += 1
        heapq.heappush(self._queue, Event(at, self._made, what, sent_at, outcome, hints))

    def _look(self, now: float) -> None:
        """Send what may be sent, and sleep until more may."""
        while (ready := self.pacer.ready_at(now)) <= now:
            self.pacer.start(now)
            way = 0.05 * self.rng.uniform(*self.world.latency)
            self._add(now + way, What.ARRIVE, now)
        if ready < math.inf and not now < self._look_at <= ready + WAKES_LATE:
            self._look_at = ready + self.rng.uniform(0, WAKES_LATE)
            self._add(self._look_at, What.LOOK)

    def _arrive(self, now: float, sent_at: float) -> None:
        takes = self.rng.uniform(*self.world.latency)
        if self.limit.admit(now):
            outcome = Outcome.ANSWERED
            self._admitted.append(now)
            if self.world.holds_places:
                self._add(now + 0.9 * takes, What.SERVED)
        else:
            outcome = Outcome.LIMITED
            self._refused.append(now)
        self._answered += now >= self.world.counted_from
        self._add(now + 0.95 * takes, What.ANSWER, sent_at, outcome, self._say(now, outcome))

    def _say(self, now: float, outcome: Outcome) -> Hints | None:
        told = self.limit.told(now)
        if self.hints == "retry" and outcome is Outcome.LIMITED:
            return Hints(retry_after=float(math.ceil(told.retry)) if told else 1.0)
        if self.hints == "fields" and told is not None:
            return Hints(
                quota=told.quota,
                window=told.window,
                remaining=told.remaining,
                reset_after=float(math.ceil(told.reset)),
            )
        return None

    def _result(self, end: float) -> Result:
        begin = self.world.counted_from
        permitted = self.limit.permitted(begin, end)
        if begin == 0 and isinstance(self.limit, Bucket):
            permitted += self.limit.burst
        refused = sum(at >= begin for at in self._refused)
        return Result(
            refused=refused / max(1, self._answered),
            used=sum(at >= begin for at in self._admitted) / permitted,
            catch_up=self._catch_up(),
        )

    def _catch_up(self) -> float:
        if self.world.rises is None:
            return math.nan
        rise, rate = self.world.rises
        after = [at for at in self._admitted if at > rise]
        first = 0
        for last, at in enumerate(after):
            while after[first] < at - CATCH_UP_SPAN:
                first += 1
            enough = (last - first + 1) / CATCH_UP_SPAN >= 0.9 * rate
            if enough and at >= rise + CATCH_UP_SPAN:
                return at - CATCH_UP_SPAN - rise
        return math.inf


def run(world: World, hints: str, seed: int) -> Result:
    """Run `world` once."""
    rng = random.Random(f"{world.name} {hints} {seed}")
    pacer = Pacer(max_rate=world.max_rate, initial_rate=10.0, max_in_flight=200)
    return Simulation(world, hints, rng, world.make(rng), pacer).run()
