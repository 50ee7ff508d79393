"""How far the API's callbacks can be relied on, learned from which of them come.

A job whose end a callback reports needs no poll. One whose callback is lost needs as many as ever,
and the two can't be told apart beforehand. So a poll is worth the news that has been lying undetected
(see `curve`) times the chance that no callback will report it: the **doubt**.

The share of callbacks that are lost is learned by Bayes' rule from each end that is seen, which a
callback either reported in time or didn't. The share is one of a few, and at each end it may have
become another, with a small chance (the fixed-share update: Herbster and Warmuth, "Tracking the best
expert", Machine Learning 32, 1998). So a hundred callbacks that came are good evidence, and yet two
or three in a row that did not are better: an outage is noticed at once, and so is its end.

The doubt isn't the share itself. Where one callback in ten or more is lost, the doubt is 1: then
webhooks make nothing worse, while polling by the share alone would delay news by a factor of
`1 / sqrt(share)`. Below that the doubt falls in proportion to the share.
"""

from __future__ import annotations

from typing import Final

# The shares that are considered, and how likely each is before anything is known: most receivers are
# reached either well or not at all.
_SHARES: Final = (0.001, 0.01, 0.03, 0.1, 0.3, 0.6, 0.99)
_PRIOR: Final = (0.4, 0.1, 0.05, 0.1, 0.1, 0.05, 0.2)
# How likely it is that the share has changed between two ends.
_CHANGED: Final = 1 / 1000
# From this share on callbacks are not relied on.
_NOT_RELIED_ON: Final = 0.1
_DOUBTS: Final = tuple(min(1.0, share / _NOT_RELIED_ON) for share in _SHARES)
# A callback that comes this long after the end, in seconds, counts as lost: polling, which costs a
# second of delay and ten requests, would have been better.
_IN_TIME: Final = 2.0


class Callbacks:
    """What is known of the callbacks of one watch. Times are in seconds on any one clock."""

    def __init__(self) -> None:
        self._chances = list(_PRIOR)
        self._doubt = _doubt(_PRIOR)
        # Ends that a poll saw first, and when: their callbacks may be on their way.
        self._awaited: dict[str, float] = {}

    def doubt(self, now: float) -> float:
        """The weight of a job's undetected news in its polls, from 1 down to nearly 0."""
        self._settle(now)
        return self._doubt

    def came_first(self, now: float, delay: float) -> None:
        """A callback was the first to report an end, at least `delay` seconds after it."""
        self._settle(now)
        self._learn(came=delay <= _IN_TIME)

    def poll_came_first(self, now: float, job_id: str) -> None:
        """A poll was the first to see an end."""
        self._settle(now)
        self._awaited[job_id] = now

    def came_second(self, now: float, job_id: str) -> None:
        """A callback reported an end that was known already."""
        self._settle(now)
        if self._awaited.pop(job_id, None) is not None:
            self._learn(came=True)

    def _settle(self, now: float) -> None:
        """Count as lost what has not come in time."""
        awaited = self._awaited
        while awaited:
            job_id, at = next(iter(awaited.items()))
            if now <= at + _IN_TIME:
                return
            del awaited[job_id]
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
