"""`max_cost`: how many points a batch may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from legnext_stream import JobStatus
from mockserver import (
    Account,
    AnswerLost,
    Fixed,
    LimitRule,
    MockLegnext,
    Moderation,
    Rule,
    TokenBucket,
    When,
)
from tests.legnext_stream.generate.support import cats, ends_of, generated, statuses

_DEAR = Account(prices={"diffusion": 200})


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"limit": LimitRule(TokenBucket(rate=2))},
        {"run_times": Fixed(50), "slots": 2},
    ],
)
async def test_no_more_is_spent_whatever_a_job_costs(settings: dict[str, Any]) -> None:
    """At the real price, which is more than the estimate, and whatever else refuses submits."""
    mock = MockLegnext(seed=1, account=_DEAR, **settings)
    told, _ = await generated(mock, cats(20), max_cost=1000)
    ends = ends_of(told)
    assert len(mock.truth) == 5
    assert statuses(ends)[JobStatus.NOT_SUBMITTED] == 15
    refused = [end for end in ends.values() if end.status is JobStatus.NOT_SUBMITTED]
    for end in refused:
        assert end.job.error is not None
        assert "1,000 of max_cost=1,000 points are spent" in end.job.error.message


async def test_a_submit_without_an_answer_counts() -> None:
    """Its job may exist, and then it costs."""
    mock = MockLegnext(seed=1, faults=[Rule(AnswerLost(), When(route="submit", every=2))])
    told, _ = await generated(mock, cats(10), max_cost=400)
    ends = statuses(ends_of(told))
    assert len(mock.truth) == 5
    assert ends[JobStatus.SUBMIT_UNKNOWN] == 2
    assert ends[JobStatus.NOT_SUBMITTED] == 5


async def test_a_refused_prompt_costs_nothing() -> None:
    """What moderation refuses leaves its points to the others."""
    mock = MockLegnext(moderation=Moderation(words=("bad",)))
    prompts = ["a bad cat", "cat 2", "a bad dog", "cat 4", "cat 5"]
    told, _ = await generated(mock, prompts, max_cost=160)
    ends = {position: end.status for position, end in ends_of(told).items()}
    assert {position for position, end in ends.items() if end is JobStatus.COMPLETED} == {2, 4}


async def test_a_later_run_submits_the_rest(tmp_path: Path) -> None:
    """With its own limit: what an earlier run spent doesn't count."""
    mock, path = MockLegnext(seed=1), tmp_path / "batch.db"
    for jobs in (2, 4, 5):
        told, _ = await generated(mock, cats(5), journal=path, max_cost=160)
        assert len(mock.truth) == jobs
        assert ends_of(told)
