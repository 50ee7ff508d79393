"""A share of the fuzzing, with Hypothesis to shrink failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.model.decoding import decode_job
from mockserver import strategies
from tests.hostile import fuzz
from tests.hostile.mutations import HEADERS, JOB_ID, TIMES, Mutator, corpus

# Characters that have a meaning to one of the parsers.
_LIKELY = st.text(alphabet='0123456789.;,="qwrt:- \\abMGT%+Z/', max_size=60)
_NAMES = st.sampled_from(fuzz._NAMES)
_CODES = st.sampled_from([200, 202, 204, 301, 400, 404, 418, 429, 500, 503, 599])

headers = st.dictionaries(_NAMES, _LIKELY | st.sampled_from(HEADERS) | st.text(max_size=20))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["completed", "failed", *TIMES]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(body=st.binary(max_size=200), code=_CODES, headers=headers)
def test_any_bytes(body: bytes, code: int, headers: dict[str, str]) -> None:
    """Any bytes lead to a result."""
    assert fuzz.answer(body, code, headers)


@given(data=st.data(), code=_CODES, headers=headers)
def test_any_job(data: st.DataObject, code: int, headers: dict[str, str]) -> None:
    """A job in any variant of the API with one arbitrary field leads to a result."""
    body: dict[str, Any] = data.draw(strategies.job_objects()) | {"job_id": JOB_ID}
    field = data.draw(st.sampled_from(sorted(body)))
    if isinstance(body[field], dict) and body[field]:
        body[field] |= {data.draw(st.sampled_from(sorted(body[field]))): data.draw(json_values)}
    else:
        body[field] = data.draw(json_values)
    content = json.dumps(body).encode()
    assert fuzz.answer(content, code, headers)


@given(headers)
def test_any_headers(headers: dict[str, str]) -> None:
    """Rate-limit headers give values within bounds, or none."""
    assert fuzz.hints(headers)


@given(_LIKELY | st.text(max_size=40))
def test_any_text(text: str) -> None:
    """Any text can be given to the parsers of dates, times and ids."""
    assert fuzz.date(text)
    assert fuzz.stamp(text)
    assert fuzz.job_id(text)


@pytest.mark.fuzz
def test_a_share_of_the_fuzzing() -> None:
    """The command's inputs lead to every kind of result."""
    report = fuzz.fuzz(6_000, seed=7)
    assert report.inputs == sum(report.came_to.values()) == 6_000
    for reached in (
        "answer: seen, event: completed",
        "answer: seen, event: unknown",
        "answer: missing, event: none",
        "answer: limited, event: none",
        "answer: troubled, event: none",
        *("date: one", "hints: some", "id: refused", "id: taken", "time: one"),
    ):
        assert report.came_to[reached] > 3, reached


def test_the_same_seed_makes_the_same_inputs() -> None:
    """A seed always gives the same inputs."""
    one, other = Mutator(3), Mutator(3)
    assert [one.body() for _ in range(200)] == [other.body() for _ in range(200)]


def test_the_bodies_that_are_changed_are_jobs_before() -> None:
    """Inputs are valid before they are mutated, apart from the refusals."""
    jobs = [body for body in corpus() if JOB_ID.encode() in body]
    assert len(jobs) > 70
    statuses = {decode_job(json.loads(body)).status for body in jobs}
    assert statuses == {"pending", "processing", "completed", "failed"}


def test_harm_is_reported_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception ends the run, and the message has the input."""

    def broken(text: str) -> str:
        raise ZeroDivisionError(text)

    monkeypatch.setattr(fuzz, "date", broken)
    with pytest.raises(fuzz.HarmError, match=r"input 1 of seed 5, '.*': ZeroDivisionError"):
        fuzz.fuzz(10, seed=5)
