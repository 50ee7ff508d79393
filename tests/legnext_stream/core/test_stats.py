"""The numbers about a watch."""

from __future__ import annotations

from legnext_stream.core.jobs import JobStatus
from legnext_stream.core.stats import Tally


def test_jobs_move_between_the_counts() -> None:
    """Each job stands in one place, and those with no job are not shown."""
    tally = Tally(unseen=2)
    tally.moved(None, JobStatus.PENDING)
    tally.moved(JobStatus.PENDING, JobStatus.COMPLETED)
    stats = tally.snapshot(rate=5, in_flight=1)
    assert stats.unseen == 1
    assert stats.jobs == {JobStatus.COMPLETED: 1}
    assert (stats.rate, stats.in_flight) == (5, 1)


def test_what_an_ended_watch_leaves_behind() -> None:
    """Its counts stay, its jobs that have not ended don't; the newest error is the one shown."""
    ended = Tally(polls=3, unseen=4, last_error="old")
    ended.jobs.update({JobStatus.PENDING: 2, JobStatus.FAILED: 1})
    total = Tally(polls=1)
    total.add(ended.without_unfinished())
    total.add(Tally(polls=10, retries=1, rate_limited=2, troubles=3, events=4, unseen=5))
    stats = total.snapshot(rate=1, in_flight=0)
    assert (stats.polls, stats.unseen, stats.last_error) == (14, 5, "old")
    assert stats.jobs == {JobStatus.FAILED: 1}
    assert (stats.retries, stats.rate_limited, stats.troubles, stats.events) == (1, 2, 3, 4)
    total.add(Tally(last_error="new"))
    assert total.last_error == "new"
