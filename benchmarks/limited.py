"""The worlds that test the limit: more polls are always due than are allowed.

1,500 jobs that run for four hours, longer than any of these worlds is watched, are watched with
`max_interval` 5 s. That makes 300 requests due each second, more than any limit here allows. So the
pacer alone decides what is sent, and the schedule decides nothing. The watch starts at a random time
in the world's first minute, so that each seed meets the windows and the steps in another phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import attrs

from benchmarks.harness import ANSWER, Sent, Telling, run
from benchmarks.policies import Ours
from benchmarks.worlds import Change
from legnext_stream._core.pacing import Pacing
from mockserver._world.durations import Fixed
from mockserver._world.limits import (
    Concurrency,
    FixedWindow,
    Limit,
    Scheduled,
    SlidingWindow,
    TokenBucket,
)
from mockserver._world.world import World

JOBS: Final = 1500
_RUN: Final = 4 * 3600.0
STARTING: Final = 60.0
"""Seconds that a pacer has to find the limit before it is measured."""
RISE: Final = 480.0
"""When the step goes up again, seconds after the world's start; it goes down halfway there."""
SPAN: Final = 5.0
"""Seconds over which the rate is averaged to find the time of recovery."""


@attrs.frozen
class Limited:
    """One kind of limit.

    Attributes:
        make: Makes the limit, `scale` times as high.
        permitted: How many requests it admits between two times in seconds, if there are always
            more; by the limit's scale.
        can_tell: Whether it has a rate that `RateLimit` fields can express.
        windows: The length of its fixed windows in seconds: counting begins and ends with a window.
        minutes: How long it is watched.
        answer: Seconds that an answer takes.
        max_rate: The pacer's setting, requests a second: the default 50 unless the limit is higher.
        max_in_flight: The pacer's setting: the default 32 unless the limit needs more.
        rises_to: Requests a second after the step up; None if there is none.
    """

    make: Callable[[float], Limit]
    permitted: Callable[[float, float, float], float]
    can_tell: bool = True
    windows: float | None = None
    minutes: float = 10.0
    answer: float = ANSWER
    max_rate: float = 50.0
    max_in_flight: int = 32
    rises_to: float | None = None


def _whole(number: float) -> int:
    return max(1, round(number))


def _bucket(rate: float) -> Callable[[float], Limit]:
    return lambda scale: TokenBucket(rate * scale, _whole(rate * scale))


def _steady(rate: float) -> Callable[[float, float, float], float]:
    return lambda scale, begin, end: rate * scale * (end - begin)


def _step(scale: float) -> Limit:
    high, low = _bucket(20.0)(scale), _bucket(5.0)(scale)
    return Scheduled([(0.0, high), (RISE / 2, low), (RISE, high)])


def _permitted_by_step(scale: float, begin: float, end: float) -> float:
    low = max(0.0, min(end, RISE) - max(begin, RISE / 2))
    return scale * (20.0 * (end - begin - low) + 5.0 * low)


def _at_once(answer: float) -> Callable[[float, float, float], float]:
    # Little's law: each place is free again after an answer.
    return lambda scale, begin, end: (end - begin) * _whole(8 * scale) / answer


LIMITED: Final[Mapping[str, Limited]] = {
    "token bucket 10/s, burst 10": Limited(_bucket(10.0), _steady(10.0)),
    "sliding window, 60 a minute": Limited(
        lambda scale: SlidingWindow(_whole(60 * scale), 60.0), _steady(1.0), minutes=20.0
    ),
    "fixed window, 600 a minute": Limited(
        lambda scale: FixedWindow(_whole(600 * scale), 60.0),
        _steady(10.0),
        windows=60.0,
        minutes=13.0,
    ),
    "8 at once": Limited(
        lambda scale: Concurrency(_whole(8 * scale)),
        _at_once(ANSWER),
        can_tell=False,
        minutes=3.0,
        max_rate=1000.0,
        max_in_flight=1000,
    ),
    "8 at once, answers take 0.5 s": Limited(
        lambda scale: Concurrency(_whole(8 * scale)),
        _at_once(0.5),
        can_tell=False,
        answer=0.5,
    ),
    "steps 20, 5, 20/s": Limited(_step, _permitted_by_step, minutes=12.0, rises_to=20.0),
}


@attrs.frozen(eq=False)
class Ran:
    """One run against a limit.

    Attributes:
        figures: `refused` (the share of requests refused after the first minute), `used` (the share of
            the limit used then), `refused_first` (how many were refused in the first minute), and if
            the limit rises, `late` (seconds until 90 % of it were used).
        sent: Every request.
    """

    figures: Mapping[str, float]
    sent: list[Sent]


def run_limited(name: str, telling: Telling, seed: int, change: Change) -> Ran:
    """Run our policy against one kind of limit."""
    limited = LIMITED[name]
    scale = change.limit
    rng = Random(f"{name} {seed}")
    world = World(seed, slots=None, run_times=Fixed(_RUN))
    # A higher limit needs more due polls; with fewer jobs it would not be used.
    job_ids = world.add_jobs(_whole(JOBS * max(1.0, scale)), at=0.0)
    begin_at = rng.uniform(1.0, 60.0)
    end = begin_at + 60.0 * limited.minutes
    pacing = Pacing(
        max_interval=5.0,
        max_rate=limited.max_rate * max(1.0, scale),
        max_in_flight=_whole(limited.max_in_flight * max(1.0, scale)),
    )
    result = run(
        Ours(pacing, timeout=None),
        world,
        job_ids,
        begin_at=begin_at,
        until=end,
        limit=limited.make(scale),
        telling=telling,
        answer=limited.answer,
    )
    begin = begin_at + STARTING
    if limited.windows is not None:
        begin = math.ceil(begin / limited.windows) * limited.windows
        end = math.floor(end / limited.windows) * limited.windows
    counted = [sent for sent in result.sent if begin <= sent.at < end]
    refused = sum(sent.refused for sent in counted)
    figures = {
        "refused": refused / max(1, len(counted)),
        "used": (len(counted) - refused) / limited.permitted(scale, begin, end),
        "refused_first": float(
            sum(sent.refused for sent in result.sent if sent.at < begin_at + STARTING)
        ),
    }
    if limited.rises_to is not None:
        figures["late"] = _caught_up(result.sent, limited.rises_to * scale)
    return Ran(figures, result.sent)


def _caught_up(sent: list[Sent], rate: float) -> float:
    """Seconds from the rise until the beginning of the first `SPAN` that used 90 % of the rate."""
    admitted = [each.at for each in sent if each.at >= RISE and not each.refused]
    first = 0
    for last, at in enumerate(admitted):
        while admitted[first] < at - SPAN:
            first += 1
        if at >= RISE + SPAN and (last - first + 1) / SPAN >= 0.9 * rate:
            return at - SPAN - RISE
    return math.inf
