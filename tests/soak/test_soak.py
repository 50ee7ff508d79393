"""A share of the long run: some hours of virtual time, and some seconds over sockets."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from mockserver import run_virtual
from tests.soak.__main__ import in_real_time, in_virtual_time
from tests.soak.running import Plan, Report

# A job's id, which a watch remembers, is one block of memory; its record would be a dozen. Between
# them there is room for what the interpreter does in so short a run.
MOST_BLOCKS_A_JOB = 4.0


@pytest.fixture(autouse=True)
def _short_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of jobs forgets those that were served in thousands: here, in tens.

    So memory finds its level within a run of some hundred jobs, too.
    """
    monkeypatch.setattr("legnext_stream.core.schedule.line._CUT", 20)


def planned(jobs: int, hours: float = 4.0, *, journal: Path | None = None) -> Plan:
    """A plan in which memory is counted in blocks: exact, where pages are only seen in long runs."""
    blocks = sys.getallocatedblocks
    return Plan(jobs, hours * 3600.0, journal=journal, memory=blocks, samples=12)


def check(report: Report) -> None:
    """Check that nothing grew and nothing is left."""
    assert report.slope < MOST_BLOCKS_A_JOB, report
    assert (report.tasks, report.descriptors, report.records) == (0, 0, 0), report
    assert report.polls > report.jobs


@pytest.mark.parametrize("direct", [False, True], ids=["over a network", "direct"])
def test_hours_of_jobs(*, direct: bool) -> None:
    """Memory grows by no more than the ids of the jobs that have ended; nothing is left over."""
    report = run_virtual(partial(in_virtual_time, planned(400), direct=direct))
    check(report)
    assert report.troubles > 0
    assert report.seconds > 3.5 * 3600


def test_hours_of_jobs_with_a_journal(tmp_path: Path) -> None:
    """The journal grows on the disk, and not in memory."""
    plan = planned(300, journal=tmp_path / "week.db")
    check(run_virtual(partial(in_virtual_time, plan, direct=True)))


def test_seconds_over_sockets() -> None:
    """With the machine's clock: no task, no connection and no record of a job is left over."""
    report = trio.run(in_real_time, Plan(30, 1.5, (0.2, 0.6), 0.2, samples=3))
    assert (report.tasks, report.descriptors, report.records) == (0, 0, 0), report


def test_the_same_seed_is_the_same_week() -> None:
    """What one run shows another shows again."""
    one, other = (
        run_virtual(partial(in_virtual_time, planned(40, 1.0), direct=True)) for _ in range(2)
    )
    assert (one.polls, one.seconds, one.troubles) == (other.polls, other.seconds, other.troubles)


def test_growth_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that keeps a small record of each job is found out."""
    kept: list[list[str]] = []

    def leaking(text: str) -> str:
        kept.append([text + field for field in "abcdef"])
        return text

    monkeypatch.setattr("legnext_stream.core.tracker.check_job_id", leaking)
    report = run_virtual(partial(in_virtual_time, planned(400), direct=True))
    assert report.slope > MOST_BLOCKS_A_JOB
