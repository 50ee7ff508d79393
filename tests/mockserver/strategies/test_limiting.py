"""Generated limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver import Scheduled, TokenBucket
from mockserver._plain.families import FAMILIES
from mockserver._world.limits import Admitted, Limit, Unlimited
from mockserver.strategies import limits
from tests.mockserver.strategies.finding import plainest


@given(limits(), st.lists(st.floats(0, 5), max_size=30))
def test_a_patient_client_gets_through(limit: Limit, gaps: list[float]) -> None:
    """A client that waits as it is told is admitted in the end."""
    limit = limit.fresh()
    t = 0.0
    for gap in gaps:
        t += gap
        for _ in range(1000):
            verdict = limit.admit(t)
            if isinstance(verdict, Admitted):
                limit.finish(t)
                break
            t += verdict.retry_after
        else:
            raise AssertionError(f"still refused at {t} s")


def test_there_is_every_kind() -> None:
    """There are examples of every kind, and without changing ones if so asked."""
    for kind in set(FAMILIES[Limit]) - {Unlimited}:
        plainest(limits(), lambda limit, kind=kind: type(limit) is kind)  # type: ignore[misc]
    assert isinstance(plainest(limits(changing=False), lambda limit: limit.admit(0.0)), TokenBucket)


def test_they_shrink_to_a_token_bucket() -> None:
    """Limits shrink to a bucket of one, and changing ones to a single change."""
    assert plainest(limits()) == TokenBucket(10.0, 1)
    bucket = TokenBucket(10.0, 1)
    assert plainest(limits(), lambda limit: isinstance(limit, Scheduled)) == Scheduled(
        [(0.0, bucket), (1.0, bucket)]
    )
