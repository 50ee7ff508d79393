"""How many jobs are still to come into a watch, and how long that takes."""

from __future__ import annotations

from collections import Counter

import pytest

from legnext_stream._core.arrivals import Arrivals
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Tally


def test_sources_with_a_length_are_counted() -> None:
    """Jobs are expected of each source with a length; prompts that made no job have come."""
    arrivals, tally = Arrivals(), Tally(jobs=Counter({JobStatus.NOT_SUBMITTED: 2}))
    assert arrivals.coming(1, tally) == 0
    arrivals.expect(iter("abc"))
    assert arrivals.coming(1, tally) == 0
    arrivals.expect(["a"] * 5)
    arrivals.expect("bc")
    assert arrivals.coming(1, tally) == 4
    assert arrivals.coming(9, tally) == 0


def test_the_rest_takes_as_long_as_the_last_did() -> None:
    """The time between arrivals is averaged, and follows a change."""
    arrivals = Arrivals()
    arrivals.came(100.0)
    assert arrivals.seconds_for(10) == 0.0
    for number in range(1, 51):
        arrivals.came(100.0 + 2.0 * number)
    assert arrivals.seconds_for(10) == pytest.approx(20.0)
    for number in range(1, 501):
        arrivals.came(200.0 + 6.0 * number)
    assert arrivals.seconds_for(10) == pytest.approx(60.0, rel=0.01)
