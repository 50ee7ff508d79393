"""The queue order, in worlds in which jobs start in the order of submission and in others."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.queue_order import QueueOrder
from legnext_stream._core.watched import Watched
from tests.effort import examples


def queued(count: int) -> tuple[QueueOrder, list[Watched]]:
    """A queue order of new jobs."""
    queue, jobs = QueueOrder(), [Watched(f"job-{number}") for number in range(count)]
    for job in jobs:
        queue.append(job)
    return queue, jobs


def rest(queue: QueueOrder) -> list[Watched]:
    """All jobs that wait, in order."""
    waiting, more = queue.waiting_from(0, 10**9)
    assert more is None
    return waiting


def check(queue: QueueOrder) -> None:
    """What must hold at any time."""
    head = queue.head
    assert head is None or head.is_waiting
    assert head is None or head.position == queue.low + 1
    assert queue.high >= queue.low + 1
    assert len(queue) >= len(rest(queue))
    assert all(job.position > queue.low for job in rest(queue))
    assert not queue.is_open or queue.probe().is_waiting


@attrs.define
class Fifo:
    """A world that starts jobs in order: the first `started` ones, at `times`.

    Attributes:
        jobs: All jobs, in the order of their submission.
        started: How many have started.
    """

    queue: QueueOrder
    jobs: list[Watched]
    started: int = 0
    now: float = 0.0
    times: list[float] = attrs.field(factory=list)
    found: set[str] = attrs.field(factory=set)

    def begin(self, count: int) -> None:
        """This many jobs start now, unseen."""
        for _ in range(min(count, len(self.jobs) - self.started)):
            self.started += 1
            self.times.append(self.now)

    def look(self, job: Watched) -> None:
        """Poll a job and report it to the queue order."""
        if job.position < 0:
            # A job that has left isn't reported to the queue order.
            return
        if job.position < self.started:
            self.found.add(job.job_id)
            self.queue.found_started(job, self.times[job.position])
            self.queue.fill_kept_slots()
        else:
            assert self.queue.found_waiting(job, self.now)
            self.queue.fill_kept_slots()

    def search(self) -> int:
        """Poll until the unknown part is empty; return how many polls that took."""
        requests = 0
        while self.queue.is_open:
            self.look(self.queue.probe())
            requests += 1
            assert requests < 1000
        return requests

    def check(self) -> None:
        """Nobody who was found started is believed to wait."""
        check(self.queue)
        assert not any(job.is_waiting for job in self.jobs if job.job_id in self.found)


def fifo(count: int, started: int = 0) -> Fifo:
    """A world of this many jobs, of which the first ones have started."""
    queue, jobs = queued(count)
    world = Fifo(queue, jobs)
    world.begin(started)
    world.now = 1.0
    return world


acts = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40)),
        st.tuples(st.just("begin"), st.integers(0, 15)),
        st.tuples(st.just("end"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["probe", "head"]), st.just(0)),
        st.tuples(st.sampled_from(["look", "leave"]), st.integers(0, 100)),
    ),
    max_size=80,
)


@examples(300)
@given(acts)
def test_in_a_fair_world(script: list[tuple[str, int]]) -> None:
    """Whatever is polled in whatever order, what was found started stays so, and the order is trusted."""
    world = fifo(0)
    queue = world.queue
    for act, number in script:
        world.now += 1.0
        match act:
            case "append":
                for _ in range(number):
                    job = Watched(f"job-{len(world.jobs)}")
                    world.jobs.append(job)
                    queue.append(job)
            case "begin":
                world.begin(number)
            case "end":
                world.begin(1)
                queue.slot_freed(world.now - number, world.now)
            case "probe" if queue.is_open:
                world.look(queue.probe())
            case "head" if queue.head is not None:
                world.look(queue.head)
            case "look" if world.jobs:
                world.look(world.jobs[number % len(world.jobs)])
            case "leave" if world.jobs:
                queue.leave(world.jobs[number % len(world.jobs)])
            case _:
                pass
        world.check()
        assert queue.is_trusted
    # Polling the head until it waits brings the queue order to the truth, whatever came before.
    while (head := queue.head) is not None and head.position < world.started:
        world.look(head)
        world.search()
    assert all(job.position >= world.started for job in rest(queue))


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_frontier_is_found_in_few_requests(count: int, share: float) -> None:
    """Of N jobs, the first that waits is found in about 2 log2(N) polls."""
    started = round(count * share)
    world = fifo(count, started)
    assert world.search() <= 2 * math.log2(count) + 3
    assert world.queue.low == started - 1
    assert [job.position for job in rest(world.queue)] == list(range(started, count))


@given(st.integers(2, 300), st.integers(1, 20))
def test_each_end_starts_exactly_the_head(count: int, slots: int) -> None:
    """Once the head is known, each end starts it, without a single poll."""
    world = fifo(count, min(slots, count))
    world.search()
    for _ in range(count):
        world.now += 1.0
        head = world.queue.head
        world.begin(1)
        served = world.queue.slot_freed(world.now - 0.5, world.now)
        assert served is head
        if served is not None:
            assert served.position == world.started - 1
            assert served.started_at == world.now - 0.5
        world.check()
    assert world.queue.head is None
    assert len(world.queue) == 0


def test_an_end_before_the_head_was_seen_waiting_starts_no_job() -> None:
    """Another job had taken the freed slot by then."""
    world = fifo(10, 3)
    world.search()
    assert world.queue.slot_freed(-5.0, world.now) is None
    served = world.queue.slot_freed(-5.0, world.now + 1.0)
    assert served is world.jobs[3]
    assert world.jobs[3].started_at == world.now


def test_slots_that_come_free_during_the_search_are_kept() -> None:
    """Ends seen while the head isn't known start the jobs that turn out to be first."""
    world = fifo(100, 10)
    queue = world.queue
    world.look(queue.probe())
    assert queue.slot_freed(4.0, 5.0) is None
    assert queue.slot_freed(3.0, 4.0) is None
    assert queue.fill_kept_slots() == []
    while queue.is_open:
        job = queue.probe()
        if job.position < 10:
            queue.found_started(job, 0.0)
        else:
            queue.found_waiting(job, 2.0)
    served = queue.fill_kept_slots()
    assert [job.position for job in served] == [10, 11]
    assert [job.started_at for job in served] == [3.0, 4.0]
    assert queue.fill_kept_slots() == []


def test_between_two_starts_all_have_started() -> None:
    """A start further on implies those before it, with a lower bound on their times."""
    queue, jobs = queued(10)
    queue.found_started(jobs[0], 5.0)
    between = queue.found_started(jobs[1], 6.0) + queue.found_started(jobs[4], 7.0)
    assert [job.position for job in between] == [2, 3]
    assert [job.started_at for job in between] == [6.0, 6.0]
    assert queue.low == 4


def test_a_straggler_is_the_head_again() -> None:
    """A job inferred to have started is seen waiting: it is the head."""
    world = fifo(10, 3)
    world.search()
    world.now = 5.0
    served = world.jobs[3]
    assert world.queue.slot_freed(4.0, 5.0) is served
    world.now = 6.0
    assert world.queue.found_waiting(served, world.now)
    assert world.queue.head is served
    assert not world.queue.is_open
    assert world.queue.is_trusted
    # It starts at last, and the started part extends over those inferred to have started meanwhile.
    assert world.queue.slot_freed(6.0, 7.0) is served
    assert world.queue.head is world.jobs[4]


def test_a_start_beyond_the_waiting_part_opens_the_search() -> None:
    """The order is broken, or many starts were unseen; the head is polled."""
    world = fifo(50, 3)
    world.search()
    assert world.queue.found_started(world.jobs[20], 9.0) == []
    assert world.queue.is_open
    assert world.queue.probe() is world.queue.head
    # If all before it have started, too, nothing speaks against the order.
    world.now = 10.0
    world.begin(18)
    world.search()
    assert world.queue.low == 20
    assert world.queue.is_trusted


def overtake(queue: QueueOrder, jobs: Iterable[Watched], top: Watched, at: float) -> None:
    """A later job started at a time, and these were seen waiting afterwards."""
    queue.found_started(top, at)
    for job in jobs:
        queue.found_waiting(job, at + 1.0)


def test_overtakings_break_the_trust() -> None:
    """If jobs are seen waiting after a later one started, the order isn't trusted."""
    queue, jobs = queued(50)
    assert queue.doubt == 1.0
    overtake(queue, jobs[:1], jobs[30], 5.0)
    assert not queue.is_trusted
    # A job that was overtaken leaves the queue order.
    assert jobs[0].position == -1
    assert queue.head is jobs[31]
    check(queue)
    queue.reset_evidence()
    assert queue.is_trusted


def test_a_long_order_outweighs_one_exception() -> None:
    """After many starts in order one overtaking is tolerated, but not many."""
    queue, jobs = queued(200)
    for number in range(60):
        queue.found_started(jobs[number], float(number))
        queue.found_started(jobs[number], float(number))  # seen again: in order
    assert queue.doubt < 0.2
    overtake(queue, jobs[60:61], jobs[100], 100.0)
    assert queue.is_trusted
    overtake(queue, jobs[61:90], jobs[100], 100.0)
    assert not queue.is_trusted


def test_an_older_answer_is_no_overtaking() -> None:
    """An answer from before the later job's start is no evidence against the order."""
    queue, jobs = queued(50)
    queue.found_started(jobs[30], 5.0)
    assert queue.found_waiting(jobs[40], 4.0)
    assert queue.found_waiting(jobs[35], 3.0)
    assert queue.is_trusted


def test_started_jobs_are_cut_off() -> None:
    """After thousands of starts few records are kept, and every position is still right."""
    queue, jobs = queued(6000)
    queue.found_started(jobs[0], 0.0)
    queue.found_waiting(jobs[1], 1.0)
    for number in range(1, 5990):
        assert queue.head is jobs[number]
        served = queue.slot_freed(float(number), number + 1.0)
        assert served is jobs[number]
    assert len(queue._jobs) < 3000
    assert len(queue) == 10
    assert [job.position for job in rest(queue)] == list(range(5990, 6000))
    picked = queue.sample(0.5)
    assert picked is not None
    assert picked.position > 5990
    # One that was cut off and is seen waiting can't be put back: it has been overtaken.
    assert not queue.found_waiting(jobs[3], 9000.0)
    assert jobs[3].position == -1
    late = Watched("late")
    queue.append(late)
    assert late.position == 6000
    check(queue)


def test_samples_are_spread_behind_the_head() -> None:
    """Never the head itself, and never a job that has left."""
    queue, jobs = queued(10)
    queue.found_waiting(jobs[0], 1.0)
    picked = [queue.sample(number / 9) for number in range(9)]
    assert [job.position for job in picked if job is not None] == list(range(1, 10))
    queue.leave(jobs[5])
    assert queue.sample(4 / 9) is None
    alone, _ = queued(1)
    assert alone.sample(0.0) is None


def test_an_empty_queue() -> None:
    """There is no head, nothing unknown, and no job to start."""
    queue = QueueOrder()
    assert queue.head is None
    assert not queue.is_open
    assert queue.slot_freed(0.0, 1.0) is None
    assert rest(queue) == []
    assert len(queue) == 0


@pytest.mark.parametrize("gone", [[0], [0, 1, 2], [4], [4, 5, 0], list(range(10))])
def test_jobs_that_leave_are_skipped(gone: list[int]) -> None:
    """From the front or the middle, they are neither head nor probe nor started."""
    queue, jobs = queued(10)
    for number in gone:
        queue.leave(jobs[number])
        check(queue)
    left = [job for number, job in enumerate(jobs) if number not in gone]
    assert rest(queue) == left
    for job in left:
        assert queue.head is job
        queue.found_waiting(job, 1.0)
        assert queue.slot_freed(2.0, 3.0) is job
        queue.waiting_at = -math.inf
    assert queue.head is None


def inferred(queue: QueueOrder, first: list[Watched]) -> list[Watched]:
    """All jobs that must have started: those returned at once, and the rest."""
    told = list(first)
    while queue.has_inferred:
        told += queue.inferred()
    return told


def test_very_many_inferred_starts_come_in_slices() -> None:
    """Each comes once, in order, in bounded slices."""
    queue, jobs = queued(3000)
    assert queue.inferred() == []
    queue.found_started(jobs[9], 1.0)
    queue.high = 2999
    first = queue.found_started(jobs[2500], 7.0)
    assert 0 < len(first) < 1000
    assert queue.low == 2500
    assert inferred(queue, first) == jobs[10:2500]
    assert {job.started_at for job in jobs[10:2500]} == {1.0}
    assert queue.inferred() == []
    check(queue)


def test_slices_respect_what_was_seen_meanwhile() -> None:
    """After one was seen waiting, those behind it are not inferred to have started."""
    queue, jobs = queued(3000)
    queue.high = 2999
    first = queue.found_started(jobs[2500], 7.0)
    assert queue.found_waiting(jobs[1000], 6.0)
    queue.leave(jobs[700])
    told = inferred(queue, first)
    assert told == [*jobs[:700], *jobs[701:1000]]
    assert queue.head is jobs[1000]
    check(queue)
    # Found again to have started, all before it have: none of them twice.
    queue.high = 2999
    again = inferred(queue, queue.found_started(jobs[2000], 8.0))
    assert again == jobs[1000:2000]


def test_jobs_yet_to_be_inferred_are_not_cut_off() -> None:
    """A queue of which most has started keeps those that `inferred` has yet to return."""
    queue, jobs = queued(3000)
    queue.high = 2999
    told = queue.found_started(jobs[2900], 7.0)
    for number in range(2901, 2904):
        told += queue.found_started(jobs[number], 8.0)
    assert inferred(queue, told) == jobs[:2900]
    queue.found_started(jobs[2904], 9.0)
    assert len(queue._jobs) < 1000


def test_waiting_jobs_in_slices() -> None:
    """From a position on, this many positions at a time, and where to continue."""
    queue, jobs = queued(100)
    queue.found_started(jobs[9], 1.0)
    queue.leave(jobs[20])
    assert queue.waiting_from(0, 20) == ([*jobs[10:20], *jobs[21:30]], 30)
    assert queue.waiting_from(30, 60) == (jobs[30:90], 90)
    assert queue.waiting_from(90, 60) == (jobs[90:], None)
