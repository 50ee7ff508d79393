"""Job ids."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st


def job_ids() -> st.SearchStrategy[str]:
    """Returns a strategy which generates ids like the API's: UUIDs of version 4, in lower case.

    For several jobs, use `st.lists(job_ids(), unique=True)`.

    Examples from this strategy shrink towards `00000000-0000-4000-8000-000000000000`.
    """
    return st.integers(0, 2**128 - 1).map(lambda bits: str(UUID(int=bits, version=4)))
