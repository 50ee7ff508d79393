"""The ids of ended jobs are recognised cheaply, and the oldest of very many are forgotten."""

from __future__ import annotations

import gc
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.ended import EndedIds

_IDS = st.text("abcdef0123456789-", min_size=1, max_size=4)


@given(st.lists(_IDS), st.lists(_IDS))
def test_it_is_a_set(added: list[str], asked: list[str]) -> None:
    """Up to its bound it knows exactly what was added."""
    ended = EndedIds()
    for job_id in added:
        ended.add(job_id)
    assert len(ended) == len(set(added))
    for job_id in added + asked:
        assert (job_id in ended) == (job_id in set(added))


@given(st.integers(1, 20), st.lists(_IDS, max_size=100))
def test_the_last_ones_are_never_forgotten(remembered: int, added: list[str]) -> None:
    """The last ids, as many as promised, are known, and never more than twice as many."""
    ended = EndedIds(remembered)
    order: list[str] = []
    for job_id in added:
        if job_id not in ended:
            order.append(job_id)
        ended.add(job_id)
        assert len(ended) <= 2 * remembered
        assert all(last in ended for last in order[-remembered:])


def test_it_grows_through_many_sizes() -> None:
    """Ten thousand ids are all known, and no others, while the tables grow."""
    ended = EndedIds()
    for number in range(10_000):
        ended.add(f"job-{number}")
    assert all(f"job-{number}" in ended for number in range(10_000))
    assert not any(f"job-{number}" in ended for number in range(10_000, 20_000))


def test_an_id_costs_few_bytes() -> None:
    """Twenty thousand ids take less than 70 bytes each, tables included."""
    tracemalloc.start()
    try:
        ended = EndedIds()
        for number in range(20_000):
            ended.add(f"00000000-0000-4000-8000-{number:012}")
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(ended) == 20_000
    assert held / 20_000 < 70
