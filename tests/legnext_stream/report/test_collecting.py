"""Gathering what a report shows."""

from __future__ import annotations

import pytest

from legnext_stream import JobStatus
from legnext_stream._report import Collector
from legnext_stream._report.collecting import Collected
from legnext_stream.errors import DownloadError
from tests.legnext_stream.cli.support import some_stats
from tests.legnext_stream.report.support import SUBMITTED, a_file, an_event


def _collected(collector: Collector, now: float = 200.0) -> Collected:
    return collector.collected(now, some_stats(), "all jobs ended")


def test_a_job_from_its_first_event_to_its_end() -> None:
    """Times since the beginning, bounds of the delay, the API's times, and costs are kept."""
    collector = Collector("title", 100.0, began=SUBMITTED, notes=("a note.",))
    collector.note(an_event(status=JobStatus.PENDING, at=101.0, stamps=(0.0, None, None)))
    collector.note(an_event(status=JobStatus.PROCESSING, at=104.0, stamps=(0.0, 1.0, None)))
    collector.note(an_event(at=160.0, prompt="a fox", files=(a_file(), a_file(500))))
    collected = _collected(collector)
    (job,) = collected.jobs
    assert (job.first_seen, job.running_from, job.ended_seen) == (1.0, 3.5, 60.0)
    assert (job.delay_at_least, job.delay_at_most) == (0.5, 2.0)
    assert job.run_time == 40.0
    assert (job.status, job.task_type) == (JobStatus.COMPLETED, "diffusion")
    assert collected.ends == {JobStatus.COMPLETED: 1}
    assert collected.spent == {"point": 80}
    assert (collected.files, collected.saved_bytes) == (2, 1500)
    assert (collected.took, collected.is_whole, collected.began) == (100.0, True, SUBMITTED)
    assert collected.notes == ("a note.",)


def test_unknown_values_are_none() -> None:
    """Bounds, delays and run times that can't be known are None."""
    collector = Collector("title", 0.0)
    collector.note(an_event("first", between=(None, 59.0)))
    collector.note(an_event("lost", JobStatus.TIMED_OUT, reason="too long"))
    collector.note(an_event("bad", JobStatus.FAILED, reason="no"))
    collector.note(an_event("odd", stamps=(0.0, 41.0, 1.0)))
    first, *others = sorted(_collected(collector).jobs, key=lambda job: job.job_id != "first")
    assert (first.delay_at_least, first.delay_at_most) == (1.0, None)
    by_id = {job.job_id: job for job in others}
    assert by_id["lost"].delay_at_least is None
    assert by_id["bad"].run_time is by_id["odd"].run_time is None


def test_time_that_runs_fast() -> None:
    """The report is in the jobs' seconds; `interval` is in those of the watch."""
    collector = Collector("title", 10.0, time_scale=25.0)
    collector.note(an_event(at=12.0, between=(11.9, 12.0)))
    (job,) = _collected(collector, 14.0).jobs
    assert job.ended_seen == 50.0
    assert (job.delay_at_least, job.delay_at_most) == pytest.approx((0.0, 2.5))
    assert _collected(collector, 14.0).took == 100.0
    assert collector.interval == 0.25


def test_a_fast_server_is_named() -> None:
    """A server whose time runs faster is noted, unless the report is in its seconds anyway."""
    fast = some_stats(server_speed=5.0)
    (note,) = Collector("a watch", 0.0).collected(1.0, fast, "done").notes
    assert note.startswith("The server's clock runs 5 times as fast")
    assert not Collector("a watch", 0.0, time_scale=5.0).collected(1.0, fast, "done").notes
    assert not Collector("a watch", 0.0).collected(1.0, some_stats(), "done").notes


def test_moments_are_taken_when_they_are_due() -> None:
    """Early calls are ignored, and the last moment is always kept."""
    collector = Collector("title", 0.0)
    for tenth in range(10):
        collector.sample(tenth / 10, some_stats(polls=tenth))
    assert [at for at, _ in _collected(collector, 5.0).moments] == [0.0, 0.3, 0.6, 0.9, 5.0]


def test_reasons_are_counted_and_bounded() -> None:
    """The first failures are kept, all are counted, and the number of reasons is bounded."""
    collector = Collector("title", 0.0)
    for number in range(300):
        reason = "the same" if number % 2 else f"reason {number} " + "x" * 1000
        collector.note(an_event(f"job-{number}", JobStatus.FAILED, reason=reason))
    collected = _collected(collector)
    assert len(collected.unsuccessful) == 200
    assert len(collected.reasons) == 51
    assert sum(collected.reasons.values()) == 300
    assert next(iter(collected.reasons)) == "the same (code 403)"
    assert max(map(len, collected.reasons)) <= 200


def test_units_are_bounded() -> None:
    """Costs are counted by unit, for a bounded number of units."""
    collector = Collector("title", 0.0)
    for number in range(60):
        event = an_event(f"job-{number}")
        usage = event.job.usage
        assert usage is not None
        object.__setattr__(usage, "unit", f"unit-{number}")
        collector.note(event)
    assert len(_collected(collector).spent) == 50


def test_prompts_without_a_job_are_told_apart() -> None:
    """Without an id, their positions in the batch tell them apart."""
    collector = Collector("title", 0.0)
    for position in (1, 2):
        event = an_event(
            "",
            JobStatus.NOT_SUBMITTED,
            reason="out of credits",
            prompt="a fox",
            position=position,
            stamps=(None, None, None),
        )
        collector.note(event)
    collected = _collected(collector)
    assert len(collected.jobs) == 2
    assert collected.unsuccessful[0].prompt == "a fox"


def test_unsaved_results_are_failures() -> None:
    """A completed job whose results were not saved is among the failures."""
    collector = Collector("title", 0.0)
    error = DownloadError("404 for it", job_id="job-1", url="https://a/b")
    collector.note(an_event(download_error=error))
    (failed,) = _collected(collector).unsuccessful
    assert failed.status is JobStatus.COMPLETED
    assert failed.reason.startswith("not saved: ")


def test_many_jobs_are_sampled() -> None:
    """Memory is bounded, and counts are exact."""
    collector = Collector("title", 0.0)
    for number in range(5_000):
        collector.note(an_event(f"job-{number}"))
    collected = _collected(collector)
    assert not collected.is_whole
    assert 500 <= len(collected.jobs) <= 2_000
    assert collected.ends[JobStatus.COMPLETED] == 5_000
