"""Job ids."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st

# A UUID of version 4 has 122 random bits; the others are its version and variant.
_BITS = 122
_LOW_BITS = 62
_MIDDLE_BITS = 12
_VERSION = 4 << 76
_VARIANT = 0b10 << 62


def _uuid4(bits: int) -> str:
    """The UUID of version 4 (RFC 9562) whose random bits, from the left, are those of `bits`."""
    low = bits & (1 << _LOW_BITS) - 1
    middle = bits >> _LOW_BITS & (1 << _MIDDLE_BITS) - 1
    high = bits >> _LOW_BITS + _MIDDLE_BITS
    return str(UUID(int=high << 80 | _VERSION | middle << 64 | _VARIANT | low))


def job_ids() -> st.SearchStrategy[str]:
    """Returns a strategy which generates ids like the API's: UUIDs of version 4, in lower case.

    For several jobs, use `st.lists(job_ids(), unique=True)`.

    Examples from this strategy shrink towards `00000000-0000-4000-8000-000000000000`.
    """
    return st.integers(0, (1 << _BITS) - 1).map(_uuid4)
