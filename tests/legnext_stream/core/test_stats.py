"""The numbers of a watch."""

from __future__ import annotations

import json
import pickle

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pace import Pacer, Why
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.schedule.time_left import TimeLeft
from legnext_stream._core.stats import RATE_REASONS, Stats, Tally


def snapshot(
    tally: Tally, durations: Durations | None = None, left: TimeLeft | None = None
) -> Stats:
    """The tally together with a pacer that has one request in flight."""
    pacer = Pacer(max_rate=10, initial_rate=5, max_in_flight=4)
    pacer.start(0.0)
    return tally.snapshot(
        pacer=pacer, durations=durations or Durations(), price=0.1, left=left, server_speed=5.0
    )


def test_jobs_move_between_the_counts() -> None:
    """Each job has one status, and statuses without jobs are not shown."""
    tally = Tally(unseen=2)
    tally.moved(None, JobStatus.PENDING)
    tally.moved(JobStatus.PENDING, JobStatus.COMPLETED)
    stats = snapshot(tally)
    assert stats.unseen == 1
    assert stats.server_speed == 5.0
    assert stats.jobs == {JobStatus.COMPLETED: 1}
    assert (stats.rate, stats.in_flight, stats.why) == (5, 1, "starting")
    assert (stats.ended, stats.polls_per_ended, stats.news_share) == (1, 0, None)


def test_what_an_ended_watch_leaves_behind() -> None:
    """Its counts stay, without the jobs that have not ended; the newest error is shown."""
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
    """Only for types with an ended job."""
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


def test_what_remains_and_its_uncertainty() -> None:
    """Seconds, with the middle between the bounds; None for both if no job is watched."""
    stats = snapshot(Tally(), left=TimeLeft(10.0, 12.0, 20.0))
    assert (stats.remaining, stats.remaining_between) == (12.0, (10.0, 20.0))
    assert (snapshot(Tally()).remaining, snapshot(Tally()).remaining_between) == (None, None)


def test_plain_data() -> None:
    """It survives pickling, and as plain data JSON."""
    durations = Durations()
    durations.of("diffusion").ended(0.0, 50.0)
    tally = Tally(polls=3, unseen=2)
    tally.moved(None, JobStatus.COMPLETED)
    stats = snapshot(tally, durations, TimeLeft(10.0, 12.0, 20.0))
    assert pickle.loads(pickle.dumps(stats)) == stats  # noqa: S301 - our own
    plain = json.loads(json.dumps(attrs.asdict(stats)))
    assert plain["jobs"] == {"completed": 1}
    assert plain["run_times"]["diffusion"]["ended"] == 1
    assert plain["remaining_between"] == [10.0, 20.0]


def test_every_reason_has_words() -> None:
    """Whatever decides the rate has a sentence for people."""
    assert set(RATE_REASONS) == {why.value for why in Why}
    assert snapshot(Tally()).rate_reason == "no limit met yet, speeding up"
