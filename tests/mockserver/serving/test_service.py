"""What stands behind the routes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, Uniform
from tests.mockserver.faults.support import ask


def test_an_error_is_kept_once() -> None:
    """An error that goes through several hands is one error; two that are equal are two."""
    service = MockLegnext()._service
    first, second = ValueError("a"), ValueError("a")
    for error in (first, first, second):
        service.note_crash(error)
    assert service.crashes == [first, second]


def test_keys() -> None:
    """Any key is accepted or only those configured; none never is."""
    anybody, somebody = MockLegnext()._service, MockLegnext(api_keys=["key"])._service
    assert [anybody.accepts(key) for key in ("key", "other", "")] == [True, True, False]
    assert [somebody.accepts(key) for key in ("key", "other", "")] == [True, False, False]


@given(st.lists(st.sampled_from("abc")))
def test_latencies_are_the_paths_own(paths: list[str]) -> None:
    """How long a path's answers take doesn't depend on the requests for other paths."""

    def draws(asked: list[str]) -> dict[str, list[float]]:
        service = MockLegnext()._service
        drawn: dict[str, list[float]] = {"a": [], "b": [], "c": []}
        for path in asked:
            drawn[path].append(service.draw_latency(Uniform(0, 1), "GET", path))
        return drawn

    assert draws(paths) == draws(sorted(paths))


def test_a_latency_on_the_wire() -> None:
    """Answers take as long as is drawn, in the world's time."""
    mock = MockLegnext(latency=Uniform(2, 4), time_scale=10)
    ask(mock, "/api/account/balance", (0, 10, 20))
    took = [record.answered_at - record.at for record in mock.requests]
    assert all(2 <= each <= 4 for each in took)
    assert len(set(took)) == 3
