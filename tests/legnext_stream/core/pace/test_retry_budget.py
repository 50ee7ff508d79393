"""The retry budget: never more than a tenth of the requests and a constant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.pace.pacer import Pacer
from legnext_stream._core.pace.retry_budget import DEPTH, SHARE, RetryBudget


@given(st.lists(st.booleans(), max_size=400))
def test_law(wishes: list[bool]) -> None:
    """Retries never exceed a tenth of the requests by more than a constant."""
    pacer = Pacer(max_rate=1e6, initial_rate=1e6, max_in_flight=10**6)
    requests = retries = 0
    for retry in wishes:
        if retry:
            retries += pacer.allow_retry(0.0)
        else:
            requests += 1
            pacer.start(float(requests))
        assert retries <= DEPTH + SHARE * requests


def test_a_calm_saves_up_a_few() -> None:
    """After however many requests no more than the depth can be spent at once, and then a tenth."""
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == DEPTH
    for _ in range(105):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 10
