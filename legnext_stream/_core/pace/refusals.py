"""What the pattern of answers and refusals says about a limit: its rate, and over which window."""

from __future__ import annotations

import math
from collections import deque

from msgspec import Struct, field

ENOUGH = 20
"""How many admitted requests of a cycle it takes to estimate a rate."""

RECENT = 16
"""Over how many answers the present rate is measured."""

ROUND_WINDOWS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 86400)
"""The windows that are commonly configured, in seconds. They only make a measured one exact."""

MARGIN_AFTER_BOUNDARY = 0.05
"""How long to wait after the expected end of a window, in seconds."""


class Block(Struct, frozen=True):
    """A stretch of refusals that has ended."""

    refused: int  # how many requests were refused
    # The requests a second that the limit admitted from the end of the block before to the end of
    # this one; None if there were too few.
    permitted: float | None
    windowed: bool  # whether it shows that the limit counts a window, and isn't a token bucket
    retry_after: float  # how long the service asked us to wait, in seconds


class Refusals(Struct):
    """Follows blocks: from a first refusal to the first request that is admitted after we back off.

    **The estimate.** At the end of a block a token bucket is empty, a sliding window has room for
    just one request, a fixed window has just begun. So between the ends of two blocks, each of these
    limits has admitted exactly what it permits for that time:

        permitted = admitted / (end of this block - end of the block before)

    This holds for each of them as long as unused tokens don't overflow the bucket (then it is too
    low, and probing raises it). It is too high only at the very beginning, when a full bucket is
    spent once. Cycles of fewer than `ENOUGH` requests are joined.

    **The window.** A bucket has its next token within `1 / permitted` seconds. If refusals continue
    for many times that, the limit counts requests in a window, and refuses all until old ones leave
    it. If such a block follows a burst, the window's length lies between the last refused and the
    first admitted request, counted from the beginning of the burst. Of the lengths in that interval a
    commonly configured one is the likeliest.

    **Trial requests.** While blocked, single requests are sent at doubling intervals, so their number
    is logarithmic in the length of the block. If the end of the window is foreseen, the next trial is
    sent right after it.
    """

    longest_gap: float  # the longest time between trial requests, in seconds
    # The window's length, once one was seen, in seconds; None for a bucket.
    window: float | None = None
    streak: int = 0  # how many refusals in a row were news; 0 while not blocked
    _cycle_from: float = math.nan
    _admitted: int = 0
    _refused: int = 0
    _blocked_from: float = 0.0
    _refused_last: float = 0.0
    _decided_at: float = -math.inf
    _retry_after: float = 0.0
    _boundary: float | None = None
    _mark: tuple[float, int] | None = None
    _window_seen_at: float = -math.inf
    _short_blocks: int = 0
    _late: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def achieved(self, now: float) -> float | None:
        """Requests a second admitted in this cycle; None if there were too few."""
        begun, admitted = self._mark or (self._cycle_from, 0)
        admitted = self._admitted - admitted
        if admitted < ENOUGH // 2 or not now > begun:
            return None
        return admitted / (now - begun)

    def recent(self, now: float) -> float | None:
        """Requests a second admitted just now, saved-up tokens included; None if too few."""
        late = self._late
        if len(late) < RECENT or now <= late[0]:
            return None
        return RECENT / (now - late[0])

    def start_over(self, now: float) -> None:
        """Estimate a bucket's rate from here on: it has changed since the cycle began."""
        self._mark = (now, self._admitted)

    def refused(self, now: float, sent_at: float, retry_after: float) -> bool:
        """Take in a refusal that asks us to wait `retry_after` seconds; return whether it is news.

        Requests that were in flight when we last backed off were refused for the same reason, and
        count once.
        """
        self._refused += 1
        if math.isnan(self._cycle_from):
            self._cycle_from = sent_at
        if sent_at < self._decided_at:
            return False
        if self.streak == 0:
            self._blocked_from = sent_at
        self.streak += 1
        self._refused_last = sent_at
        self._decided_at = now
        self._retry_after = max(self._retry_after, retry_after)
        return True

    def admitted(self, now: float, sent_at: float) -> Block | None:
        """Take in an answer that was no refusal; return the block if it ends one."""
        self._late.append(now)
        if math.isnan(self._cycle_from):
            self._cycle_from = sent_at
        if not self.streak or sent_at < self._decided_at:
            self._admitted += 1
            return None
        window = self._look_for_window(sent_at)
        # No requests at all are too few for an estimate.
        permitted = self._permitted(sent_at, window) or None
        block = Block(self._refused, permitted, window is not None, self._retry_after)
        if permitted is not None:
            self._cycle_from = sent_at
            self._admitted = 0
            self._mark = None
        self._admitted += 1
        self._refused = self.streak = 0
        self._retry_after = 0.0
        return block

    def _permitted(self, end: float, window: float | None) -> float | None:
        begun, admitted = self._cycle_from, self._admitted
        if window is not None:
            elapsed = end - begun
            if elapsed <= 2 * window:  # so it is never 0
                elapsed = max(window, self._refused_last - begun)
            return admitted / elapsed
        if self._mark is not None:
            begun = self._mark[0]
            admitted -= self._mark[1]
        elapsed = end - begun
        if admitted < ENOUGH or not elapsed > 0:
            return None
        # A Retry-After in whole seconds is longer than it takes until the next token.
        return admitted / (elapsed - min(self._retry_after, elapsed / 2))

    def gap(self, now: float, interval: float) -> float:
        """How long to wait for the next trial request, if requests are `interval` seconds apart."""
        gap = min(self.longest_gap, interval * 2.0 ** min(40, self.streak - 1))
        if self.window is not None and self._boundary is not None:
            ahead = self.window - (now - self._boundary) % self.window + MARGIN_AFTER_BOUNDARY
            gap = min(gap, ahead)
        return gap

    def _look_for_window(self, end: float) -> float | None:
        """The length of the window, if the block that ends now shows that one is counted."""
        blocked = end - self._blocked_from
        run = self._blocked_from - self._cycle_from
        pace = self._admitted / run if run > 0 and self._admitted else math.inf
        # A whole-second Retry-After below 3 s may stand for any bucket's next token.
        seen = self.streak >= 3 or self._retry_after >= 3
        if not (seen and blocked >= max(1.0, 8 / pace)):
            self._short_blocks += 1
            if (
                self.window is not None
                and self._short_blocks >= 8
                and end - self._window_seen_at > 20 * self.window
            ):
                self.window = self._boundary = None  # it behaves like a bucket after all
            return None
        self._short_blocks = 0
        window = self.window
        if run <= 2 * blocked or window is None:
            at_most = end - self._cycle_from if run <= 2 * blocked else 2 * blocked
            at_least = self._refused_last - self._cycle_from if run <= 2 * blocked else blocked
            fitting = [w for w in ROUND_WINDOWS if at_least < w <= at_most * 1.02]
            window = float(fitting[-1]) if fitting else max(1.0, at_most)
        self.window = window
        self._boundary = self._window_seen_at = end
        return window
