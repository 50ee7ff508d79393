"""How long to wait before a single request is repeated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.retry import backoff


@given(st.integers(1, 10_000), st.text(max_size=5))
def test_waits_grow_up_to_a_bound(attempt: int, key: str) -> None:
    """Never at once, never longer than 16 seconds, however often it was tried."""
    assert 0.25 <= backoff(attempt, key) <= 0.25 + min(0.5 * 2 ** min(attempt - 1, 10), 15)
