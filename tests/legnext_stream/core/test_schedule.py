"""The schedule, through the tracker: what it promises."""

from __future__ import annotations

from itertools import pairwise

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pacing import Pacing
from tests.legnext_stream.support import Driver, job_body, no_reply, reply

PACING = Pacing(min_interval=2, max_interval=30)


def gaps(polls: list[tuple[float, str]]) -> list[float]:
    """The seconds between the polls of one job."""
    times = [at for at, _ in polls]
    return [later - earlier for earlier, later in pairwise(times)]


def test_a_job_is_polled_neither_too_often_nor_too_rarely() -> None:
    """Whatever is learned, the time between two polls stays within the settings."""
    driver = Driver(
        lambda job_id, at: reply(200, job_body(job_id, "processing"), at=at),
        timeout=None,
        pacing=PACING,
    )
    driver.add("a")
    driver.run(until=7200)
    assert len(driver.polls) > 7200 / 30
    assert all(2 <= gap <= 30 + 1e-6 for gap in gaps(driver.polls))


def test_failed_polls_back_off() -> None:
    """The waits grow up to a bound, and are never shorter than the shortest interval."""
    driver = Driver(lambda _, at: no_reply(at=at), timeout=3600, pacing=PACING)
    driver.add("a")
    driver.run(until=3000)
    waits = gaps(driver.polls)
    assert min(waits) >= 2
    assert max(waits) <= 60
    assert sum(waits[-5:]) > sum(waits[:5])


def test_all_jobs_get_their_turn() -> None:
    """With fewer requests than jobs want, no job is left out for long."""
    ids = [f"job-{number}" for number in range(300)]
    driver = Driver(
        lambda job_id, at: reply(200, job_body(job_id, "processing"), at=at),
        timeout=None,
        pacing=Pacing(max_rate=10),
    )
    driver.add(*ids)
    driver.run(until=300)
    asked = [job_id for _, job_id in driver.polls]
    assert set(asked) == set(ids)
    assert max(map(asked.count, ids)) <= 5 * min(map(asked.count, ids))
    assert driver.statuses(ids[0]) == [JobStatus.PROCESSING]
