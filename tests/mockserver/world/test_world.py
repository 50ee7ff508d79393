"""The world: the state of jobs at a time."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.durations import Fixed, Run, Start
from mockserver._world.scripts import FAILURES, TERMINAL, Failure, Script, Step
from mockserver._world.truth import Change, JobChange
from mockserver._world.world import World

TIMES = st.floats(0, 500)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pending", "staged", "processing", "retry", "odd"]), st.floats(0, 9)
    ),
    max_size=6,
).map(lambda steps: [s for n, s in enumerate(steps) if n == 0 or s[0] != steps[n - 1][0]])
SCRIPTS = st.builds(
    lambda steps, end, takes_slot: Script([*steps, end], takes_slot=takes_slot),
    STEPS,
    st.sampled_from(["completed", "failed", "held"]),
    st.booleans(),
)


def test_a_job_passes_through_its_statuses() -> None:
    """A job goes from pending to completed, and starts a second after its creation."""
    world = World(run_times=Fixed(40))
    job_id = world.add_job(at=10)
    assert world.changes(job_id, 1000) == (
        Change(10, "pending"),
        Change(10.5, "staged"),
        Change(11, "processing"),
        Change(51, "completed"),
    )
    assert [world.status(job_id, t) for t in (9.9, 10, 10.5, 11, 50.9, 51)] == [
        None,
        "pending",
        "staged",
        "processing",
        "processing",
        "completed",
    ]


def test_started_and_ended_are_known_when_they_happen() -> None:
    """The times of start and end are None until they have come."""
    world = World(run_times=Fixed(40))
    job_id = world.add_job(at=0)
    assert (world.started_at(job_id), world.ended_at(job_id)) == (
        None,
        None,
    )
    world.advance(40.9)
    assert (world.started_at(job_id), world.ended_at(job_id)) == (
        1,
        None,
    )
    assert (world.started_at(job_id, 50), world.ended_at(job_id, 50)) == (1, 41)
    assert world.now == 50
    assert (world.started_at(job_id), world.ended_at(job_id, 3)) == (1, None)


@given(st.integers(0, 9), st.lists(st.one_of(st.none(), SCRIPTS), max_size=20), st.lists(TIMES))
def test_answers_do_not_depend_on_questions(
    seed: int, scripts: list[Script | None], times: list[float]
) -> None:
    """Answers don't depend on the order of questions; status, view and changes agree."""

    def world() -> World:
        made = World(seed, slots=2, run_times=Fixed(20), failure_share=0.3)
        for script in scripts:
            made.add_job(at=0, script=script)
        return made

    asked, silent = world(), world()
    for t in times:
        for job_id in asked.job_ids():
            changes = asked.changes(job_id, t)
            assert asked.status(job_id, t) == changes[-1].status == asked.job(job_id, t).status
            assert all(change.at <= t for change in changes)
    assert dict(asked.truth(1e6)) == dict(silent.truth(1e6))
    assert list(asked.truth(1e6)) == list(silent.job_ids())


@given(st.lists(SCRIPTS, min_size=1, max_size=10), st.integers(1, 3))
def test_scripts_are_played_as_written(scripts: list[Script], slots: int) -> None:
    """Statuses follow in order, each for its seconds, and a terminal one is the last."""
    world = World(slots=slots)
    played = {world.add_job(at=5, script=script): script for script in scripts}
    for job_id, script in played.items():
        if script.takes_slot:
            continue
        changes = world.changes(job_id, 1e6)
        assert [change.status for change in changes] == [step.status for step in script.steps]
        for change, after, step in zip(changes, changes[1:], script.steps, strict=False):
            assert after.at - change.at == pytest.approx(step.seconds)


def test_a_script_can_wait_for_a_slot() -> None:
    """A job whose script takes a slot is pending until it has one, and then goes on."""
    world = World(slots=1, run_times=Fixed(9.5))
    world.add_job(at=0)
    script = Script([("pending", 2), ("processing", 3), "failed"], takes_slot=True)
    job_id = world.add_job(at=0, script=script)
    # The slot is taken from 0.5 to 10.5: half a second of staging, and the run.
    assert world.changes(job_id, 99) == (
        Change(0, "pending"),
        Change(10.5, "processing"),
        Change(13.5, "failed"),
    )


def test_a_script_that_stays_pending_never_takes_a_slot() -> None:
    """A job held in pending isn't in the queue."""
    world = World(slots=1)
    held = world.add_job(at=0, script=Script(["pending"], takes_slot=True))
    other = world.add_job(at=0)
    assert (world.status(held, 999), world.status(other, 999)) == ("pending", "completed")


def test_no_jobs_fail_unless_asked_for() -> None:
    """Without a failure share every job completes."""
    world = World(slots=None)
    world.add_jobs(300, at=0)
    assert {changes[-1].status for changes in world.truth(1e6).values()} == {"completed"}


def test_the_failure_share_is_kept() -> None:
    """The share of jobs that fail is about the one given, and they fail before they complete."""
    world = World(slots=None, failure_share=0.2, run_times=Fixed(100))
    ids = world.add_jobs(3000, at=0)
    views = [world.job(job_id, 1e6) for job_id in ids]
    failed = [view for view in views if view.status == "failed"]
    assert len(failed) == pytest.approx(600, rel=0.1)
    assert {view.failure for view in failed} == set(FAILURES)
    assert all(view.ended_at is not None and view.ended_at <= 101 for view in failed)
    assert all(view.failure is None for view in views if view.status == "completed")


def test_run_times_can_decide_failure() -> None:
    """A `Run` decides duration and failure, whatever the share."""
    why = Failure(418, "teapot", "short and stout")

    def run_times(start: Start) -> Run:
        return Run(5, why if start.index == 0 else None)

    world = World(run_times=run_times, failure_share=1.0)
    failing, completing = world.add_jobs(2, at=0)
    assert world.job(failing, 99).failure == why
    assert world.status(completing, 99) == "completed"


def test_run_times_can_depend_on_the_start() -> None:
    """Run times can depend on the job, its number, its type and its start."""
    seen: list[Start] = []

    def run_times(start: Start) -> float:
        seen.append(start)
        return 10.0 * (start.index + 1)

    world = World(slots=1, run_times=run_times)
    first, second = world.add_jobs(2, "upscale", at=0)
    world.advance(1000)
    assert [(s.job_id, s.index, s.task_type, s.started_at) for s in seen] == [
        (first, 0, "upscale", 1.0),
        (second, 1, "upscale", 11.5),
    ]


def test_a_life_belongs_to_the_job_id() -> None:
    """If slots are free, a job's run doesn't depend on the other jobs."""
    alone, crowd = World(7, slots=None), World(7, slots=None)
    alone.add_job(at=0, job_id="me")
    crowd.add_jobs(10, at=0)
    crowd.add_job(at=0, job_id="me")
    assert alone.changes("me", 999) == crowd.changes("me", 999)


def test_the_same_seed_gives_the_same_ids_and_lives() -> None:
    """Worlds with the same seed are equal, and others differ."""

    def truth(seed: int) -> object:
        world = World(seed)
        world.add_jobs(50, at=0)
        return dict(world.truth(1e6))

    assert truth(1) == truth(1) != truth(2)


def test_truth_lists_all_changes_in_order() -> None:
    """Changes are in the order of time, at equal times in the order of adding."""
    world = World(slots=None)
    a = world.add_job(at=0, script=Script([("pending", 1), "completed"]))
    b = world.add_job(at=0, script=Script([("pending", 1), "failed"]))
    truth = world.truth(1)
    assert list(truth.changes()) == [
        JobChange(0, a, "pending"),
        JobChange(0, b, "pending"),
        JobChange(1, a, "completed"),
        JobChange(1, b, "failed"),
    ]
    assert truth.until == 1
    assert dict(truth.at(0.5)) == {a: (Change(0, "pending"),), b: (Change(0, "pending"),)}
    assert len(truth) == len(world) == 2
    assert list(world.latest_job_ids()) == [b, a]
    assert a in truth
    assert a in world
    assert "c" not in truth
    assert repr(truth) == "<Truth of 2 jobs until 1 s>"


def test_truth_is_kept_as_of_its_time() -> None:
    """A truth doesn't change as time goes on."""
    world = World()
    job_id = world.add_job(at=0)
    early = world.truth(0.2)
    world.advance(1e6)
    assert early[job_id] == (Change(0, "pending"),)


def test_views_show_the_job_as_it_is() -> None:
    """A view has past times, and nothing of the future."""
    world = World(run_times=Fixed(10))
    job_id = world.add_job("describe", at=2, callback="http://127.0.0.1/hook")
    early, late = world.job(job_id, 2), world.job(job_id, 99)
    assert (early.created_at, early.started_at, early.ended_at) == (2, None, None)
    assert (late.created_at, late.started_at, late.ended_at) == (2, 3, 13)
    assert (early.task.name, early.callback) == ("describe", "http://127.0.0.1/hook")
    with pytest.raises(ValueError, match=r"was added at 2 s, after 1 s"):
        world.job(job_id, 1)


def test_nothing_is_added_to_the_past() -> None:
    """No job can be added before `now`."""
    world = World()
    world.advance(10)
    world.add_job(at=10)
    with pytest.raises(ValueError, match="can't add a job at 9"):
        world.add_job(at=9)
    with pytest.raises(ValueError, match="no task type"):
        world.add_job("juggle", at=10)
    world.add_job(at=10, job_id="x")
    with pytest.raises(ValueError, match="there is a job 'x' already"):
        world.add_job(at=10, job_id="x")
    with pytest.raises(ValueError, match="failure_share"):
        World(failure_share=1.5)


def test_time_never_goes_back() -> None:
    """Advancing to an earlier time does nothing."""
    world = World()
    world.advance(5)
    world.advance(3)
    assert world.now == 5


def test_the_same_seed_gives_the_lives_it_always_gave() -> None:
    """The lives of a seed never change: a recorded run can be repeated years later."""
    world = World(7, slots=2, order="random", failure_share=0.5)
    world.add_jobs(20, "upscale", at=0.0)
    lives = [
        (job_id, changes, world.job(job_id, 1e6).failure)
        for job_id, changes in world.truth(1e6).items()
    ]
    told = hashlib.sha256(repr(lives).encode()).hexdigest()
    assert told == "fce6c8cc9402bf5f9973273cbfbc9d6ef096a541a7ecbec064f57af2c58e7a25"


def test_a_job_weighs_less_than_a_kilobyte() -> None:
    """A world of a million jobs fits into a gigabyte, also while their statuses are counted."""
    n = 5000
    world = World(slots=50)
    tracemalloc.start()
    try:
        world.counts(0)
        world.add_jobs(n, at=0)
        world.counts(100)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / n < 1000


def test_terminals_are_terminal() -> None:
    """The terminal statuses are those of the API."""
    assert {"completed", "failed"} == TERMINAL
    assert Step("x").seconds == float("inf")
