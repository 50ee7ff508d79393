"""The order of statuses, and which answers are news."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.model.jobs import VERDICTS, JobStatus
from legnext_stream._core.model.lifecycle import is_ahead, is_running

LINE = [JobStatus.PENDING, JobStatus.STAGED, JobStatus.PROCESSING, JobStatus.RETRY]
ENDS = [JobStatus.COMPLETED, JobStatus.FAILED, *sorted(VERDICTS)]
placed = st.sampled_from([*LINE, *ENDS])


@given(placed, placed, placed)
def test_the_statuses_have_an_order(a: JobStatus, b: JobStatus, c: JobStatus) -> None:
    """Being ahead is never mutual, and transitive: a job can't go in a circle."""
    assert not is_ahead(a, a)
    assert not (is_ahead(a, b) and is_ahead(b, a))
    if is_ahead(a, b) and is_ahead(b, c):
        assert is_ahead(a, c)


@given(placed, placed)
def test_nothing_is_ahead_of_an_end(status: JobStatus, end: JobStatus) -> None:
    """Nothing follows a terminal status, and it follows all others."""
    if end.is_terminal:
        assert not is_ahead(status, end)
        assert status.is_terminal or is_ahead(end, status)


def test_the_order_as_documented() -> None:
    """Pending, staged, processing, retry, end; the first status of a job is always news."""
    for earlier, later in zip(LINE, [*LINE[1:], ENDS[0]], strict=True):
        assert is_ahead(later, earlier)
        assert is_ahead(later, None)


@pytest.mark.parametrize("status", list(JobStatus))
def test_what_ends_and_what_runs(status: JobStatus) -> None:
    """Two statuses and the watch's verdicts end a job; two mean that it runs."""
    assert status.is_terminal == (status in ENDS)
    assert is_running(status) == (status in {JobStatus.PROCESSING, JobStatus.RETRY})
