"""Rules: adding, removing, counting, chance, and what a client sees."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import (
    Delay,
    Faults,
    MockLegnext,
    Refuse,
    Reset,
    Rule,
    Stale,
    Status,
    When,
    run_virtual,
)
from mockserver._faults import FAULTS
from mockserver._world.randomness import Randomness
from mockserver._world.routes import BALANCE, JOB, RequestFacts
from tests.mockserver.faults.support import ask
from tests.mockserver.helpers import POST, client_of

DOWN = Status(503)


def _asks(job_id: str, at: float = 0.0) -> RequestFacts:
    return RequestFacts(at, "GET", f"/api/v1/job/{job_id}", JOB, job_id)


BALANCED = RequestFacts(0.0, "GET", BALANCE.path, BALANCE, None)


def _codes(mock: MockLegnext, n: int, path: str = BALANCE.path) -> list[int]:
    return [answer.status_code for answer in ask(mock, path, range(n))]


# What a client sees of the criteria


@pytest.mark.parametrize(
    ("when", "codes"),
    [
        (When(), [503, 503, 503, 503, 503, 503]),
        (When(nth=2), [200, 503, 200, 200, 200, 200]),
        (When(every=3), [200, 200, 503, 200, 200, 503]),
        (When(after=1, until=4), [200, 503, 503, 503, 200, 200]),
        (When(after=1, nth=2), [200, 200, 503, 200, 200, 200]),
        (When(route="balance", method="GET"), [503] * 6),
        (When(route="job"), [200] * 6),
        (When(probability=1.0), [503] * 6),
        (When(probability=0.0), [200] * 6),
    ],
    ids=str,
)
def test_criteria_on_the_wire(when: When, codes: list[int]) -> None:
    """A client that asks once a second meets the fault exactly as its criteria say."""
    mock = MockLegnext(faults=[Rule(DOWN, when, "down")])
    assert _codes(mock, 6) == codes
    assert [record.faults for record in mock.requests] == [
        ("down",) if code == 503 else () for code in codes
    ]
    assert {record.route for record in mock.requests} == {BALANCE.template}


def test_a_job_and_each_job_on_the_wire() -> None:
    """A rule can be for one job, or count the requests of each job separately."""
    mock = MockLegnext()
    first, second = mock.add_jobs(2)
    faults = mock._service.faults
    faults.add(DOWN, job=second, nth=3)
    faults.add(Status(502), each_job=True, nth=2)

    async def main() -> list[int]:
        async with client_of(mock) as client:
            paths = [f"/api/v1/job/{job_id}" for job_id in (first, second, second, first, second)]
            return [(await client.get(path)).status_code for path in paths]

    assert run_virtual(main) == [200, 200, 502, 502, 503]


def test_submits_on_the_wire() -> None:
    """A rule for submits meets no status request; a replaced answer makes no job."""
    mock = MockLegnext(faults=[Rule(DOWN, When(route="submit", nth=1))])
    mock.add_jobs(1)

    async def main() -> list[int]:
        async with client_of(mock) as client:
            return [(await client.post(POST, json={"text": "a"})).status_code for _ in range(2)]

    assert run_virtual(main) == [503, 200]
    assert len(mock.world) == 2


# Chance


@given(st.integers(0, 2**32), st.lists(st.sampled_from("abc"), max_size=40))
def test_chance_is_the_jobs_own(seed: int, order: list[str]) -> None:
    """Which requests for a job are met doesn't depend on requests for other jobs."""

    def met(job_ids: list[str]) -> dict[str, list[bool]]:
        faults = Faults([Rule(DOWN, When(probability=0.5))], Randomness(seed))
        result: dict[str, list[bool]] = {"a": [], "b": [], "c": []}
        for job_id in job_ids:
            result[job_id].append(bool(faults.choose(_asks(job_id))))
        return result

    assert met(order) == met(sorted(order))


def test_chance_is_as_probable_as_it_says() -> None:
    """The share of requests that are met is close to the probability."""
    faults = Faults([Rule(DOWN, When(probability=0.3))])
    met = sum(bool(faults.choose(BALANCED)) for _ in range(10_000))
    # Four standard deviations of a binomial of 10,000 are 183.
    assert abs(met - 3000) < 183


def test_rules_have_chances_of_their_own() -> None:
    """Two rules with the same probability meet different requests."""
    faults = Faults([Rule(DOWN, When(probability=0.5), name) for name in ("one", "other")])
    chosen = [tuple(rule.name for rule in faults.choose(BALANCED)) for _ in range(50)]
    assert set(chosen) == {(), ("one",), ("other",), ("one", "other")}


# Connections


@given(
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 4),
    st.floats(0, 20),
    st.integers(1, 30),
)
def test_connections(nth: int | None, every: int | None, at: float, number: int) -> None:
    """Connections are met by number and time, and asking counts nothing."""
    faults = Faults([Rule(Reset(), When(nth=nth, every=every, after=5, until=10))])
    expected = 5 <= at < 10 and faults.rules[0].when.counts(number)
    for _ in range(2):
        assert bool(faults.choose_for_connection(at, number)) == expected


def test_what_no_connection_meets() -> None:
    """A connection meets no faults of HTTP and state, and no rules for requests."""
    faults = Faults([DOWN, Stale(), Rule(Reset(), When(route="job")), Refuse()])
    assert [rule.name for rule in faults.choose_for_connection(0, 1)] == ["refuse"]
    assert [rule.name for rule in faults.choose(_asks("a"))] == ["status", "stale", "reset"]


def test_a_refusal_that_is_for_requests() -> None:
    """A refusal with criteria about requests is chosen for requests."""
    faults = Faults([Rule(Refuse(), When(route="job"))])
    assert not faults.choose_for_connection(0, 1)
    assert faults.choose(_asks("a"))


def test_chance_for_connections() -> None:
    """The chance of a connection is the same each time."""
    faults = Faults([Rule(Reset(), When(probability=0.5))])
    met = [bool(faults.choose_for_connection(0, number)) for number in range(1, 100)]
    assert met == [bool(faults.choose_for_connection(0, number)) for number in range(1, 100)]
    assert 30 < sum(met) < 70


# Rules


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_rules_are_named_after_their_faults(fault: Any) -> None:  # noqa: ANN401 - any class of faults
    """A rule without a name is named after its fault, with a number if needed."""
    needed = {"Status": (503,), "Delay": (1.0,), "Bandwidth": (100.0,), "NotYetFound": (1,)}
    faults = Faults()
    names = [faults.add(fault(*needed.get(fault.__name__, ()))) for _ in range(3)]
    assert names == [names[0], f"{names[0]}-2", f"{names[0]}-3"]
    assert names[0].replace("-", "") == fault.__name__.lower()


def test_adding_and_removing() -> None:
    """Rules keep their order, and are removed by name."""
    faults = Faults([DOWN])
    assert faults
    assert faults.add(Delay(1), name="slow", when=When(route="job")) == "slow"
    assert faults.add(Delay(2), every=2) == "delay"
    assert [rule.name for rule in faults.rules] == ["status", "slow", "delay"]
    faults.remove("slow")
    assert len(faults) == 2
    faults.clear()
    assert not faults
    assert faults.rules == faults.choose(BALANCED) == ()


def test_a_name_that_comes_back_counts_anew() -> None:
    """A rule with the name of a removed one has none of its counts."""
    faults = Faults([Rule(DOWN, When(nth=1), "a"), Rule(DOWN, When(nth=2), "ab")])
    assert [rule.name for rule in faults.choose(BALANCED)] == ["a"]
    faults.remove("a")
    faults.add(DOWN, name="a", nth=1)
    assert [rule.name for rule in faults.choose(BALANCED)] == ["ab", "a"]


@pytest.mark.parametrize(
    ("add", "error", "complaint"),
    [
        ({"name": "down"}, ValueError, "there is a rule 'down' already"),
        ({"name": "no/path"}, ValueError, "name must be up to 100 letters"),
        ({"name": "x" * 101}, ValueError, "name must be up to 100 letters"),
        ({"when": When(), "every": 2}, TypeError, "either when or criteria"),
        ({"sometimes": True}, TypeError, "sometimes"),
        ({"nth": 0}, ValueError, "nth must be"),
    ],
)
def test_impossible_rules_are_refused(
    add: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    """Impossible names, taken names and unknown criteria are errors."""
    faults = Faults([Rule(DOWN, name="down")])
    with pytest.raises(error, match=complaint):
        faults.add(DOWN, **add)
    assert len(faults) == 1


def test_only_a_rule_that_is_there_can_go() -> None:
    """Removing an unknown rule is an error."""
    with pytest.raises(KeyError, match="nobody"):
        Faults().remove("nobody")


@given(st.lists(st.sampled_from("ab")), st.lists(st.sampled_from("ab")))
def test_going_back_to_a_snapshot(before: list[str], after: list[str]) -> None:
    """After a restored snapshot the same requests meet the same rules, any number of times."""
    rules = [
        Rule(DOWN, When(every=3), "third"),
        Rule(DOWN, When(every=2, each_job=True), "second"),
        Rule(DOWN, When(probability=0.5), "chance"),
    ]
    faults = Faults(rules)

    def choose(job_ids: list[str]) -> list[list[str]]:
        return [[rule.name for rule in faults.choose(_asks(job_id))] for job_id in job_ids]

    choose(before)
    snapshot = faults.snapshot()
    first = choose(after)
    faults.clear()
    for _ in range(2):
        faults.restore(snapshot)
        assert choose(after) == first


def test_watching_the_rules() -> None:
    """`watched` calls back once for each change, until its end."""
    faults = Faults()
    changes: list[int] = []
    with faults.watched(lambda: changes.append(len(faults))):
        faults.add(DOWN, name="down")
        snapshot = faults.snapshot()
        faults.remove("down")
        faults.restore(snapshot)
        faults.clear()
    faults.add(DOWN)
    assert changes == [1, 0, 1, 0]
