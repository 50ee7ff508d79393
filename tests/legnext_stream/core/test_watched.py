"""The record of a job: what it costs, and what follows from what it holds."""

from __future__ import annotations

import gc
import sys

import pytest

from legnext_stream._core.watched import ASKED, IN_AGENDA, Watched


def test_it_is_small_and_no_business_of_the_garbage_collector() -> None:
    """At most 128 bytes, without a dictionary, and unseen by the collector: there may be a million."""
    job = Watched("job")
    assert sys.getsizeof(job) <= 128
    assert not hasattr(job, "__dict__")
    assert not gc.is_tracked(job)
    assert not gc.is_tracked(job.oddities())


def test_it_is_itself_and_no_other() -> None:
    """Two records of the same id are two."""
    assert Watched("job") != Watched("job")
    assert len({Watched("job"), Watched("job")}) == 2


def test_where_it_stands() -> None:
    """Waiting in line, apart from it, or started; confirmed once it was seen to have."""
    outside, inside = Watched("job"), Watched("job", position=7)
    assert (outside.is_waiting, outside.is_apart, outside.is_confirmed) == (False, True, False)
    assert (inside.is_waiting, inside.is_apart, inside.is_confirmed) == (True, False, False)
    believed = Watched("job", position=7, started_at=3.0)
    assert (believed.is_waiting, believed.is_apart, believed.is_confirmed) == (False, False, False)
    assert Watched("job", position=7, started_at=3.0, counted_at=4.0).is_confirmed


@pytest.mark.parametrize(
    ("seat", "is_minded", "is_asked"),
    [(-1, False, False), (IN_AGENDA, True, False), (ASKED, True, True), (0, True, False)],
)
def test_who_minds_it(seat: int, *, is_minded: bool, is_asked: bool) -> None:
    """The line, or else the agenda, the overdue, or whoever asks about it."""
    job = Watched("job", seat=seat)
    assert (job.is_minded, job.is_asked) == (is_minded, is_asked)


def test_up_to_which_age_it_counts() -> None:
    """That at its last look, or a greater one that was counted by an earlier belief."""
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
    """Described again, a job has no failures, and still knows the words that were told of it."""
    job = Watched("job")
    job.recovered()
    assert (job.words, job.failures, job.missing_since) == ((), 0, None)
    odd = job.oddities()
    odd.words, odd.failures, odd.trouble_since, odd.missing_since = ("new",), 2, 1.0, 3.0
    assert (job.words, job.failures, job.missing_since) == (("new",), 2, 3.0)
    job.recovered()
    again = job.oddities()
    assert again is odd
    assert (again.words, again.failures) == (("new",), 0)
    assert (again.trouble_since, again.missing_since) == (None, None)


def test_when_it_was_seen() -> None:
    """What is told of a job before any answer is not seen."""
    assert Watched("job", looked_at=5.0).seen_at is None
    assert Watched("job", looked_at=5.0, is_seen=True).seen_at == 5.0
