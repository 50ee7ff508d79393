"""The record of a job: its size, and what follows from its fields."""

from __future__ import annotations

import gc
import sys

import pytest

from legnext_stream._core.watched import IN_FLIGHT, IN_TIMERS, Watched


def test_it_is_small_and_not_tracked_by_the_garbage_collector() -> None:
    """At most 136 bytes, and without a dictionary: there may be a million."""
    job = Watched("job")
    assert sys.getsizeof(job) <= 136
    assert not hasattr(job, "__dict__")
    assert not gc.is_tracked(job)
    assert not gc.is_tracked(job.ensure_extra())


def test_it_is_itself_and_no_other() -> None:
    """Two records with the same id are different."""
    assert Watched("job") != Watched("job")
    assert len({Watched("job"), Watched("job")}) == 2


def test_where_it_stands() -> None:
    """Waiting in the queue order, waiting outside it, or started; confirmed once that was seen."""
    outside, inside = Watched("job"), Watched("job", position=7)
    assert (outside.is_waiting, outside.is_detached, outside.is_confirmed) == (False, True, False)
    assert (inside.is_waiting, inside.is_detached, inside.is_confirmed) == (True, False, False)
    believed = Watched("job", position=7, started_at=3.0)
    assert (believed.is_waiting, believed.is_detached, believed.is_confirmed) == (
        False,
        False,
        False,
    )
    assert Watched("job", position=7, started_at=3.0, counted_at=4.0).is_confirmed


@pytest.mark.parametrize(
    ("where", "is_scheduled", "is_in_flight"),
    [(-1, False, False), (IN_TIMERS, True, False), (IN_FLIGHT, True, True), (0, True, False)],
)
def test_what_schedules_it(where: int, *, is_scheduled: bool, is_in_flight: bool) -> None:
    """The queue, a timer, its place among the ready jobs, or a poll in flight."""
    job = Watched("job", where=where)
    assert (job.is_scheduled, job.is_in_flight) == (is_scheduled, is_in_flight)


def test_up_to_which_age_it_counts() -> None:
    """Its age when it was last seen, or a greater one that was counted before its start was corrected."""
    job = Watched("job")
    assert job.counted == 0.0
    job.started_at, job.counted_at = 10.0, 14.0
    assert job.counted == 4.0
    job.count_to(5.0)
    assert job.counted == 5.0
    job.count_to(None)
    assert job.counted == 4.0
    job.started_at = 15.0
    assert job.counted == 0.0


def test_trouble_passes_and_words_stay() -> None:
    """A job that is described again has no failures, and still has the unknown words."""
    job = Watched("job")
    job.recovered()
    assert (job.words, job.failures, job.missing_since) == ((), 0, None)
    odd = job.ensure_extra()
    odd.words, odd.failures, odd.trouble_since, odd.missing_since = ("new",), 2, 1.0, 3.0
    assert (job.words, job.failures, job.missing_since) == (("new",), 2, 3.0)
    job.recovered()
    again = job.ensure_extra()
    assert again is odd
    assert (again.words, again.failures) == (("new",), 0)
    assert (again.trouble_since, again.missing_since) == (None, None)


def test_when_it_was_seen() -> None:
    """What was given for a job before any answer doesn't count as seen."""
    assert Watched("job", looked_at=5.0).seen_at is None
    assert Watched("job", looked_at=5.0, is_seen=True).seen_at == 5.0
