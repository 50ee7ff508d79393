"""What the pattern of answers and refusals says about a limit: how much, over which window."""

from __future__ import annotations

import math
from collections import deque

from msgspec import Struct, field

ENOUGH = 20
"""Admitted requests below which a cycle says too little about a rate."""

RECENT = 16
"""Answers over which the present rate is measured."""

ROUND_WINDOWS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 86400)
"""Seconds: the windows people configure. Used only to sharpen what was measured."""

MARGIN_AFTER_BOUNDARY = 0.05
"""Seconds to wait beyond the moment at which a window is expected to end."""


class Block(Struct, frozen=True):
    """A stretch of refusals that has ended.

    Attributes:
        refused: how many requests it cost.
        permitted: requests a second that the limit has let through from the end of the block
            before to the end of this one; None if too few to say.
        windowed: whether it showed that a window is counted, not a bucket drained.
        told: seconds for which the service asked us to wait.
    """

    refused: int
    permitted: float | None
    windowed: bool
    told: float


class Refusals(Struct):
    """Follows blocks: from a first refusal to the next request admitted after we backed off.

    **The estimate.** At the end of a block a token bucket is empty, a sliding window just has
    one place, a fixed window has just begun. So between the ends of two blocks, every such limit
    has let through what it permits for that time, no more and no less:

        permitted = admitted / (end of this block - end of the block before)

    It is exact for each of them, as long as what was left unused didn't overflow the bucket (then
    it is low, and probing raises it), and too high only at the very beginning, when a full bucket
    is spent once. Cycles of fewer than `ENOUGH` requests are joined.

    **The window.** A bucket gives its next token within `1 / permitted` seconds. If refusals go
    on for many times that, the limit counts requests in a window, and refuses all until old ones
    leave it. When such a block follows a burst, the window lies between the last refused and the
    first admitted request, counted from the beginning of the burst; of the lengths in that
    interval a round one is the likeliest.

    **The feelers.** While blocked, single requests go out at doubling distances; what they cost is
    logarithmic in the length of the block. Where the window's end is foreseen, the next feeler
    goes right behind it.

    Attributes:
        window: the window's length in seconds, once one was seen; None for a bucket.
        streak: feelers in a row that were refused (0 while not blocked).
    """

    longest_gap: float
    window: float | None = None
    streak: int = 0
    _cycle_from: float = math.nan
    _admitted: int = 0
    _refused: int = 0
    _blocked_from: float = 0.0
    _refused_last: float = 0.0
    _decided_at: float = -math.inf
    _told: float = 0.0
    _boundary: float | None = None
    _mark: tuple[float, int] | None = None
    _window_seen_at: float = -math.inf
    _short_blocks: int = 0
    _late: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def achieved(self, now: float) -> float | None:
        """Requests a second admitted in this cycle; None if too few to say."""
        begun, admitted = self._mark or (self._cycle_from, 0)
        admitted = self._admitted - admitted
        if admitted < ENOUGH // 2 or not now > begun:
            return None
        return admitted / (now - begun)

    def recent(self, now: float) -> float | None:
        """Requests a second admitted just now, whatever saved-up tokens paid for them."""
        late = self._late
        if len(late) < RECENT or now <= late[0]:
            return None
        return RECENT / (now - late[0])

    def start_over(self, now: float) -> None:
        """Count a bucket's tokens from here: its rate isn't what it was when the cycle began."""
        self._mark = (now, self._admitted)

    def refused(self, now: float, sent_at: float, told: float) -> bool:
        """Take in a refusal.

        Args:
            now: when it was answered, seconds.
            sent_at: when it was sent, seconds.
            told: seconds for which the service asked us to wait; 0 if it didn't.

        Returns:
            Whether it is news: requests that were under way when we last backed off were refused
            for the same reason, and count once.
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
        self._told = max(self._told, told)
        return True

    def admitted(self, now: float, sent_at: float) -> Block | None:
        """Take in an answer that was no refusal; returns the block if it ends one."""
        self._late.append(now)
        if math.isnan(self._cycle_from):
            self._cycle_from = sent_at
        if not self.streak or sent_at < self._decided_at:
            self._admitted += 1
            return None
        window = self._look_for_window(sent_at)
        # Nothing admitted says nothing, no more than too little does.
        permitted = self._permitted(sent_at, window) or None
        block = Block(self._refused, permitted, window is not None, self._told)
        if permitted is not None:
            self._cycle_from = sent_at
            self._admitted = 0
            self._mark = None
        self._admitted += 1
        self._refused = self.streak = 0
        self._told = 0.0
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
        # A whole second's pause for a token that was due in a moment isn't the limit's doing.
        return admitted / (elapsed - min(self._told, elapsed / 2))

    def gap(self, now: float, interval: float) -> float:
        """Say how many seconds to wait for the next feeler, `interval` being the usual spacing."""
        gap = min(self.longest_gap, interval * 2.0 ** min(40, self.streak - 1))
        if self.window is not None and self._boundary is not None:
            ahead = self.window - (now - self._boundary) % self.window + MARGIN_AFTER_BOUNDARY
            gap = min(gap, ahead)
        return gap

    def _look_for_window(self, end: float) -> float | None:
        """Decide whether the block ending now was a window's; returns that window's length."""
        blocked = end - self._blocked_from
        run = self._blocked_from - self._cycle_from
        pace = self._admitted / run if run > 0 and self._admitted else math.inf
        # A whole-second Retry-After below 3 s may stand for any bucket's next token.
        seen = self.streak >= 3 or self._told >= 3
        if not (seen and blocked >= max(1.0, 8 / pace)):
            self._short_blocks += 1
            if (
                self.window is not None
                and self._short_blocks >= 8
                and end - self._window_seen_at > 20 * self.window
            ):
                self.window = self._boundary = None  # it does behave like a bucket
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
