"""How many requests may be in flight: what latencies suggest, and what refusals reveal."""

from __future__ import annotations

import math

from msgspec import Struct, field

SMOOTHING = 0.2
TOLERANCE = 1.5
"""How many times the usual latency still counts as usual."""

FIRST_LIMIT = 16
"""Where the limit starts, before any latency is known."""

SHORT = 0.1
"""Weight of a new latency in the present mean."""

LONG = 1 / 300
"""Weight of a new latency in the usual mean."""

FORGET_EVERY = 100
"""How many answers to an n-th request in flight make what was seen of n before count half."""


class InFlight(Struct):
    """The limit on requests in flight.

    **Latency** (Gradient2 of Netflix's concurrency-limits, 2018): when the present latency
    exceeds the usual one beyond a tolerance, requests queue up somewhere, and

        limit' = limit * max(0.5, min(1, tolerance * usual / present)) + sqrt(limit)

    is approached smoothly. The limit never grows while less than half of it is used.

    **Refusals.** A service that allows only K requests at once refuses by the number in flight and
    not by the rate. Then every request started as the n-th in flight is refused for n > K, and none
    for n <= K. Counting both by n tells the two limits apart, since a rate limit refuses only the
    excess: most requests with the same n are admitted. If rate and number always go together, nothing
    can tell them apart, and either belief leads to the same. What was seen of n fades as more is seen
    of n, and only then: the numbers that are refused are rarely reached, especially if each refusal
    brings a pause, and answers to other numbers say nothing about them.
    """

    max_limit: int  # the most requests in flight, whatever is learned
    # How many at once the service accepts; None while refusals don't depend on it.
    proven: int | None = None
    limit: int = FIRST_LIMIT  # how many requests may be in flight now; at least one
    latency: float = 0.0  # the present mean latency, in seconds; 0 before the first answer
    _limit: float = float(FIRST_LIMIT)  # `limit` before it is rounded and bounded
    _usual: float = math.nan
    _admitted_at: dict[int, float] = field(default_factory=dict)
    _refused_at: dict[int, float] = field(default_factory=dict)
    _trial: int = 0  # how many above `proven` are being tried
    _trial_answers: int = 0
    _trial_after: float = math.inf
    _trial_gap: float = 30.0

    def __post_init__(self) -> None:
        """Start low enough to be gentle, and high enough not to matter."""
        self.limit = min(FIRST_LIMIT, self.max_limit)
        self._limit = float(self.limit)

    def answered(self, now: float, latency: float, nth: int, in_flight: int) -> None:
        """Take in an answer to a request that started as the `nth` in flight.

        Both numbers in flight, then and now, count the request itself. Times are in seconds.
        """
        self._note(self._admitted_at, nth)
        if self.proven is not None:
            if self._trial and nth > self.proven:
                self._trial_answers += 1
            self._try_more(now, in_flight, self.proven)
        if not 0 <= latency < math.inf:
            return
        if math.isnan(self._usual):
            self.latency = self._usual = latency
        present = self.latency = self.latency + SHORT * (latency - self.latency)
        usual = self._usual + LONG * (latency - self._usual)
        if usual > 2 * present:
            usual *= 0.98  # a long load is over: don't wait for the slow mean to follow
        self._usual = usual
        gradient = 1.0
        if present > TOLERANCE * usual:
            gradient = max(0.5, TOLERANCE * usual / present)
        elif 2 * in_flight < self._limit or self._limit == self.max_limit:
            return
        wanted = self._limit * gradient + math.sqrt(self._limit)
        # One step a round trip, not one an answer: all requests in flight bring the same news.
        step = SMOOTHING / max(1, in_flight)
        self._limit = max(1.0, min(self.max_limit, self._limit + step * (wanted - self._limit)))
        self._bound()

    def refused(self, now: float, nth: int) -> bool:
        """Take in a refusal of the `nth` in flight; return whether their number explains it."""
        self._note(self._refused_at, nth)
        if self.proven is not None and nth > self.proven:
            if self._trial:
                self._trial_gap = min(300.0, 2 * self._trial_gap)
            self._infer_start(self.proven, now)
            return True
        first = min(self._refused_at)
        refused = sum(self._refused_at.values())
        admitted = sum(count for n, count in self._admitted_at.items() if n >= first)
        if first > 1 and refused >= 3 and admitted <= refused:
            self._trial_gap = 30.0
            self._infer_start(first - 1, now)
            return nth >= first
        if self.proven is not None and refused >= 6:
            self.proven = None  # refused below it repeatedly: it was the rate after all
            self._bound()
        return False

    def failed(self) -> None:
        """Take in a request that got no answer: allow a few less at once."""
        self._limit = max(1.0, self._limit * 0.95)
        self._bound()

    def remember(self, proven: int) -> None:
        """Start from the number at once that an earlier run found; more is tried soon."""
        self._infer_start(max(1, min(self.max_limit, proven)), -math.inf)

    def _infer_start(self, proven: int, now: float) -> None:
        """Keep to a number at once, and try more after a while."""
        self.proven = proven
        self._trial = 0
        self._trial_after = now + self._trial_gap
        self._bound()

    def _try_more(self, now: float, in_flight: int, proven: int) -> None:
        """Try more than the proven number, in steps that double while they are accepted."""
        if in_flight < proven:
            return
        if self._trial and self._trial_answers >= 8 * proven:
            self.proven = proven + self._trial
            self._trial, self._trial_answers = 2 * self._trial, 0
            self._trial_gap = 30.0
        elif not self._trial and now >= self._trial_after:
            self._trial, self._trial_answers = 1, 0
        self._bound()

    def _bound(self) -> None:
        """Set `limit`, which is read far more often than it changes."""
        limit = int(self._limit)
        if self.proven is not None:
            limit = min(limit, self.proven + self._trial)
        self.limit = max(1, min(limit, self.max_limit))

    def _note(self, counts: dict[int, float], nth: int) -> None:
        count = counts[nth] = counts.get(nth, 0.0) + 1.0
        if count >= FORGET_EVERY:
            for seen in (self._admitted_at, self._refused_at):
                if nth in seen:
                    seen[nth] /= 2
                    if seen[nth] < 0.2:
                        del seen[nth]
