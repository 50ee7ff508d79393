"""How the rate moves while nobody says what it may be: climb, fall, return, hold, probe."""

from __future__ import annotations

import enum

from msgspec import Struct

BETA = 0.7
"""What is left of the achieved rate after a refusal (CUBIC's beta, RFC 9438 section 4.6)."""

MARGIN = 0.98
"""Where to hold, as a share of the ceiling: room for clocks and for counting."""

MIN_RATE = 1 / 300
"""Requests a second below which no decrease goes, so that no account is ever given up."""


GAIN = 0.03
"""How much a probe that failed raises the ceiling nevertheless, and a plateau that failed
lowers it: the ceiling creeps to the truth where counting what was admitted can't show it."""

FAR_BEYOND = 1.5
"""A probe that reached this many times the ceiling has found that the limit rose."""


FAR_DEEPER = 3.0
"""... if it got this many times more requests through than saved-up tokens ever explained."""


class Phase(enum.Enum):
    """What the rate is doing."""

    CLIMBING = "climbing"  # no ceiling known: doubling, as in TCP's slow start
    RECOVERING = "recovering"  # back to the ceiling along CUBIC's concave half
    HOLDING = "holding"  # on the plateau, just below the ceiling
    PROBING = "probing"  # beyond the ceiling, the excess doubling while nothing is refused


class Growth(Struct):
    """A rate in requests a second, as a function of time and refusals.

    Its clock runs only while the rate is what limits us: `advance` is called with the seconds
    that requests really waited for a token. Without demand nothing grows.

    After a refusal the rate returns to the remembered ceiling on the concave half of the cubic
    of RFC 9438 (section 4.2),

        rate(t) = target - (target - fallen) * (1 - t / K) ** 3

    with the time of return `K` chosen instead of CUBIC's constant `C`: at least two seconds and
    ten requests, whatever the scale of the rate. At K it stays (CUBIC would go on into its convex
    half at once, which meets a limit every few seconds); whether and when to probe is decided
    from outside, by what probing costs.

    Attributes:
        max_rate: requests a second never to be exceeded.
        rate: the rate now, requests a second.
        ceiling: the highest rate believed to be allowed, requests a second; None if unknown.
        phase: what the rate is doing.
    """

    max_rate: float
    rate: float
    ceiling: float | None = None
    phase: Phase = Phase.CLIMBING
    _clock: float = 0.0  # limited seconds in this phase
    _fallen: float = 0.0  # rate at the start of a recovery
    _stood: float = 0.0  # rate that stood the test before the fall
    _excess: float = 0.0  # requests that a probe got beyond the ceiling
    _depth: float = 5.0  # such requests that meant nothing
    _doubted: tuple[float, float] | None = None

    def advance(self, dt: float, doubling: float, first_step: float) -> None:
        """Let `dt` limited seconds pass.

        Args:
            dt: seconds in which demand waited for tokens.
            doubling: seconds in which a climb doubles the rate, or a probe its excess.
            first_step: a probe's first excess, as a share of the ceiling.
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
                self.ceiling = None  # as fast as we ever go, and nobody minds
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
        """Begin to look for room beyond the ceiling."""
        self._clock = self._excess = 0.0
        self.phase = Phase.PROBING

    def give_up_probe(self) -> None:
        """Go back to the plateau: nothing asked for the probe's result, or it ended idle."""
        if self.phase is Phase.PROBING and self.ceiling is not None:
            self.rate = min(self.rate, MARGIN * self.ceiling)
            self.phase = Phase.HOLDING

    @property
    def found_room(self) -> bool:
        """Whether a probe got so much beyond the ceiling that this can't hold any more.

        Tokens saved up in a bucket let a probe pass too; how many those can be is learned from
        the probes that they deceived.
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

        Args:
            achieved: requests a second really admitted of late; the decrease starts from there,
                not from a rate that was merely allowed (as botocore's adaptive mode does).
        """
        base = min(self.rate, achieved)
        ceiling = self.ceiling
        self._stood = 0.0
        if ceiling is None:
            ceiling = base
        elif self.found_room:
            self._doubted = (ceiling, self._excess)
            ceiling = base
        elif self.phase is Phase.PROBING:
            self._depth = max(self._excess, 0.9 * self._depth)
            self._stood = min(ceiling * (1 + GAIN), self.rate)
        else:
            if self.phase is Phase.HOLDING:
                self._stood = ceiling * (1 - GAIN)
            # Refused although below the ceiling: it isn't there any more.
            ceiling = min(ceiling, self.rate)
        self.ceiling = max(MIN_RATE, ceiling)
        self._return_from(base * BETA)

    def settle(self, ceiling: float, *, exact: bool = False) -> None:
        """Learn what the ceiling is, and return to it from below.

        Args:
            ceiling: requests a second that were let through of late.
            exact: whether that is the limit itself. It is less where an unused part was lost (a
                small bucket overflows while we recover); then a rate that stood the test of a
                plateau, or of a probe's beginning, is worth more.
        """
        if self._doubted is not None:
            before, excess = self._doubted
            self._doubted = None
            if ceiling < 1.2 * before:
                self._depth = max(self._depth, excess)  # no room: it was saved-up tokens
        if not exact:
            ceiling = max(ceiling, self._stood)
        self.ceiling = min(self.max_rate, max(MIN_RATE, ceiling))
        self._return_from(min(self.rate, BETA * self.ceiling))

    def ease(self, floor: float) -> None:
        """Decrease because the service is in trouble, which says nothing about the ceiling."""
        self.give_up_probe()
        if self.ceiling is None:
            self.rate = max(floor, self.rate * BETA)
        else:
            self._return_from(max(floor, self.rate * BETA))

    def tell(self, ceiling: float) -> None:
        """Take the ceiling as told by the service: no doubt, no fall."""
        ceiling = min(self.max_rate, max(MIN_RATE, ceiling))
        if self.ceiling is None or abs(self.ceiling - ceiling) > 0.001 * ceiling:
            self.ceiling = ceiling
            self._return_from(min(self.rate, ceiling * MARGIN))
        elif self.phase is Phase.PROBING:
            self.give_up_probe()

    def forget(self) -> None:
        """Drop the ceiling: what refused us turned out not to be a rate."""
        self.ceiling = None
        self.phase = Phase.CLIMBING

    def _return_from(self, rate: float) -> None:
        self.rate = self._fallen = min(self.max_rate, max(MIN_RATE, rate))
        self._clock = 0.0
        self.phase = Phase.RECOVERING
