"""Hints from unverified callbacks: the first counts at once, further ones more and more rarely."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.hints import Hints
from legnext_stream._core.watched import BY_QUEUE, IN_FLIGHT, Watched


def taken(hints: Hints, now: float) -> str | None:
    """The job to poll now, answered at once."""
    if hints.due(now) > now:
        return None
    job = hints.take()
    job.polled_at = now
    return job.job_id


def test_the_first_hint_counts_at_once() -> None:
    """It makes one poll, however often it is repeated."""
    hints, job = Hints(1.0), Watched("a")
    assert hints.due(0.0) == math.inf
    hints.add(7.0, job)
    hints.add(7.0, job)
    assert hints.due(6.0) == 7.0
    assert taken(hints, 7.0) == "a"
    assert hints.due(7.0) == math.inf


def test_further_hints_count_later_and_later() -> None:
    """None is lost, but a thousand in a minute make few polls."""
    hints, job, asked = Hints(1.0), Watched("a"), []
    for tenth in range(6000):
        now = tenth / 10
        hints.add(now, job)
        if taken(hints, now):
            asked.append(now)
    gaps = [round(later - earlier) for earlier, later in pairwise(asked)]
    assert gaps[:5] == [5, 10, 20, 40, 60]
    assert set(gaps[5:]) == {60}


def test_a_job_in_flight_is_polled_again() -> None:
    """The answer to the poll in flight may be older than the hint."""
    hints, job = Hints(1.0), Watched("a", where=IN_FLIGHT)
    hints.add(0.0, job)
    assert hints.due(0.0) == 1.0
    job.where, job.polled_at = BY_QUEUE, 0.5
    assert hints.due(1.0) == 1.5
    assert taken(hints, 1.5) == "a"


def test_a_poll_for_another_reason_answers_it() -> None:
    """If it was sent after the hint."""
    hints, job, other = Hints(1.0), Watched("a"), Watched("b")
    hints.polled(job)
    hints.add(0.0, job)
    hints.polled(other)
    hints.polled(job)
    assert hints.due(0.0) == math.inf


def test_a_removed_job_is_forgotten() -> None:
    """Even while a hint waits."""
    hints, job = Hints(1.0), Watched("a")
    hints.forget(job)
    hints.add(0.0, job)
    hints.forget(job)
    assert hints.due(10.0) == math.inf
    assert not hints._hinted


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 3), st.booleans()), max_size=60),
    st.sampled_from([0.5, 2.0]),
)
def test_no_job_is_polled_too_soon(steps: list[tuple[int, float, bool]], least: float) -> None:
    """Whatever is hinted at when, `min_interval` is kept."""
    hints, now = Hints(least), 0.0
    jobs = [Watched(str(number)) for number in range(4)]
    asked: dict[str, float] = {}
    for number, wait, look in steps:
        now += wait
        hints.add(now, jobs[number])
        while look and (job_id := taken(hints, now)) is not None:
            assert now - asked.get(job_id, -math.inf) >= least
            asked[job_id] = now
