"""In whatever world, with whatever going wrong: each prompt has one end, and no more than one job."""

from __future__ import annotations

from typing import Any

import trio
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import JobEvent, JobStatus
from mockserver import (
    AnswerLost,
    Delay,
    EmptyAnswer,
    ErrorEnvelope,
    Fixed,
    HtmlPage,
    LimitRule,
    MalformedJson,
    MockLegnext,
    Refuse,
    Reset,
    Rule,
    Status,
    TokenBucket,
    Truncated,
    When,
    run_virtual,
)
from mockserver._api.moderation import Moderation
from tests.effort import examples
from tests.legnext_stream.generate.support import (
    cats,
    check_batch,
    ends_of,
    generating,
    jobs_of,
    statuses,
)

FAULTS = st.sampled_from(
    [
        AnswerLost(),
        Delay(15.0),
        EmptyAnswer(),
        ErrorEnvelope(402),
        ErrorEnvelope(429),
        HtmlPage(),
        MalformedJson(),
        Refuse(),
        Reset(30),
        Status(400),
        Status(402),
        Status(403),
        Status(408),
        Status(429),
        Status(429, headers={"Retry-After": "7"}),
        Status(500, body="empty"),
        Status(503),
        Status(503, headers={"Retry-After": "7"}),
        Truncated(0.5),
    ]
)
RULES = st.builds(
    Rule,
    FAULTS,
    st.builds(When, route=st.just("submit"), probability=st.sampled_from([0.1, 0.3]))
    | st.builds(When, route=st.just("submit"), every=st.integers(2, 6)),
)
MOCKS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10_000),
        "slots": st.sampled_from(["queue@3", "reject@3", "reject@1", None]),
        "run_times": st.sampled_from([Fixed(1), Fixed(20), Fixed(90)]),
        "failure_share": st.sampled_from([0.0, 0.3]),
        "latency": st.sampled_from([0.0, 0.4]),
        "faults": st.lists(RULES, max_size=3),
        "limit": st.none()
        | st.just(LimitRule(TokenBucket(rate=0.7, burst=2), route="submit"))
        | st.just(TokenBucket(rate=4, burst=4)),
        "moderation": st.none() | st.just(Moderation(words=("3",))),
    }
)
TERMS = st.fixed_dictionaries(
    {},
    optional={
        "at_once": st.integers(1, 4),
        "if_unknown": st.just("submit_again"),
    },
)


@examples(30)
@given(
    world=MOCKS,
    terms=TERMS,
    count=st.integers(0, 12),
    pauses=st.lists(st.sampled_from([0.0, 1.0, 200.0]), max_size=4),
)
def test_each_prompt_has_one_end(
    world: dict[str, Any], terms: dict[str, Any], count: int, pauses: list[float]
) -> None:
    """Whatever happens to submits, to the account and to the consumer."""
    mock = MockLegnext(**world)
    prompts = cats(count)

    told: list[JobEvent] = []

    async def main() -> None:
        waits = list(pauses)
        async with generating(mock, prompts, **terms) as events:
            async for event in events:
                told.append(event)
                await trio.sleep(waits.pop() if waits else 0)

    run_virtual(main)
    if "if_unknown" not in terms:
        check_batch(mock, prompts, told)
        return
    ends = ends_of(told)
    assert sorted(ends) == list(range(1, count + 1))
    assert not statuses(ends)[JobStatus.SUBMIT_UNKNOWN], "it is tried again long enough"
    made = jobs_of(mock)
    for position, end in ends.items():
        if end.job_id:
            assert end.job_id in made[f"cat {position}"]
