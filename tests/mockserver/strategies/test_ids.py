"""Generated job ids."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hypothesis import given

from mockserver._world.randomness import Randomness
from mockserver.strategies import job_ids
from tests.mockserver.strategies.finding import plainest


@given(job_ids())
def test_they_are_shaped_like_those_of_the_api(job_id: str) -> None:
    """Each id is a UUID of version 4 in lower case, like those of a world."""
    uuid = UUID(job_id)
    assert (uuid.version, uuid.variant) == (4, RFC_4122)
    assert str(uuid) == job_id
    assert len(job_id) == len(Randomness(0).job_id(0))


def test_they_shrink_to_zeros() -> None:
    """Ids shrink to zeros."""
    assert plainest(job_ids()) == "00000000-0000-4000-8000-000000000000"
    assert plainest(job_ids(), lambda job_id: job_id >= "7") == (
        "70000000-0000-4000-8000-000000000000"
    )
