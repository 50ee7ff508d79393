"""From sightings of jobs to scripts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Failure, Script, World
from mockserver._replay import RecordedJob
from mockserver._replay.lives import Sighting, failure_of, known_task, script_of
from mockserver._world.scripts import FAILURES

LIVES = st.sampled_from(
    [
        ["pending", "staged", "processing", "completed"],
        ["pending", "processing", "failed"],
        ["pending", "retry", "pending", "processing", "completed"],
        ["staged", "upscaling", "processing", "polishing", "processing", "failed"],
        ["processing", "completed"],
        ["completed"],
        ["pending", "staged"],
    ]
)


def seen(
    *given: tuple[float, str], started_at: float | None = None, ended_at: float | None = None
) -> list[Sighting]:
    """Sightings at these times, all with the same times in the job."""
    return [
        Sighting(at=at, status=status, started_at=started_at, ended_at=ended_at)
        for at, status in given
    ]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Script, list[Sighting]]:
    """A lifecycle, and what a client that polls it sees."""
    statuses = draw(LIVES)
    seconds = draw(st.lists(st.floats(0.5, 90), min_size=len(statuses), max_size=len(statuses)))
    script = Script([*zip(statuses[:-1], seconds, strict=False), statuses[-1]])
    times = draw(st.lists(st.floats(0, 600), min_size=1, max_size=25).map(sorted))
    world = World()
    job_id = world.add_job(at=0, script=script)
    started_at = world.started_at(job_id, 1e9)
    ended_at = world.ended_at(job_id, 1e9)
    tells = draw(st.booleans())
    return script, [
        Sighting(
            at=at,
            status=str(world.status(job_id, at)),
            started_at=started_at if tells and (started_at or 0) <= at else None,
            ended_at=ended_at if tells and (ended_at or 0) <= at else None,
        )
        for at in times
    ]


@given(recordings())
def test_a_script_agrees_with_all_that_was_seen(recording: tuple[Script, list[Sighting]]) -> None:
    """At the same times, the script has the statuses that were seen, and no others."""
    life, sightings = recording
    script = script_of(sightings)
    world = World()
    job_id = world.add_job(at=0, script=script)
    job = RecordedJob(job_id=job_id, task_type="diffusion", script=script)
    for sighting in sightings:
        # Two statuses can be seen within less time than a float can tell apart from now.
        assert job.status_at(sighting.at) == world.status(job_id, sighting.at)
        assert world.status(job_id, sighting.at) == sighting.status
    true = iter(["pending", *(step.status for step in life.steps)])
    assert all(step.status in true for step in script.steps)


@pytest.mark.parametrize(
    ("sightings", "changes"),
    [
        (seen((5, "pending"), (10, "processing"), (30, "completed")), [(7.5, 1), (20, 2)]),
        (
            seen((5, "pending"), (10, "processing"), (30, "completed"), started_at=6, ended_at=29),
            [(6, 1), (29, 2)],
        ),
        # What lies outside of what was seen is not believed.
        (
            seen((5, "pending"), (10, "processing"), (30, "completed"), started_at=4, ended_at=31),
            [(7.5, 1), (20, 2)],
        ),
        # It was never seen to be processed, but tells of it.
        (seen((5, "pending"), (30, "completed"), started_at=9, ended_at=29), [(9, 1), (29, 2)]),
        (seen((5, "pending"), (30, "completed"), started_at=9, ended_at=8), [(9, 1), (19.5, 2)]),
    ],
)
def test_when_a_status_began(sightings: list[Sighting], changes: list[tuple[float, int]]) -> None:
    """A change is at the job's own time if that is possible, otherwise in the middle."""
    script = script_of(sightings)
    times = list(itertools.accumulate(step.seconds for step in script.steps[:-1]))
    assert times == [at for at, _ in changes]
    assert [step.status for step in script.steps] == ["pending", "processing", "completed"]


def test_answers_that_lagged_behind() -> None:
    """Stale statuses, and those after the end, aren't part of the script."""
    script = script_of(
        seen(
            (0, "processing"),
            (10, "pending"),
            (20, "processing"),
            (30, "failed"),
            (40, "processing"),
        )
    )
    assert script.steps == Script([("processing", 25), "failed"]).steps


def test_a_job_begins_when_it_is_submitted() -> None:
    """The script of a submitted job begins with the answer to the submit."""
    script = script_of(seen((100, "pending"), (110, "processing")), since=100)
    job = RecordedJob(job_id="a", task_type="diffusion", script=script, submitted_at=100)
    assert script.steps == Script([("pending", 5), "processing"]).steps
    assert [job.status_at(t) for t in (0, 104.9, 105)] == ["pending", "pending", "processing"]


def test_before_it_was_first_seen() -> None:
    """A job is pending before it was first seen, unless it had begun earlier."""
    told = script_of(seen((10, "processing"), started_at=4))
    assert told.steps == Script([("pending", 4), "processing"]).steps
    untold = script_of(seen((10, "failed")))
    assert untold.steps == Script([("pending", 5), "failed"]).steps
    earlier = script_of(seen((10, "processing"), started_at=-4))
    assert earlier.steps == Script(["processing"]).steps


def test_a_failure_is_kept() -> None:
    """The script has the failure, whether the first sighting has it or a later one."""
    failure = Failure(7, "a", "b")
    failed = Sighting(at=1, status="failed", failure=failure)
    assert script_of([failed]).failure == failure
    assert script_of([Sighting(at=0, status="pending"), failed]).failure == failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"code": 7, "message": "a", "raw_message": "b"}, Failure(7, "a", "b")),
        ({"code": 7, "message": "a", "raw_message": None}, Failure(7, "a", "a")),
        ({"code": 7, "raw_message": "b"}, Failure(7, "b", "b")),
        ("it broke", Failure(500, "it broke", "it broke")),
        ("", FAILURES[0]),
        (None, FAILURES[0]),
        ({"message": "no code"}, FAILURES[0]),
    ],
)
def test_what_a_job_failed_of(error: object, failure: Failure) -> None:
    """All variants of `error` are understood."""
    assert failure_of(error) == failure


def test_task_types() -> None:
    """Both spellings of task types are understood; unknown ones count as diffusion."""
    names = [known_task(name) for name in ("upload-paint", "upload_paint", "new", None)]
    assert names == ["upload-paint", "upload-paint", "diffusion", "diffusion"]
