"""How far the API's callbacks can be relied on: learned from which of them come.

A job whose end is told by callback needs no request. One whose callback is lost needs as many as ever,
and nobody can tell the two apart beforehand. What a request is worth is therefore the news that has
been lying undetected (see `runtimes`) times the chance that it isn't told: the **doubt**.

The share of callbacks that are lost is learned by Bayes' rule from each end that is seen: it was told
by a callback in time, or it wasn't. The share is one of a few, and at each end it may have become
another one, with a small chance (the fixed-share update: Herbster and Warmuth, "Tracking the best
expert", Machine Learning 32, 1998). So a hundred callbacks that came are good evidence, and yet two or
three in a row that did not are better: an outage is noticed at once, and so is its end.

The doubt isn't the share itself. Where one callback in ten is lost or more, it is 1: those who lose
theirs shall be no worse off than without webhooks, while asking by the share alone would make their
news later by a factor of `1 / sqrt(share)`. Below that it falls in proportion to the share.
"""

from __future__ import annotations

from typing import Final

# The shares that are thought possible, and how likely each is while nothing is known: a receiver is
# mostly reached well or not at all.
_SHARES: Final = (0.001, 0.01, 0.03, 0.1, 0.3, 0.6, 0.99)
_PRIOR: Final = (0.4, 0.1, 0.05, 0.1, 0.1, 0.05, 0.2)
# How likely it is that between two ends the share has become any other.
_CHANGED: Final = 1 / 1000
# From this share on callbacks are not relied on.
_NOT_RELIED_ON: Final = 0.1
_DOUBTS: Final = tuple(min(1.0, share / _NOT_RELIED_ON) for share in _SHARES)
# A callback that comes so long after the end, seconds, is as good as lost: polling, which costs a second
# of delay and ten requests, would have been better.
_IN_TIME: Final = 2.0


class Callbacks:
    """What is known of the callbacks of one watch. Times in seconds on any one clock."""

    __slots__ = ("_chances", "_doubt", "_found")

    def __init__(self) -> None:
        self._chances = list(_PRIOR)
        self._doubt = _doubt(_PRIOR)
        # Ends that polls have found, and when: their callbacks may be on their way.
        self._found: dict[str, float] = {}

    def doubt(self, now: float) -> float:
        """What the news of a job's end counts for a request about it: from 1 down to nearly 0."""
        self._settle(now)
        return self._doubt

    def told(self, now: float, late: float) -> None:
        """A callback was the first to tell of an end, at least so many seconds after it."""
        self._settle(now)
        self._learn(came=late <= _IN_TIME)

    def found(self, now: float, job_id: str) -> None:
        """A poll was the first to tell of an end."""
        self._settle(now)
        self._found[job_id] = now

    def repeated(self, now: float, job_id: str) -> None:
        """A callback told of an end that was known already."""
        self._settle(now)
        if self._found.pop(job_id, None) is not None:
            # It was only overtaken.
            self._learn(came=True)

    def _settle(self, now: float) -> None:
        """Count as lost what has not come in time."""
        found = self._found
        while found:
            job_id, at = next(iter(found.items()))
            if now <= at + _IN_TIME:
                return
            del found[job_id]
            self._learn(came=False)

    def _learn(self, *, came: bool) -> None:
        likely = [
            chance * (1.0 - share if came else share)
            for chance, share in zip(self._chances, _SHARES, strict=True)
        ]
        scale = (1.0 - _CHANGED) / sum(likely)
        self._chances = [
            chance * scale + _CHANGED * prior for chance, prior in zip(likely, _PRIOR, strict=True)
        ]
        self._doubt = _doubt(self._chances)


def _doubt(chances: list[float] | tuple[float, ...]) -> float:
    return sum(chance * doubt for chance, doubt in zip(chances, _DOUBTS, strict=True))
