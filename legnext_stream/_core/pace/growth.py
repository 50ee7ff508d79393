"""How the rate changes while the service states no limit: climb, fall, recover, hold, probe."""

from __future__ import annotations

import enum

from msgspec import Struct

BETA = 0.7
"""What is left of the achieved rate after a refusal (CUBIC's beta, RFC 9438 section 4.6)."""

MARGIN = 0.98
"""The rate to hold, as a share of the ceiling: clocks and counts may differ a little."""

MIN_RATE = 1 / 300
"""The lowest rate, in requests a second, so that no account is ever given up."""

GAIN = 0.03
"""How much a failed probe raises the ceiling nevertheless, and a failed plateau lowers it: so the
ceiling approaches the truth where counting admitted requests can't show it."""

FAR_BEYOND = 1.5
"""A probe that reaches this many times the ceiling shows that the limit has risen ..."""

FAR_DEEPER = 3.0
"""... if it gets this many times more requests through than saved-up tokens ever explained."""


class Phase(enum.Enum):
    """What the rate is doing."""

    CLIMBING = "climbing"  # no ceiling known: doubling, as in TCP's slow start
    RECOVERING = "recovering"  # back to the ceiling along CUBIC's concave half
    HOLDING = "holding"  # on a plateau just below the ceiling
    PROBING = "probing"  # above the ceiling, the excess doubling while nothing is refused


class Growth(Struct):
    """A rate in requests a second, as a function of time and refusals.

    Its clock runs only while the rate is what limits us: `advance` gets the seconds that requests
    really waited for a token. Without demand nothing grows.

    After a refusal the rate returns to the remembered ceiling on the concave half of the cubic
    of RFC 9438 (section 4.2),

        rate(t) = target - (target - fallen) * (1 - t / K) ** 3

    where the time of return `K` is chosen instead of CUBIC's constant `C`: at least two seconds and
    ten requests, whatever the scale of the rate. At K the rate stays (CUBIC would continue into its
    convex half at once, which meets a limit every few seconds). The channel decides whether and
    when to probe, by what probing costs.
    """

    max_rate: float  # the highest rate, in requests a second, whatever is learned
    rate: float  # the rate now, in requests a second
    # The highest rate that seems to be allowed, in requests a second; None if unknown.
    ceiling: float | None = None
    phase: Phase = Phase.CLIMBING  # what the rate is doing
    _clock: float = 0.0  # rate-limited seconds in this phase
    _fallen: float = 0.0  # the rate at the start of a recovery
    _proven: float = 0.0  # the rate that was accepted before the fall
    _excess: float = 0.0  # requests that a probe got through above the ceiling
    _depth: float = 5.0  # how many of those saved-up tokens can explain
    # The ceiling and the excess before a probe seemed to find room.
    _doubted: tuple[float, float] | None = None

    def advance(self, dt: float, doubling: float, first_step: float) -> None:
        """Let `dt` rate-limited seconds pass.

        Args:
            dt: For how long demand waited for tokens, in seconds.
            doubling: The time in which a climb doubles the rate, or a probe its excess, in seconds.
            first_step: A probe's first excess, as a share of the ceiling.
        """
        self._clock += dt
        ceiling = self.ceiling
        if ceiling is None:
            self.phase = Phase.CLIMBING
            if self.rate < self.max_rate:
                self.rate = min(self.max_rate, self.rate * 2 ** min(60.0, dt / doubling))
        elif self.phase is Phase.PROBING:
            excess = first_step * 2 ** min(60.0, self._clock / doubling)
            self.rate = max(self.rate, min(self.max_rate, ceiling * (1 + excess)))
            self._excess += (self.rate - ceiling) * dt
            if self.rate >= self.max_rate and self._clock > 10 * doubling:
                self.ceiling = None  # at the maximum rate, and nothing is refused
                self.phase = Phase.CLIMBING
        else:
            target = min(self.max_rate, MARGIN * ceiling)
            span = max(2.0, 10 / target)
            if self._clock >= span:
                self.phase = Phase.HOLDING
                self.rate = target
            else:
                left = 1 - self._clock / span
                self.rate = target - (target - self._fallen) * left * left * left

    def probe(self) -> None:
        """Begin to try rates above the ceiling."""
        self._clock = self._excess = 0.0
        self.phase = Phase.PROBING

    def give_up_probe(self) -> None:
        """Return to the plateau, without a result of the probe."""
        if self.phase is Phase.PROBING and self.ceiling is not None:
            self.rate = min(self.rate, MARGIN * self.ceiling)
            self.phase = Phase.HOLDING

    @property
    def found_room(self) -> bool:
        """Whether a probe got so far above the ceiling that the limit must have risen.

        Tokens saved up in a bucket let a probe pass too. How many they can be is learned from the
        probes that they misled.
        """
        ceiling = self.ceiling
        return (
            self.phase is Phase.PROBING
            and ceiling is not None
            and self.rate > FAR_BEYOND * ceiling
            and self._excess > FAR_DEEPER * self._depth
        )

    def fall(self, achieved: float) -> None:
        """Decrease after a refusal.

        As in botocore's adaptive mode, the decrease starts from the requests a second that were
        recently admitted, not from a rate that was only allowed.
        """
        base = min(self.rate, achieved)
        ceiling = self.ceiling
        self._proven = 0.0
        if ceiling is None:
            ceiling = base
        elif self.found_room:
            self._doubted = (ceiling, self._excess)
            ceiling = base
        elif self.phase is Phase.PROBING:
            self._depth = max(self._excess, 0.9 * self._depth)
            self._proven = min(ceiling * (1 + GAIN), self.rate)
        else:
            if self.phase is Phase.HOLDING:
                self._proven = ceiling * (1 - GAIN)
            # Refused below the ceiling: the limit has fallen.
            ceiling = min(ceiling, self.rate)
        self.ceiling = max(MIN_RATE, ceiling)
        self._recover_from(base * BETA)

    def settle(self, ceiling: float, *, exact: bool = False) -> None:
        """Learn the ceiling, and return to it from below.

        Args:
            ceiling: The requests a second that were recently admitted.
            exact: Whether that is the limit itself. It is less if an unused part was lost (a small
                bucket overflows while we recover); then a rate that was accepted on a plateau, or at
                a probe's beginning, is better evidence.
        """
        if self._doubted is not None:
            before, excess = self._doubted
            self._doubted = None
            if ceiling < 1.2 * before:
                self._depth = max(self._depth, excess)  # no room: it was saved-up tokens
        if not exact:
            ceiling = max(ceiling, self._proven)
        self.ceiling = min(self.max_rate, max(MIN_RATE, ceiling))
        self._recover_from(min(self.rate, BETA * self.ceiling))

    def ease(self, floor: float) -> None:
        """Decrease because the service is in trouble; that says nothing about the ceiling."""
        self.give_up_probe()
        if self.ceiling is None:
            self.rate = max(floor, self.rate * BETA)
        else:
            self._recover_from(max(floor, self.rate * BETA))

    def set_ceiling(self, ceiling: float) -> None:
        """Take the ceiling that the service states, without any fall."""
        ceiling = min(self.max_rate, max(MIN_RATE, ceiling))
        if self.ceiling is None or abs(self.ceiling - ceiling) > 0.001 * ceiling:
            self.ceiling = ceiling
            self._recover_from(min(self.rate, ceiling * MARGIN))
        elif self.phase is Phase.PROBING:
            self.give_up_probe()

    def forget(self) -> None:
        """Forget the ceiling: the limit turned out not to be one of the rate."""
        self.ceiling = None
        self.phase = Phase.CLIMBING

    def _recover_from(self, rate: float) -> None:
        self.rate = self._fallen = min(self.max_rate, max(MIN_RATE, rate))
        self._clock = 0.0
        self.phase = Phase.RECOVERING
