"""How many requests may be in flight: what latency suggests, and what refusals reveal."""

from __future__ import annotations

import math

from attrs import define, field

SMOOTHING = 0.2
TOLERANCE = 1.5
"""How many times the usual latency is still called usual."""

FIRST_LIMIT = 16
"""Where the limit starts, before any latency is known."""

SHORT = 0.1
"""Weight of a new latency in the present mean."""

LONG = 1 / 300
"""Weight of a new latency in the usual mean."""

FORGET_EVERY = 400
"""Answers after which old evidence about a concurrency limit counts half."""


@define
class InFlight:
    """The limit on requests in flight.

    **Latency** (Gradient2 of Netflix's concurrency-limits, 2018): when the present latency
    exceeds the usual one beyond a tolerance, requests queue up somewhere, and

        limit' = limit * max(0.5, min(1, tolerance * usual / present)) + sqrt(limit)

    is approached smoothly. The limit never grows while less than half of it is used.

    **Refusals.** A service that allows only so many requests at once refuses by the number in
    flight and not by the rate. Then every request started as the n-th in flight is refused for
    n > K and none for n <= K. Counting both by n tells the two limits apart, since a rate limit
    refuses only the excess: most requests with the same n are admitted. Where rate and number
    are so bound together that nothing can tell, either belief does the same.

    Attributes:
        max_limit: never to be exceeded.
        proven: the number at once that the service accepts; None while refusals don't depend
            on it.
    """

    max_limit: int
    proven: int | None = None
    _limit: float = field(init=False)
    _present: float = field(default=math.nan, init=False)
    _usual: float = field(default=math.nan, init=False)
    _admitted_at: dict[int, float] = field(factory=dict, init=False)
    _refused_at: dict[int, float] = field(factory=dict, init=False)
    _answers: int = field(default=0, init=False)
    _trial: int = field(default=0, init=False)  # how many above `proven` are being tried
    _trial_answers: int = field(default=0, init=False)
    _trial_after: float = field(default=math.inf, init=False)
    _trial_gap: float = field(default=30.0, init=False)

    def __attrs_post_init__(self) -> None:
        """Start low enough to be gentle and high enough not to be in the way."""
        self._limit = float(min(FIRST_LIMIT, self.max_limit))

    @property
    def limit(self) -> int:
        """Requests that may be in flight now; at least one."""
        limit = int(self._limit)
        if self.proven is not None:
            limit = min(limit, self.proven + self._trial)
        return max(1, min(limit, self.max_limit))

    @property
    def latency(self) -> float:
        """The present mean latency in seconds; 0 before the first answer."""
        return 0.0 if math.isnan(self._present) else self._present

    def answered(self, now: float, latency: float, nth: int, in_flight: int) -> None:
        """Take in an answer to a request that started as the `nth` in flight.

        Args:
            now: seconds.
            latency: seconds.
            nth: how many were in flight when it started, itself included.
            in_flight: how many are in flight now, itself included.
        """
        self._note(self._admitted_at, nth)
        if self._trial and nth > (self.proven or 0):
            self._trial_answers += 1
        self._try_more(now, in_flight)
        if not 0 <= latency < math.inf:
            return
        if math.isnan(self._present):
            self._present = self._usual = latency
        self._present += SHORT * (latency - self._present)
        self._usual += LONG * (latency - self._usual)
        if self._usual > 2 * self._present:
            self._usual *= 0.98  # a long load is over: don't wait for the slow mean
        gradient = 1.0
        if self._present > 0:
            gradient = max(0.5, min(1.0, TOLERANCE * self._usual / self._present))
        if gradient == 1.0 and 2 * in_flight < self._limit:
            return
        wanted = self._limit * gradient + math.sqrt(self._limit)
        # One step a round trip, not one an answer: a whole flight carries the same news.
        step = SMOOTHING / max(1, in_flight)
        self._limit = max(1.0, min(self.max_limit, self._limit + step * (wanted - self._limit)))

    def refused(self, now: float, nth: int) -> bool:
        """Take in a refusal of the `nth` in flight; says whether their number explains it."""
        self._note(self._refused_at, nth)
        if self.proven is not None and nth > self.proven:
            if self._trial:
                self._trial = 0
                self._trial_gap = min(300.0, 2 * self._trial_gap)
            self._trial_after = now + self._trial_gap
            return True
        first = min(self._refused_at)
        refused = sum(self._refused_at.values())
        admitted = sum(count for n, count in self._admitted_at.items() if n >= first)
        if first > 1 and refused >= 3 and admitted <= refused:
            self.proven = first - 1
            self._trial = 0
            self._trial_gap = 30.0
            self._trial_after = now + self._trial_gap
            return nth > self.proven
        if self.proven is not None and refused >= 6:
            self.proven = None  # refused below it again and again: it was the rate after all
        return False

    def failed(self) -> None:
        """Take in a request that got no answer: a little less at once."""
        self._limit = max(1.0, self._limit * 0.95)

    def _try_more(self, now: float, in_flight: int) -> None:
        """Look for room above the proven number, in steps that double while it is found."""
        if self.proven is None or in_flight < self.proven:
            return
        if self._trial and self._trial_answers >= 8 * self.proven:
            self.proven += self._trial
            self._trial, self._trial_answers = 2 * self._trial, 0
            self._trial_gap = 30.0
        elif not self._trial and now >= self._trial_after:
            self._trial, self._trial_answers = 1, 0

    def _note(self, counts: dict[int, float], nth: int) -> None:
        counts[nth] = counts.get(nth, 0.0) + 1.0
        self._answers += 1
        if self._answers >= FORGET_EVERY:
            self._answers = 0
            for book in (self._admitted_at, self._refused_at):
                for n in list(book):
                    book[n] /= 2
                    if book[n] < 0.2:
                        del book[n]
