"""What the line asks on its own behalf: its open part, its head ever more rarely, and a sample."""

from __future__ import annotations

import math

from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.queue_order import Line
from legnext_stream._core.schedule.queue_probe import Inquiry
from legnext_stream._core.watched import ASKED, BY_LINE, Watched

PACING = Pacing(min_interval=1.0, max_interval=30.0)


def asking(jobs: int, *, closed_at: float | None = None) -> tuple[Inquiry, Line, list[Watched]]:
    """An inquiry for a line of so many jobs; at a time, its head may have been seen waiting."""
    line, waiting = Line(), [Watched(f"job-{number}") for number in range(jobs)]
    inquiry = Inquiry(PACING, line)
    for job in waiting:
        line.append(job)
        inquiry.joined()
    if closed_at is not None:
        assert line.waits(waiting[0], closed_at)
        inquiry.head_waits(closed_at, still=False)
    return inquiry, line, waiting


def answer(inquiry: Inquiry, job: Watched) -> None:
    """A poll for the line has ended, and the line minds the job again."""
    job.seat = BY_LINE
    inquiry.answered(job)


def test_an_empty_line_wants_nothing() -> None:
    """Where nobody waits there is nothing to ask."""
    inquiry, _, _ = asking(0)
    assert inquiry.due(0) == math.inf


def test_an_open_line_asks_one_question_at_a_time() -> None:
    """Its probe is asked about at once; until the answer is there nothing else is wanted."""
    inquiry, line, jobs = asking(10)
    assert line.is_open
    assert inquiry.due(0) <= 0.0
    job = inquiry.take(0.0, 0)
    assert job is jobs[0]
    assert job.seat == ASKED
    assert inquiry.due(0) == math.inf
    answer(inquiry, job)
    assert inquiry.due(0) <= 0.0


def test_a_probe_that_is_asked_about_anyway_leaves_the_turn_to_the_head() -> None:
    """No job is asked about for two reasons at once."""
    inquiry, line, jobs = asking(10)
    line.started(jobs[0], 0.0)
    probe = line.probe()
    assert probe is not line.head
    probe.seat = ASKED
    assert inquiry.take(1.0, 1) is line.head


def test_a_head_that_is_asked_about_anyway_is_waited_for() -> None:
    """Its answer will tell; the line asks nobody meanwhile."""
    inquiry, _, jobs = asking(10)
    jobs[0].seat = ASKED
    assert inquiry.due(0) == math.inf


def test_a_failure_is_repeated_when_it_is_said_to() -> None:
    """After a failed poll nothing is asked before the given time, and then it is."""
    inquiry, _, _ = asking(1)
    answer(inquiry, inquiry.take(0.0, 0))
    inquiry.failed(7.0)
    assert inquiry.due(0) == 7.0


def test_a_head_that_keeps_waiting_is_asked_ever_more_rarely() -> None:
    """The interval doubles up to the longest one; a surprise brings the next question at once."""
    inquiry, _, _ = asking(1, closed_at=0.0)
    now, waits = 0.0, []
    for _ in range(6):
        due = inquiry.due(1)
        waits.append(due - now)
        now = due
        answer(inquiry, inquiry.take(now, 1))
        inquiry.head_waits(now, still=True)
    assert waits == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    inquiry.hurry()
    assert inquiry.due(1) <= now


def test_a_new_head_is_asked_at_the_first_interval() -> None:
    """What was learned of the last head's patience does not hold for the next one."""
    inquiry, _, _ = asking(1, closed_at=0.0)
    inquiry.head_waits(0.0, still=True)
    inquiry.head_waits(0.0, still=True)
    assert inquiry.due(1) == 8.0
    inquiry.begin()
    assert inquiry.due(1) == 2.0


def test_a_share_of_the_polls_goes_to_samples() -> None:
    """Once enough polls were made one of those behind the head is asked, and then none for a while."""
    inquiry, _, jobs = asking(10, closed_at=0.0)
    while inquiry.due(1) == 2.0:
        inquiry.polled()
    sample = inquiry.take(1.0, 1)
    assert sample in jobs[1:]
    answer(inquiry, sample)
    assert inquiry.due(1) == 2.0


def test_while_nobody_is_known_to_run_somebody_is_looked_for() -> None:
    """Samples are taken without regard to their share, ever faster; at last it is clear: nobody."""
    inquiry, line, jobs = asking(10, closed_at=0.0)
    now, gaps = 0.0, []
    for _ in range(14):
        # As if the head, asked just now, could tell nothing.
        inquiry.head_waits(now + 60.0, still=False)
        due = max(inquiry.due(0), now)
        job = inquiry.take(due, 0)
        assert job in jobs[1:]
        answer(inquiry, job)
        gaps.append(due - now)
        now = due
    quick = gaps[1 : len(line)]
    assert quick == sorted(quick, reverse=True)
    assert quick[-1] < 0.5
    assert gaps[-1] == 10.0
