"""Hints: heard at once, but not as often as anybody likes."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.hints import Hints
from legnext_stream._core.watched import ASKED, BY_LINE, Watched


def taken(hints: Hints, now: float) -> str | None:
    """Whom to ask about now, and have it answered at once."""
    if hints.due(now) > now:
        return None
    job = hints.take()
    job.polled_at = now
    return job.job_id


def test_the_first_is_heard_at_once() -> None:
    """And once, however often it is said."""
    hints, job = Hints(1.0), Watched("a")
    assert hints.due(0.0) == math.inf
    hints.add(7.0, job)
    hints.add(7.0, job)
    assert hints.due(6.0) == 7.0
    assert taken(hints, 7.0) == "a"
    assert hints.due(7.0) == math.inf


def test_the_next_is_heard_later_and_later() -> None:
    """None is lost, but of a thousand in a minute few are heard."""
    hints, job, asked = Hints(1.0), Watched("a"), []
    for tenth in range(6000):
        now = tenth / 10
        hints.add(now, job)
        if taken(hints, now):
            asked.append(now)
    gaps = [round(later - earlier) for earlier, later in pairwise(asked)]
    assert gaps[:5] == [5, 10, 20, 40, 60]
    assert set(gaps[5:]) == {60}


def test_who_is_asked_about_is_asked_again() -> None:
    """For the answer that is on its way may be older than the hint."""
    hints, job = Hints(1.0), Watched("a", seat=ASKED)
    hints.add(0.0, job)
    assert hints.due(0.0) == 1.0
    job.seat, job.polled_at = BY_LINE, 0.5
    assert hints.due(1.0) == 1.5
    assert taken(hints, 1.5) == "a"


def test_a_poll_for_another_reason_answers_it() -> None:
    """As long as it was sent after the hint."""
    hints, job, other = Hints(1.0), Watched("a"), Watched("b")
    hints.answered(job)
    hints.add(0.0, job)
    hints.answered(other)
    hints.answered(job)
    assert hints.due(0.0) == math.inf


def test_who_is_gone_is_forgotten() -> None:
    """Also while a hint waits."""
    hints, job = Hints(1.0), Watched("a")
    hints.forget(job)
    hints.add(0.0, job)
    hints.forget(job)
    assert hints.due(10.0) == math.inf
    assert not hints._heard


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 3), st.booleans()), max_size=60),
    st.sampled_from([0.5, 2.0]),
)
def test_no_job_is_asked_about_too_soon(steps: list[tuple[int, float, bool]], least: float) -> None:
    """Whatever is hinted at when: never twice within the least interval."""
    hints, now = Hints(least), 0.0
    jobs = [Watched(str(number)) for number in range(4)]
    asked: dict[str, float] = {}
    for number, wait, look in steps:
        now += wait
        hints.add(now, jobs[number])
        while look and (job_id := taken(hints, now)) is not None:
            assert now - asked.get(job_id, -math.inf) >= least
            asked[job_id] = now
