"""How long answers take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, Uniform
from mockserver._serving.latency import Latency
from mockserver._world.randomness import Randomness
from tests.mockserver.faults.support import ask


@given(st.lists(st.sampled_from("abc")))
def test_each_path_has_its_own_draws(paths: list[str]) -> None:
    """The latency of a path's answers doesn't depend on requests for other paths."""

    def draws(asked: list[str]) -> dict[str, list[float]]:
        latency = Latency(Uniform(0, 1), Randomness(0))
        drawn: dict[str, list[float]] = {"a": [], "b": [], "c": []}
        for path in asked:
            drawn[path].append(latency.draw("GET", path))
        return drawn

    assert draws(paths) == draws(sorted(paths))


def test_snapshots() -> None:
    """After a return to a snapshot, the draws after it come again."""
    latency = Latency(Uniform(0, 1), Randomness(0))
    latency.draw("GET", "/")
    counts = latency.snapshot()
    first = [latency.draw("GET", "/") for _ in range(3)]
    latency.restore(counts)
    assert [latency.draw("GET", "/") for _ in range(3)] == first


def test_over_http() -> None:
    """Answers take the drawn time, in the world's time."""
    mock = MockLegnext(latency=Uniform(2, 4), time_scale=10)
    ask(mock, "/api/account/balance", (0, 10, 20))
    took = [record.answered_at - record.at for record in mock.requests]
    assert all(2 <= each <= 4 for each in took)
    assert len(set(took)) == 3
