"""Whether and when a single request is repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.retry import retry_wait
from tests.legnext_stream.support import no_reply, refusal


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 422, 301, 418])
def test_refusals_are_final(code: int) -> None:
    """What the API refuses for good is not asked again."""
    assert retry_wait(refusal(code), 1, is_safe=True, key="k") is None


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504, 599])
def test_trouble_is_worth_a_repetition_if_that_is_safe(code: int) -> None:
    """A GET is repeated; a submit only if it was refused for the rate's sake."""
    assert retry_wait(refusal(code), 1, is_safe=True, key="k") is not None
    assert (retry_wait(refusal(code), 1, is_safe=False, key="k") is not None) == (code == 429)


@pytest.mark.parametrize("is_safe", [True, False])
@pytest.mark.parametrize("was_sent", [True, False])
def test_a_lost_submit_is_never_repeated(is_safe: bool, was_sent: bool) -> None:  # noqa: FBT001 - parametrized
    """Without an answer, only what is safe or surely never arrived is sent again."""
    wait = retry_wait(no_reply(was_sent=was_sent), 1, is_safe=is_safe, key="k")
    assert (wait is not None) == (is_safe or not was_sent)


@given(st.integers(1, 10_000), st.text(max_size=5))
def test_waits_grow_up_to_a_bound(attempt: int, key: str) -> None:
    """Never at once, never longer than 16 seconds, however often it was tried."""
    wait = retry_wait(refusal(503), attempt, is_safe=True, key=key)
    assert wait is not None
    assert 0.25 <= wait <= 0.25 + min(0.5 * 2 ** min(attempt - 1, 10), 15)
