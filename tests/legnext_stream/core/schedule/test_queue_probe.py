"""The polls for the queue order: its unknown part, its head more and more rarely, and samples."""

from __future__ import annotations

import math

from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.queue_order import QueueOrder
from legnext_stream._core.schedule.queue_probe import QueueProbe
from legnext_stream._core.watched import BY_QUEUE, IN_FLIGHT, Watched

PACING = Pacing(min_interval=1.0, max_interval=30.0)


def asking(
    jobs: int, *, closed_at: float | None = None
) -> tuple[QueueProbe, QueueOrder, list[Watched]]:
    """A probe for a queue of this many jobs; the head may have been seen waiting at a time."""
    queue, waiting = QueueOrder(), [Watched(f"job-{number}") for number in range(jobs)]
    probe = QueueProbe(PACING, queue)
    for job in waiting:
        queue.append(job)
        probe.joined()
    if closed_at is not None:
        assert queue.found_waiting(waiting[0], closed_at)
        probe.head_waits(closed_at, still=False)
    return probe, queue, waiting


def answer(probe: QueueProbe, job: Watched) -> None:
    """A poll for the queue has ended, and the job is left to the queue again."""
    job.where = BY_QUEUE
    probe.answered(job)


def test_an_empty_queue_needs_no_poll() -> None:
    """Without waiting jobs nothing is due."""
    probe, _, _ = asking(0)
    assert probe.due(0) == math.inf


def test_one_poll_at_a_time() -> None:
    """The probe is polled at once; nothing else is due until the answer."""
    probe, queue, jobs = asking(10)
    assert queue.is_open
    assert probe.due(0) <= 0.0
    job = probe.take(0.0, 0)
    assert job is jobs[0]
    assert job.where == IN_FLIGHT
    assert probe.due(0) == math.inf
    answer(probe, job)
    assert probe.due(0) <= 0.0


def test_the_head_is_polled_if_the_probe_is_scheduled() -> None:
    """No job is polled for two reasons at once."""
    probe, queue, jobs = asking(10)
    queue.found_started(jobs[0], 0.0)
    job = queue.probe()
    assert job is not queue.head
    job.where = IN_FLIGHT
    assert probe.take(1.0, 1) is queue.head


def test_nothing_is_due_while_the_head_is_scheduled() -> None:
    """Its answer will tell."""
    probe, _, jobs = asking(10)
    jobs[0].where = IN_FLIGHT
    assert probe.due(0) == math.inf


def test_a_failed_poll_is_repeated_at_the_given_time() -> None:
    """And no other poll goes before."""
    probe, _, _ = asking(1)
    answer(probe, probe.take(0.0, 0))
    probe.failed(7.0)
    assert probe.due(0) == 7.0


def test_a_head_that_keeps_waiting_is_polled_more_and_more_rarely() -> None:
    """The interval doubles up to the longest; a surprise makes the next poll due at once."""
    probe, _, _ = asking(1, closed_at=0.0)
    now, waits = 0.0, []
    for _ in range(6):
        due = probe.due(1)
        waits.append(due - now)
        now = due
        answer(probe, probe.take(now, 1))
        probe.head_waits(now, still=True)
    assert waits == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    probe.hurry()
    assert probe.due(1) <= now


def test_a_new_head_is_polled_at_the_first_interval() -> None:
    """The interval of the previous head doesn't apply."""
    probe, _, _ = asking(1, closed_at=0.0)
    probe.head_waits(0.0, still=True)
    probe.head_waits(0.0, still=True)
    assert probe.due(1) == 8.0
    probe.begin()
    assert probe.due(1) == 2.0


def test_a_share_of_the_polls_goes_to_samples() -> None:
    """After enough polls a job behind the head is polled, and then none for a while."""
    probe, _, jobs = asking(10, closed_at=0.0)
    while probe.due(1) == 2.0:
        probe.polled()
    sample = probe.take(1.0, 1)
    assert sample in jobs[1:]
    answer(probe, sample)
    assert probe.due(1) == 2.0


def test_while_no_job_is_known_to_run_one_is_searched_for() -> None:
    """Samples are taken faster and faster, until it is clear that no job runs."""
    probe, queue, jobs = asking(10, closed_at=0.0)
    now, gaps = 0.0, []
    for _ in range(14):
        # As if the head, asked just now, could tell nothing.
        probe.head_waits(now + 60.0, still=False)
        due = max(probe.due(0), now)
        job = probe.take(due, 0)
        assert job in jobs[1:]
        answer(probe, job)
        gaps.append(due - now)
        now = due
    quick = gaps[1 : len(queue)]
    assert quick == sorted(quick, reverse=True)
    assert quick[-1] < 0.5
    assert gaps[-1] == 10.0
