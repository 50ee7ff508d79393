"""Jobs moved by hand or by polls."""

from __future__ import annotations

import math

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, run_virtual
from mockserver._world.durations import Fixed
from mockserver._world.scripts import FAILURES, TERMINAL, Failure, Script, Step
from mockserver._world.slots import Order
from mockserver._world.truth import Change, Truth
from mockserver._world.world import World
from tests.mockserver.helpers import client_of
from tests.mockserver.world.actions import ACTIONS, ORDERS, Action, act, made


def words(world: World, job_id: str, t: float = 1e6) -> list[str]:
    """The statuses of a job until `t`."""
    return [change.status for change in world.changes(job_id, t)]


def test_a_job_leaves_a_status_when_it_was_polled_often_enough() -> None:
    """Poll n still sees the status, and the next poll the following one."""
    world = World()
    script = Script([Step("pending", polls=2), Step("processing", polls=1), "completed"])
    job_id = world.add_job(at=0, script=script)
    seen = []
    for t in range(4):
        seen.append(world.status(job_id, t))
        world.poll(job_id, t)
    assert seen == ["pending", "pending", "processing", "completed"]
    assert world.changes(job_id, 9) == (
        Change(0, "pending"),
        Change(1, "processing"),
        Change(2, "completed"),
    )


def test_polls_are_counted_on_the_wire() -> None:
    """Polls over HTTP move their own job on, and no other."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([Step("processing", polls=2), "completed"]))
    other = mock.add_job(Script([Step("processing", polls=2), "completed"]))

    async def poll(*ids: str) -> list[str]:
        async with client_of(mock) as client:
            answers = [await client.get(f"/api/v1/job/{each}") for each in ids]
        return [answer.json()["status"] for answer in answers]

    statuses = run_virtual(poll, job_id, other, job_id, job_id)
    assert statuses == ["processing", "processing", "processing", "completed"]
    assert run_virtual(poll, other, other) == ["processing", "completed"]


def test_seconds_end_a_step_that_polls_have_not() -> None:
    """A step with seconds and polls ends by the first of them; the next keeps its length."""
    script = Script([Step("pending", 10, polls=2), ("processing", 5), "completed"])
    world = World()
    early, late = world.add_job(at=0, script=script), world.add_job(at=0, script=script)
    for t in (1, 4):
        world.poll(early, t)
    world.poll(late, 4)
    world.poll(late, 11)  # It is processing: this one isn't counted.
    assert [change.at for change in world.changes(early, 99)] == [0, 4, 9]
    assert [change.at for change in world.changes(late, 99)] == [0, 10, 15]


def test_polls_before_the_queue_let_a_job_join_it() -> None:
    """A job whose polls are over joins the queue, and no poll skips the queue."""
    world = World(slots=1, run_times=Fixed(9))
    script = Script([Step("pending", 20, polls=2), ("processing", 5), "completed"], takes_slot=True)
    first = world.add_job(at=0)
    polled, patient = world.add_job(at=0, script=script), world.add_job(at=0, script=script)
    for t in (1, 2, 3, 4, 5):
        world.poll(polled, t)
    for t in (21, 22):
        world.poll(patient, t)
    assert world.ended_at(first, 99) == 10
    assert world.started_at(polled) == 10
    assert world.started_at(patient) == 20


def test_polls_of_the_past_take_effect_now() -> None:
    """A poll with an early time doesn't change what was seen later."""
    world = World()
    job_id = world.add_job(at=0, script=Script([Step("processing", polls=1), "completed"]))
    assert world.status(job_id, 30) == "processing"
    world.poll(job_id, 10)
    assert world.changes(job_id, 99) == (Change(0, "processing"), Change(30, "completed"))
    with pytest.raises(KeyError):
        world.poll("nobody", 99)


def test_a_held_step_waits_for_its_release() -> None:
    """A step without an end lasts until the job is released, and then the script goes on."""
    world = World()
    job_id = world.add_job(at=0, script=Script(["pending", "staged", ("processing", 5), "failed"]))
    assert words(world, job_id, 100) == ["pending"]
    world.release(job_id, 100)
    assert words(world, job_id, 200) == ["pending", "staged"]
    world.release(job_id, 200)
    world.release(job_id, 203)
    assert world.changes(job_id, 999) == (
        Change(0, "pending"),
        Change(100, "staged"),
        Change(200, "processing"),
        Change(203, "failed"),
    )
    assert world.job(job_id, 999).failure == FAILURES[0]


def test_a_job_that_is_drawn_can_be_hurried() -> None:
    """A released job leaves its status at once, and stays in the others as long as before."""
    world = World(run_times=Fixed(40))
    job_id = world.add_job(at=0)
    world.release(job_id, 0.25)  # It joins the queue, and has its slot.
    world.release(job_id, 0.5)
    assert world.changes(job_id, 0.5)[1:] == (Change(0.25, "staged"), Change(0.5, "processing"))
    assert world.ended_at(job_id, 99) == 40.5


def test_a_waiting_job_that_is_released_overtakes_all() -> None:
    """A job released from the queue runs without a free slot; one fewer is left for others."""
    world = World(slots=1, run_times=Fixed(9.5))
    first, second, third = world.add_jobs(3, at=0)
    world.release(third, 2)
    ends = [world.ended_at(job_id, 99) for job_id in (first, second, third)]
    # The second gets the slot when the two who run have given back one more than was taken.
    assert ends == [10.5, 22, 12]


def test_what_ends_early_makes_room_early() -> None:
    """A slot freed by hand goes to the next job at once."""
    world = World(slots=1, run_times=Fixed(100))
    first, second = world.add_jobs(2, at=0)
    world.set_status(first, "completed", 20)
    assert world.status(second, 20) == "staged"
    assert world.ended_at(second, 999) == 120.5


def test_a_job_is_held_where_it_is() -> None:
    """A held job keeps its status and its slot, and goes on when it is released."""
    world = World(slots=1, run_times=Fixed(9))
    held, next_one = world.add_jobs(2, at=0)
    world.hold(held, 0.75)
    world.hold(held, 0.8)  # Once more changes nothing.
    assert (words(world, held, 50), world.status(next_one, 50)) == (
        ["pending", "staged"],
        "pending",
    )
    world.release(held, 50)
    assert world.changes(held, 99)[2:] == (Change(50, "processing"), Change(59, "completed"))
    assert world.changes(next_one, 99)[1] == (59, "staged")


def test_what_polls_were_to_end_is_still_theirs_after_a_hold() -> None:
    """Steps after a held one keep their polls; those of the held one no longer count."""
    world = World()
    script = Script(
        [Step("pending", 9, polls=1), Step("staged", 9, polls=2), ("processing", 9), "completed"]
    )
    job_id = world.add_job(at=0, script=script)
    world.hold(job_id, 0)
    world.poll(job_id, 20)
    world.release(job_id, 30)
    for t in (31, 32):
        world.poll(job_id, t)
    assert [change.at for change in world.changes(job_id, 99)] == [0, 30, 32, 41]


def test_a_job_held_in_the_queue_loses_its_place() -> None:
    """A waiting job that is held takes no slot, and joins the end of the queue when released."""
    world = World(slots=1, run_times=Fixed(9.5))
    jobs = world.add_jobs(4, at=0)
    for _ in range(2):  # As often as one likes: each place in line it gave up is passed over.
        world.hold(jobs[1], 5)
        world.release(jobs[1], 5)
        world.advance(5)
    world.hold(jobs[2], 6)
    assert [world.ended_at(job_id, 99) for job_id in jobs] == [10.5, 30.5, None, 20.5]
    assert world.status(jobs[2], 99) == "pending"


def test_an_end_can_come_back_to_where_it_was() -> None:
    """A job held and released in time ends, and frees its slot, when it would have."""
    world = World(slots=1, run_times=Fixed(40))
    job_id, next_one = world.add_jobs(2, at=0)
    world.hold(job_id, 0.75)
    world.release(job_id, 1)
    assert world.ended_at(job_id, 99) == 41
    assert world.changes(next_one, 99)[1] == (41, "staged")


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_terminal_by_hand_is_the_end(status: str) -> None:
    """A job put into a terminal status has ended, and can't be changed."""
    world = World(run_times=Fixed(10))
    job_id = world.add_job(at=0)
    world.set_status(job_id, status, 5)
    assert words(world, job_id) == ["pending", "staged", "processing", status]
    for action in (world.release, world.hold):
        with pytest.raises(ValueError, match=f"ended at 5 s, as {status}"):
            action(job_id, 1e6)
    with pytest.raises(ValueError, match="ended at 5 s"):
        world.set_status(job_id, "processing", 1e6)


def test_a_failure_by_hand_has_its_reason() -> None:
    """A failed job has the failure given, or the usual one; a completed job has none."""
    world = World(failure_share=1.0)
    one, two, three = world.add_jobs(3, at=0)
    why = Failure(418, "teapot", "short and stout")
    world.set_status(one, "failed", 1, why)
    world.set_status(two, "failed", 1)
    world.set_status(three, "completed", 1)
    failures = [world.job(job_id, 1).failure for job_id in (one, two, three)]
    assert failures == [why, FAILURES[0], None]


def test_a_status_by_hand_stays() -> None:
    """A job put into a status stays in it, and holds a slot unless it is pending."""
    world = World(slots=1, run_times=Fixed(9.5))
    first, second, third = world.add_jobs(3, at=0)
    world.set_status(second, "processing", 1)
    world.set_status(second, "processing", 2)  # No change, and none to be told of.
    world.set_status(third, "pending", 2)
    world.set_status(first, "retry", 3)
    assert words(world, second, 99) == ["pending", "processing"]
    assert words(world, first) == ["pending", "staged", "processing", "retry"]
    late = world.add_job(at=1e6)
    world.set_status(first, "completed", 1e6)
    assert world.status(late, 2e6) == "pending"  # The second still holds the only slot.
    world.set_status(second, "completed", 2e6)
    assert world.status(late, 3e6) == "completed"
    assert world.status(third, 3e6) == "pending"
    world.release(third, 3e6)
    assert world.status(third, 4e6) == "completed"


def test_a_job_that_never_ran_needs_no_slot_to_end() -> None:
    """A waiting job that is ended leaves the queue, and no slot changes."""
    world = World(slots=1, run_times=Fixed(9.5))
    first, second, third = world.add_jobs(3, at=0)
    world.set_status(second, "failed", 0.1)
    world.advance(5)
    world.set_status(third, "completed", 5)
    assert words(world, second) == ["pending", "failed"]
    assert words(world, third) == ["pending", "completed"]
    assert world.ended_at(first) == 10.5
    assert world.status(world.add_job(at=1e6), 1e6 + 1) == "processing"


def test_what_can_not_be_done_is_refused() -> None:
    """An unknown job, a past time, an empty status and a missing next step are errors."""
    world = World()
    job_id = world.add_job(at=0, script=Script(["processing"]))
    queued = world.add_job(at=0, script=Script(["pending"], takes_slot=True))
    world.advance(10)
    for action in (world.release, world.hold):
        with pytest.raises(KeyError):
            action("nobody", 10)
        with pytest.raises(ValueError, match="can't change a job at 9 s"):
            action(job_id, 9)
    with pytest.raises(KeyError):
        world.set_status("nobody", "completed", 10)
    with pytest.raises(ValueError, match="at least one letter"):
        world.set_status(job_id, "", 10)
    for last in (job_id, queued):
        with pytest.raises(ValueError, match="nothing follows"):
            world.release(last, 10)
    assert world.status(job_id, 10) == "processing"
    to_come = world.add_job(at=20)
    world.poll(to_come, 15)
    with pytest.raises(ValueError, match="was added at 20 s, after 15 s"):
        world.release(to_come, 15)


def test_changes_by_hand_over_http() -> None:
    """Over HTTP a job moved by hand is as it was left."""
    mock = MockLegnext(run_times=Fixed(30))
    job_id = mock.add_job()

    async def main() -> list[tuple[str, str]]:
        async with client_of(mock) as client:

            async def told() -> tuple[str, str]:
                body = (await client.get(f"/api/v1/job/{job_id}")).json()
                return body["status"], body["error"]["message"]

            seen = []
            for word in ("retry", "processing", "failed"):
                await trio.sleep(5)
                mock.world.set_status(job_id, word, mock.now, Failure(500, "by hand", ""))
                seen.append(await told())
        return seen

    assert run_virtual(main) == [("retry", ""), ("processing", ""), ("failed", "by hand")]


@given(st.integers(0, 9), st.none() | st.integers(1, 3), ORDERS, ACTIONS)
def test_changes_leave_the_past(
    seed: int, slots: int | None, order: Order, actions: list[Action]
) -> None:
    """A change at a time leaves everything before it as it was, and lives stay valid."""
    world = made(seed, slots, order)
    t = 0.0
    told: list[tuple[Truth, dict[str, tuple[Change, ...]]]] = []
    for action in actions:
        t += action.after
        # Later than just before: at the instant itself something may be added.
        before = world.truth(math.nextafter(t, -1)) if t > world.now else world.truth(world.now)
        kept = {job_id: before[job_id] for job_id in world.job_ids()}
        told.append((before, kept))
        act(world, action, t)
    world.advance(1e6)
    for before, kept in told:
        for job_id, changes in kept.items():
            assert before[job_id][: len(changes)] == changes
            assert all(change.at == before.until for change in before[job_id][len(changes) :])
    for changes in world.truth(1e6).values():
        times = [change.at for change in changes]
        assert times == sorted(times)
        assert not any(change.status in TERMINAL for change in changes[:-1])


@given(st.integers(0, 9), st.integers(1, 3), ORDERS, ACTIONS)
def test_polls_and_holds_keep_the_slots(
    seed: int, slots: int, order: Order, actions: list[Action]
) -> None:
    """Polls and holds never let more jobs run than there are slots."""
    world = made(seed, slots, order)
    t = 0.0
    slotted: list[str] = []
    for action in actions:
        t += action.after
        if action.what not in {"release", "set"}:
            act(world, action, t)
    for job_id in world.job_ids():
        job = world._by_id[job_id]
        if job.script is None or job.script.takes_slot:
            slotted.append(job_id)
    world.advance(1e6)
    spans = []
    for job_id in slotted:
        changes = world.changes(job_id, 1e6)
        if len(changes) > 1 and changes[1].status != "failed":
            end = changes[-1].at if changes[-1].status in TERMINAL else math.inf
            spans.append((changes[1].at, end))
    for instant, _ in spans:
        assert sum(begin <= instant < end for begin, end in spans) <= slots
