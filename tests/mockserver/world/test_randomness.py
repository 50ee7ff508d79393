"""Keyed random numbers: the same for the same purpose."""

from __future__ import annotations

import re
import statistics
import uuid

from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.randomness import Randomness

KEYS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5)), min_size=1)


@given(st.integers(), KEYS)
def test_order_of_asking_changes_nothing(seed: int, keys: list[tuple[str, int]]) -> None:
    """A key's number doesn't depend on the order of the questions."""
    first = {key: Randomness(seed).uniform(*key) for key in keys}
    randomness = Randomness(seed)
    assert {key: randomness.uniform(*key) for key in reversed(keys)} == first


def test_keys_do_not_run_into_each_other() -> None:
    """The division of a key into parts matters."""
    randomness = Randomness(0)
    assert randomness.uniform("ab", "c") != randomness.uniform("a", "bc")
    assert randomness.uniform("ab", "c") != randomness.uniform("ab\x1fc1")


def test_seeds_differ() -> None:
    """Another seed has other numbers."""
    assert Randomness(1).uniform("a") != Randomness(2).uniform("a")


def test_numbers_are_uniform() -> None:
    """Mean, spread and range are those of the uniform distribution on [0, 1)."""
    randomness = Randomness(3)
    numbers = [randomness.uniform("n", n) for n in range(10_000)]
    assert 0 <= min(numbers) <= max(numbers) < 1
    assert abs(statistics.fmean(numbers) - 0.5) < 0.01
    assert abs(statistics.pstdev(numbers) - 0.2887) < 0.01


@given(st.integers(1, 50), st.integers())
def test_below_stays_below(bound: int, n: int) -> None:
    """A whole number below a bound is at least 0 and below it."""
    assert 0 <= Randomness(0).below(bound, n) < bound


@given(st.integers(), st.integers(0, 10**6))
def test_job_ids_are_random_uuids(seed: int, number: int) -> None:
    """Job ids have the version and the variant of random UUIDs."""
    job_id = Randomness(seed).job_id(number)
    parsed = uuid.UUID(job_id)
    assert (str(parsed), parsed.version, parsed.variant) == (job_id, 4, uuid.RFC_4122)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", job_id)


def test_a_jobs_numbers_are_its_own() -> None:
    """Two jobs have different numbers for one purpose, and one job for two purposes."""
    randomness = Randomness(0)
    one, other = randomness.of("one"), randomness.of("other")
    assert one.uniform("x") == one.uniform("x")
    assert len({one.uniform("x"), one.uniform("y"), other.uniform("x")}) == 3
