"""Which limits a request meets, and what a client sees."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mockserver import (
    Concurrency,
    FixedWindow,
    LeakyBucket,
    LimitRule,
    MockLegnext,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    run_virtual,
)
from mockserver._world.limit_rules import LimitRules, Ticket
from mockserver._world.limits import Limit, Refused, Unlimited
from mockserver._world.routes import BALANCE, JOB, RequestFacts
from tests.mockserver.helpers import POST, client_of


def _asks(at: float = 0.0, job_id: str = "a", key: str = "key") -> RequestFacts:
    return RequestFacts(at, "GET", f"/api/v1/job/{job_id}", JOB, job_id, key)


BALANCED = RequestFacts(0.0, "GET", BALANCE.path, BALANCE, None, "key")
STRAY = RequestFacts(0.0, "GET", "/api/v2", None, None, "key")
LIMITS: list[Limit] = [
    TokenBucket(2, 3),
    LeakyBucket(2, 3),
    SlidingWindow(3, 2),
    FixedWindow(3, 2),
    Unlimited(),
]


@given(st.sampled_from(LIMITS), st.sampled_from(LIMITS), st.lists(st.floats(0, 1), max_size=60))
def test_a_client_that_waits_as_told_passes_all(
    one: Limit, other: Limit, gaps: list[float]
) -> None:
    """A request passes if all limits admit it; a refused one passes when it was told to return."""
    rules = LimitRules([one, LimitRule(other, "key")])
    for at in itertools.accumulate(gaps):
        verdict = rules.admit(_asks(at))
        if isinstance(verdict, Refused):
            assert verdict.retry_after > 0
            trial = LimitRules()
            trial.restore(rules.snapshot())
            assert isinstance(trial.admit(_asks(at + verdict.retry_after)), Ticket)


def test_what_is_refused_counts_nowhere() -> None:
    """A request that one limit refuses isn't counted by the others."""
    rules = LimitRules([SlidingWindow(3, 10), LimitRule(SlidingWindow(1, 10), "job")])
    verdicts = [rules.admit(_asks(0, job_id)) for job_id in "aaabc"]
    assert [isinstance(verdict, Ticket) for verdict in verdicts] == [True, False, False, True, True]
    assert rules.admit(_asks(0, "d")) == Refused(10)


def test_places_are_given_back_to_all() -> None:
    """A request is under way for all limits that admitted it, until it ends."""
    rules = LimitRules([Concurrency(2, retry_after=1), LimitRule(Concurrency(1, 5), "job")])
    ticket = rules.admit(_asks(0, "a"))
    assert isinstance(ticket, Ticket)
    assert rules.admit(_asks(0, "a")) == Refused(5)
    other = rules.admit(_asks(0, "b"))
    assert rules.admit(_asks(0, "c")) == Refused(1)
    assert rules.admit(_asks(0, "b")) == Refused(5)
    ticket.finish(1)
    assert isinstance(rules.admit(_asks(1, "a")), Ticket)
    assert isinstance(other, Ticket)


def test_requests_under_way_when_limits_change() -> None:
    """Requests under way end with the limits that admitted them, not with new ones."""
    rules = LimitRules(Concurrency(1))
    ticket = rules.admit(BALANCED)
    rules.replace(Concurrency(1))
    assert isinstance(ticket, Ticket)
    assert isinstance(rules.admit(BALANCED), Ticket)
    ticket.finish(1)
    assert isinstance(rules.admit(BALANCED), Refused)


@pytest.mark.parametrize(
    ("rule", "counted"),
    [
        (LimitRule(TokenBucket(1)), [True, True, True, True]),
        (LimitRule(TokenBucket(1), "key"), [True, True, True, True]),
        (LimitRule(TokenBucket(1), "job"), [True, True, False, False]),
        (LimitRule(TokenBucket(1), route="job"), [True, True, False, False]),
        (LimitRule(TokenBucket(1), route=BALANCE.template), [False, False, True, False]),
        (LimitRule(TokenBucket(1), "key", "submit"), [False, False, False, False]),
    ],
)
def test_which_requests_a_rule_is_about(rule: LimitRule, counted: list[bool]) -> None:
    """A rule neither refuses nor hints about requests that it doesn't count."""
    for request, counts in zip((_asks(), _asks(job_id="b"), BALANCED, STRAY), counted, strict=True):
        rules = LimitRules(rule)
        assert bool(rules.hints(request, 0)) == counts
        assert isinstance(rules.admit(request), Ticket)
        assert isinstance(rules.admit(request), Refused) == counts


def test_equal_labels_are_numbered() -> None:
    """Limits with the same label are numbered."""
    one = TokenBucket(1)
    by_route = LimitRule(one, "account", "job")
    rules = LimitRules([one, by_route, one, LimitRule(one, "key"), by_route, Concurrency(1)])
    assert rules.rules[0] == LimitRule(one)
    assert [label for label, _ in rules.hints(_asks(), 0)] == [
        "account",
        "account:job",
        "account 2",
        "key",
        "account:job 2",
    ]


@given(st.lists(st.sampled_from("ab"), max_size=20), st.lists(st.sampled_from("ab"), max_size=20))
def test_going_back_to_a_snapshot(before: list[str], after: list[str]) -> None:
    """After a restored snapshot the same requests get the same decisions, any number of times."""
    rules = LimitRules([SlidingWindow(9, 100), LimitRule(TokenBucket(0.5, 2), "job")])

    def decide(job_ids: list[str], begin: float) -> list[bool]:
        requests = [_asks(begin + number, job_id) for number, job_id in enumerate(job_ids)]
        return [isinstance(rules.admit(request), Ticket) for request in requests]

    decide(before, 0)
    snapshot = rules.snapshot()
    first = decide(after, len(before))
    rules.replace(None)
    for _ in range(2):
        rules.restore(snapshot)
        assert decide(after, len(before)) == first


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"per": "world"}, "per"), ({"route": "jobs"}, "route must be a route's template")],
)
def test_impossible_rules_are_refused(settings: dict[str, Any], complaint: str) -> None:
    """An unknown `per` or route is an error."""
    with pytest.raises(ValueError, match=complaint):
        LimitRule(TokenBucket(1), **settings)


# What a client sees


def _codes(mock: MockLegnext, *asked: tuple[str, str]) -> list[int]:
    """The answers to requests, each with a key and a path."""

    async def main() -> list[int]:
        async with client_of(mock) as client:
            return [
                (await client.get(path, headers={"x-api-key": key})).status_code
                for key, path in asked
            ]

    return run_virtual(main)


def test_a_limit_for_each_key() -> None:
    """One key's requests don't use up the limit of another."""
    mock = MockLegnext(limit=LimitRule(SlidingWindow(2, 60), "key"))
    asked = [("one", BALANCE.path)] * 3 + [("other", BALANCE.path)] * 3
    assert _codes(mock, *asked) == [200, 200, 429, 200, 200, 429]


def test_a_limit_for_each_job() -> None:
    """Requests for one job don't use up the limit of another."""
    mock = MockLegnext(limit=LimitRule(TokenBucket(1), "job"))
    first, second = (f"/api/v1/job/{job_id}" for job_id in mock.add_jobs(2))
    asked = [("key", path) for path in (first, first, second, second, BALANCE.path, BALANCE.path)]
    assert _codes(mock, *asked) == [200, 429, 200, 429, 200, 200]


def test_a_limit_for_one_route() -> None:
    """A limit on submits doesn't count status requests."""
    mock = MockLegnext(limit=[LimitRule(SlidingWindow(1, 60), route="submit")])

    async def main() -> list[int]:
        async with client_of(mock) as client:
            codes = [
                (await client.post(POST, json={"text": "a"})).status_code,
                (await client.post("/api/v1/shorten", json={"prompt": "a"})).status_code,
            ]
            codes += [(await client.get(BALANCE.path)).status_code for _ in range(3)]
            return codes

    assert run_virtual(main) == [200, 429, 200, 200, 200]


def test_a_wrong_key_counts_nowhere() -> None:
    """Only requests with a valid key count."""
    mock = MockLegnext(limit=SlidingWindow(1, 60), api_keys=["right"])
    asked = [("wrong", BALANCE.path)] * 2 + [("right", BALANCE.path)] * 2
    assert _codes(mock, *asked) == [401, 401, 200, 429]


def test_a_leaky_bucket_makes_clients_wait() -> None:
    """Requests at the same time are answered one by one, and those beyond the capacity refused."""
    mock = MockLegnext(limit=LeakyBucket(2, capacity=3))
    answers: list[tuple[float, int]] = []

    async def main() -> None:
        async with client_of(mock) as client, trio.open_nursery() as nursery:

            async def ask() -> None:
                answer = await client.get(BALANCE.path)
                answers.append((trio.current_time(), answer.status_code))

            for _ in range(6):
                nursery.start_soon(ask)

    run_virtual(main)
    assert sorted(answers) == [(0, 200), (0, 429), (0, 429), (0.5, 200), (1, 200), (1.5, 200)]


@pytest.mark.parametrize(
    ("limit", "codes"),
    [
        (TokenBucket(0.5, 2), [200, 200, 200, 429, 200, 429]),
        (FixedWindow(2, 3), [200, 200, 429, 200, 200, 429]),
        (SlidingWindow(2, 4), [200, 200, 429, 429, 200, 200]),
        (Concurrency(1), [200] * 6),
        (Scheduled([(0, Unlimited()), (3, SlidingWindow(1, 9))]), [200, 200, 200, 200, 429, 429]),
        (None, [200] * 6),
    ],
    ids=str,
)
def test_each_kind_on_the_wire(limit: Limit | None, codes: list[int]) -> None:
    """A client that asks once a second is admitted as the limit says."""
    mock = MockLegnext(limit=limit)

    async def main() -> list[int]:
        async with client_of(mock) as client:
            found = []
            for _ in range(6):
                found.append((await client.get(BALANCE.path)).status_code)
                await trio.sleep(1)
            return found

    assert run_virtual(main) == codes
