"""A killed watch loses nothing: a few kills, and tests of the judge itself."""

from __future__ import annotations

import pytest

from tests.simulation.kills import Event, campaign, judge

TRUTH = {
    "a": [[0.0, "pending"], [1.0, "processing"], [2.0, "completed"]],
    "b": [[0.0, "pending"], [3.0, "failed"]],
}


def events_of(text: str) -> list[Event]:
    """Return events from a short form: `a:pending b:failed`."""
    pairs = [word.split(":") for word in text.split()]
    return [{"job_id": job_id, "status": status} for job_id, status in pairs]


@pytest.mark.parametrize(
    ("runs", "again"),
    [
        (["a:pending b:pending a:processing a:completed b:failed"], 0),
        (["a:completed b:failed"], 0),
        (["a:pending", "", "a:pending a:completed b:failed"], 1),
        (["a:completed", "b:pending a:completed b:failed"], 1),
        (["a:completed", "b:failed", "a:completed"], 1),
    ],
)
def test_what_is_as_promised_passes(runs: list[str], again: int) -> None:
    """Events may be missing or spread over runs, and the event being handled at a kill may come again."""
    assert judge([events_of(run) for run in runs], TRUTH) == again


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (["a:completed"], "every job"),
        (["a:completed b:pending"], "b has no end"),
        (["a:completed b:failed c:completed"], "no other"),
        (["a:pending a:completed", "a:pending b:failed"], "pending was delivered twice"),
        (["a:pending a:pending a:completed b:failed"], "pending was delivered twice"),
        (["a:completed b:failed", "b:failed", "a:completed"], "a: completed was delivered twice"),
        (
            ["a:completed", "a:completed b:failed", "a:completed"],
            "a: completed was delivered twice",
        ),
        (["a:completed b:failed a:processing"], "processing after its end"),
        (["a:processing a:pending a:completed b:failed"], "'processing', 'pending'"),
        (["a:staged a:completed b:failed"], "'staged'"),
    ],
)
def test_what_is_not_is_found(runs: list[str], said: str) -> None:
    """The judge notices a lost job, a repetition, a step back and a false event."""
    with pytest.raises(AssertionError, match=said):
        judge([events_of(run) for run in runs], TRUTH)


@pytest.mark.campaign
def test_kills_lose_nothing() -> None:
    """A few kills; `python -m tests.simulation.kills` does two hundred."""
    report = campaign(6, seed=3, jobs=30)
    assert report.kills == 6
    assert report.refused > 0, "a server that behaves would prove little"
