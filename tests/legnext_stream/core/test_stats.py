"""The numbers about a watch."""

from __future__ import annotations

from legnext_stream.core.jobs import JobStatus
from legnext_stream.core.pace import Pacer
from legnext_stream.core.schedule.durations import Durations
from legnext_stream.core.stats import Stats, Tally


def snapshot(tally: Tally, durations: Durations | None = None) -> Stats:
    """The tally beside a pacer with one request under way."""
    pacer = Pacer(max_rate=10, initial_rate=5, max_in_flight=4)
    pacer.start(0.0)
    return tally.snapshot(
        pacer=pacer, durations=durations or Durations(), price=0.1, remaining=None
    )


def test_jobs_move_between_the_counts() -> None:
    """Each job stands in one place, and those with no job are not shown."""
    tally = Tally(unseen=2)
    tally.moved(None, JobStatus.PENDING)
    tally.moved(JobStatus.PENDING, JobStatus.COMPLETED)
    stats = snapshot(tally)
    assert stats.unseen == 1
    assert stats.jobs == {JobStatus.COMPLETED: 1}
    assert (stats.rate, stats.in_flight, stats.why) == (5, 1, "starting")
    assert (stats.ended, stats.polls_per_ended, stats.news_share) == (1, 0, None)


def test_what_an_ended_watch_leaves_behind() -> None:
    """Its counts stay, its jobs that have not ended don't; the newest error is the one shown."""
    ended = Tally(polls=3, unseen=4, last_error="old")
    ended.jobs.update({JobStatus.PENDING: 2, JobStatus.FAILED: 1})
    total = Tally(polls=1)
    total.add(ended.without_unfinished())
    total.add(Tally(polls=10, retries=1, rate_limited=2, troubles=3, events=4, unseen=5))
    stats = snapshot(total)
    assert (stats.polls, stats.unseen, stats.last_error) == (14, 5, "old")
    assert stats.jobs == {JobStatus.FAILED: 1}
    assert (stats.retries, stats.rate_limited, stats.troubles, stats.events) == (1, 2, 3, 4)
    total.add(Tally(last_error="new"))
    assert total.last_error == "new"


def test_what_was_learned_is_shown_by_task_type() -> None:
    """Only of types of which a job has ended, with the median below the ninth decile."""
    durations = Durations()
    durations.of("upscale")
    for seconds in (40.0, 50.0, 60.0):
        durations.of("diffusion").ended(0.0, seconds)
    stats = snapshot(Tally(polls=10, events=4), durations)
    assert list(stats.run_times) == ["diffusion"]
    learned = stats.run_times["diffusion"]
    assert learned.ended == 3
    assert 30 < learned.median < learned.p90 < 150
    assert (stats.polls_per_ended, stats.news_share) == (None, 0.4)
