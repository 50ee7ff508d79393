"""Timers against a plain sorted list: which is first, and in which order equal times come out."""

from __future__ import annotations

import math
from bisect import insort

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.timers import Timers
from legnext_stream._core.watched import Watched
from tests.effort import examples
from tests.legnext_stream.core.schedule.support import entries

# Waits that fall into the same bucket, into the next ones and far away, often the same.
waits = st.one_of(
    st.sampled_from([0.0, 0.01, 0.25, 0.5, 3.0, 3.0, 1e6]), st.floats(0.0, 20.0, width=16)
)
acts = st.lists(
    st.one_of(st.tuples(st.just("put"), waits), st.tuples(st.just("wait"), waits)), max_size=150
)


@examples(300)
@given(acts, st.sampled_from([0.0, 1e5 + 0.1, -7.3]))
def test_it_is_a_queue_by_time(script: list[tuple[str, float]], begin: float) -> None:
    """The earliest time comes out first, and of equal times the first that was put in."""
    timers, model, now = Timers(), list[tuple[float, int]](), begin
    for number, (act, seconds) in enumerate(script):
        if act == "put":
            timers.put(now, now + seconds, Watched(str(number)))
            insort(model, (now + seconds, number))
        else:
            now += seconds
            while model and model[0][0] <= now:
                assert timers.first == model[0][0]
                job = timers.pop(now)
                assert job is not None
                assert job.job_id == str(model.pop(0)[1])
            assert timers.pop(now) is None
        assert timers.first == (model[0][0] if model else math.inf)
        assert entries(timers) == len(model)


def test_what_is_late_comes_before_what_is_just_ready() -> None:
    """A job whose time passed unnoticed still comes before one that was put in after that."""
    timers = Timers()
    timers.put(0.0, 1.0, Watched("early"))
    timers.put(0.0, 2.0, Watched("as early"))
    timers.put(0.0, 9.0, Watched("late"))
    timers.put(2.0, 2.0, Watched("ready"))
    assert timers.first == 1.0
    popped = [timers.pop(5.0) for _ in range(4)]
    assert [job and job.job_id for job in popped] == ["early", "as early", "ready", None]


def test_far_times_take_few_bytes() -> None:
    """A thousand jobs in the far future take no object each."""
    timers = Timers()
    for number in range(1000):
        timers.put(0.0, 100.0 + number / 1e4, Watched(str(number)))
    assert not timers._near
    assert sum(len(bucket.jobs) for bucket in timers._far.values()) == 1000
    assert len(timers._far) == 1
    assert timers.pop(100.0) is not None
    assert not timers._far
