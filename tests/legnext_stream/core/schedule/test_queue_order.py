"""The line against a world in which jobs do start in the order of their submission, and others."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.queue_order import Line
from legnext_stream._core.watched import Watched
from tests.effort import examples


def lined_up(count: int) -> tuple[Line, list[Watched]]:
    """A line of new jobs."""
    line, jobs = Line(), [Watched(f"job-{number}") for number in range(count)]
    for job in jobs:
        line.append(job)
    return line, jobs


def rest(line: Line) -> list[Watched]:
    """All that wait, in order."""
    waiting, more = line.rest()
    assert more is None
    return waiting


def check(line: Line) -> None:
    """What must hold of any line at any time."""
    head = line.head
    assert head is None or head.is_waiting
    assert head is None or head.position == line.low + 1
    assert line.high >= line.low + 1
    assert len(line) >= len(rest(line))
    assert all(job.position > line.low for job in rest(line))
    assert not line.is_open or line.probe().is_waiting


@attrs.define
class Fifo:
    """A world that starts jobs in order: the first `started` ones, at `times`.

    Attributes:
        jobs: All jobs, in the order of their submission.
        started: How many have started.
    """

    line: Line
    jobs: list[Watched]
    started: int = 0
    now: float = 0.0
    times: list[float] = attrs.field(factory=list)
    found: set[str] = attrs.field(factory=set)

    def begin(self, count: int) -> None:
        """So many start now, unseen."""
        for _ in range(min(count, len(self.jobs) - self.started)):
            self.started += 1
            self.times.append(self.now)

    def look(self, job: Watched) -> None:
        """Ask about a job and tell the line."""
        if job.position < 0:
            # It has left: of such a job the line is not told.
            return
        if job.position < self.started:
            self.found.add(job.job_id)
            self.line.started(job, self.times[job.position])
            self.line.serve_kept()
        else:
            assert self.line.waits(job, self.now)
            self.line.serve_kept()

    def search(self) -> int:
        """Ask until the line has nothing open; return how many requests that took."""
        requests = 0
        while self.line.is_open:
            self.look(self.line.probe())
            requests += 1
            assert requests < 1000
        return requests

    def check(self) -> None:
        """Nobody who was found started is believed to wait."""
        check(self.line)
        assert not any(job.is_waiting for job in self.jobs if job.job_id in self.found)


def fifo(count: int, started: int = 0) -> Fifo:
    """A world of so many jobs of which the first ones have started."""
    line, jobs = lined_up(count)
    world = Fifo(line, jobs)
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
    """Whatever is asked in whatever order, no start that was found is doubted, and the order holds."""
    world = fifo(0)
    line = world.line
    for act, number in script:
        world.now += 1.0
        match act:
            case "append":
                for _ in range(number):
                    job = Watched(f"job-{len(world.jobs)}")
                    world.jobs.append(job)
                    line.append(job)
            case "begin":
                world.begin(number)
            case "end":
                world.begin(1)
                line.serve(world.now - number, world.now)
            case "probe" if line.is_open:
                world.look(line.probe())
            case "head" if line.head is not None:
                world.look(line.head)
            case "look" if world.jobs:
                world.look(world.jobs[number % len(world.jobs)])
            case "leave" if world.jobs:
                line.leave(world.jobs[number % len(world.jobs)])
            case _:
                pass
        world.check()
        assert line.order_holds
    # Asking the head until it waits brings the line to the truth, whatever came before.
    while (head := line.head) is not None and head.position < world.started:
        world.look(head)
        world.search()
    assert all(job.position >= world.started for job in rest(line))


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_frontier_is_found_in_few_requests(count: int, share: float) -> None:
    """Of N jobs the first that waits is found in about 2 log2(N) requests."""
    started = round(count * share)
    world = fifo(count, started)
    assert world.search() <= 2 * math.log2(count) + 3
    assert world.line.low == started - 1
    assert [job.position for job in rest(world.line)] == list(range(started, count))


@given(st.integers(2, 300), st.integers(1, 20))
def test_each_end_serves_exactly_the_head(count: int, slots: int) -> None:
    """Once the head is known, each end starts just it, and not one request is needed."""
    world = fifo(count, min(slots, count))
    world.search()
    for _ in range(count):
        world.now += 1.0
        head = world.line.head
        world.begin(1)
        served = world.line.serve(world.now - 0.5, world.now)
        assert served is head
        if served is not None:
            assert served.position == world.started - 1
            assert served.started_at == world.now - 0.5
        world.check()
    assert world.line.head is None
    assert len(world.line) == 0


def test_an_end_before_the_head_was_seen_waiting_serves_nobody() -> None:
    """The slot that came free was taken before we looked."""
    world = fifo(10, 3)
    world.search()
    assert world.line.serve(-5.0, world.now) is None
    served = world.line.serve(-5.0, world.now + 1.0)
    assert served is world.jobs[3]
    assert world.jobs[3].started_at == world.now


def test_slots_that_come_free_during_the_search_are_kept() -> None:
    """Ends seen while the head isn't known serve those that turn out to be at the front."""
    world = fifo(100, 10)
    line = world.line
    world.look(line.probe())
    assert line.serve(4.0, 5.0) is None
    assert line.serve(3.0, 4.0) is None
    assert line.serve_kept() == []
    while line.is_open:
        job = line.probe()
        if job.position < 10:
            line.started(job, 0.0)
        else:
            line.waits(job, 2.0)
    served = line.serve_kept()
    assert [job.position for job in served] == [10, 11]
    assert [job.started_at for job in served] == [3.0, 4.0]
    assert line.serve_kept() == []


def test_between_two_starts_all_have_started() -> None:
    """A start found further on tells of all before it; their starts are bounded from below."""
    line, jobs = lined_up(10)
    line.started(jobs[0], 5.0)
    between = line.started(jobs[1], 6.0) + line.started(jobs[4], 7.0)
    assert [job.position for job in between] == [2, 3]
    assert [job.started_at for job in between] == [6.0, 6.0]
    assert line.low == 4


def test_a_straggler_is_the_head_again() -> None:
    """One believed to have started that waits after all: the slot was not for it."""
    world = fifo(10, 3)
    world.search()
    world.now = 5.0
    served = world.jobs[3]
    assert world.line.serve(4.0, 5.0) is served
    world.now = 6.0
    assert world.line.waits(served, world.now)
    assert world.line.head is served
    assert not world.line.is_open
    assert world.line.order_holds
    # It starts at last, and the line moves on past whoever was believed started meanwhile.
    assert world.line.serve(6.0, 7.0) is served
    assert world.line.head is world.jobs[4]


def test_a_start_beyond_the_waiting_opens_the_line() -> None:
    """Found started behind one that was seen waiting: order broken or much unseen; ask the head."""
    world = fifo(50, 3)
    world.search()
    assert world.line.started(world.jobs[20], 9.0) == []
    assert world.line.is_open
    assert world.line.probe() is world.line.head
    # If all before it have started, too, nothing speaks against the order.
    world.now = 10.0
    world.begin(18)
    world.search()
    assert world.line.low == 20
    assert world.line.order_holds


def overtake(line: Line, jobs: Iterable[Watched], top: Watched, at: float) -> None:
    """A later job started at a time, and these were seen waiting afterwards."""
    line.started(top, at)
    for job in jobs:
        line.waits(job, at + 1.0)


def test_overtakings_break_the_trust() -> None:
    """Jobs seen waiting after a later one started: the order is believed no more."""
    line, jobs = lined_up(50)
    assert line.doubt == 1.0
    overtake(line, jobs[:1], jobs[30], 5.0)
    assert not line.order_holds
    # The overtaken is nothing that the line can speak for.
    assert jobs[0].position == -1
    assert line.head is jobs[31]
    check(line)
    line.trust_again()
    assert line.order_holds


def test_a_long_order_outweighs_one_exception() -> None:
    """After many starts in order, one overtaking is an exception; many are the rule."""
    line, jobs = lined_up(200)
    for number in range(60):
        line.started(jobs[number], float(number))
        line.started(jobs[number], float(number))  # seen again: in order
    assert line.doubt < 0.2
    overtake(line, jobs[60:61], jobs[100], 100.0)
    assert line.order_holds
    overtake(line, jobs[61:90], jobs[100], 100.0)
    assert not line.order_holds


def test_a_late_look_is_no_overtaking() -> None:
    """An answer from before the later one's start says nothing against the order."""
    line, jobs = lined_up(50)
    line.started(jobs[30], 5.0)
    assert line.waits(jobs[40], 4.0)
    assert line.waits(jobs[35], 3.0)
    assert line.order_holds


def test_served_jobs_are_cut_off() -> None:
    """After thousands of starts little is kept of them, and every position is still right."""
    line, jobs = lined_up(6000)
    line.started(jobs[0], 0.0)
    line.waits(jobs[1], 1.0)
    for number in range(1, 5990):
        assert line.head is jobs[number]
        served = line.serve(float(number), number + 1.0)
        assert served is jobs[number]
    assert len(line._jobs) < 3000
    assert len(line) == 10
    assert [job.position for job in rest(line)] == list(range(5990, 6000))
    picked = line.pick(0.5)
    assert picked is not None
    assert picked.position > 5990
    # One that was cut off and is seen waiting can't be put back: it has been overtaken.
    assert not line.waits(jobs[3], 9000.0)
    assert jobs[3].position == -1
    late = Watched("late")
    line.append(late)
    assert late.position == 6000
    check(line)


def test_picks_are_spread_behind_the_head() -> None:
    """A sample is taken anywhere behind the head, never the head itself, never one that has left."""
    line, jobs = lined_up(10)
    line.waits(jobs[0], 1.0)
    picked = [line.pick(number / 9) for number in range(9)]
    assert [job.position for job in picked if job is not None] == list(range(1, 10))
    line.leave(jobs[5])
    assert line.pick(4 / 9) is None
    alone, _ = lined_up(1)
    assert alone.pick(0.0) is None


def test_an_empty_line() -> None:
    """With nobody in it there is no head, nothing open, nobody to serve."""
    line = Line()
    assert line.head is None
    assert not line.is_open
    assert line.serve(0.0, 1.0) is None
    assert rest(line) == []
    assert len(line) == 0


@pytest.mark.parametrize("gone", [[0], [0, 1, 2], [4], [4, 5, 0], list(range(10))])
def test_whoever_leaves_is_passed_over(gone: list[int]) -> None:
    """Jobs that leave, from the front or the midst, are neither head nor probed nor served."""
    line, jobs = lined_up(10)
    for number in gone:
        line.leave(jobs[number])
        check(line)
    left = [job for number, job in enumerate(jobs) if number not in gone]
    assert rest(line) == left
    for job in left:
        assert line.head is job
        line.waits(job, 1.0)
        assert line.serve(2.0, 3.0) is job
        line.waiting_at = -math.inf
    assert line.head is None


def believed(line: Line, first: list[Watched]) -> list[Watched]:
    """All that are told to have started, the first ones and what comes afterwards."""
    told = list(first)
    while line.has_untold:
        told += line.believed()
    return told


def test_a_start_that_tells_of_very_many_is_told_in_slices() -> None:
    """Each of them comes once, in order, in slices that keep nobody waiting; then there is no more."""
    line, jobs = lined_up(3000)
    assert line.believed() == []
    line.started(jobs[9], 1.0)
    line.high = 2999
    first = line.started(jobs[2500], 7.0)
    assert 0 < len(first) < 1000
    assert line.low == 2500
    assert believed(line, first) == jobs[10:2500]
    assert {job.started_at for job in jobs[10:2500]} == {1.0}
    assert line.believed() == []
    check(line)


def test_what_is_told_in_slices_heeds_what_was_seen_meanwhile() -> None:
    """One that is seen waiting brings the line back: nobody behind it is believed to have started."""
    line, jobs = lined_up(3000)
    line.high = 2999
    first = line.started(jobs[2500], 7.0)
    assert line.waits(jobs[1000], 6.0)
    line.leave(jobs[700])
    told = believed(line, first)
    assert told == [*jobs[:700], *jobs[701:1000]]
    assert line.head is jobs[1000]
    check(line)
    # Found again to have started, all before it have: none of them twice.
    line.high = 2999
    again = believed(line, line.started(jobs[2000], 8.0))
    assert again == jobs[1000:2000]


def test_what_is_still_to_be_told_is_not_cut_off() -> None:
    """A line of which most was served keeps those who have not been told of it."""
    line, jobs = lined_up(3000)
    line.high = 2999
    told = line.started(jobs[2900], 7.0)
    for number in range(2901, 2904):
        told += line.started(jobs[number], 8.0)
    assert believed(line, told) == jobs[:2900]
    line.started(jobs[2904], 9.0)
    assert len(line._jobs) < 1000


def test_the_rest_can_be_had_in_slices() -> None:
    """From a position on, so many positions at a time, and where to go on."""
    line, jobs = lined_up(100)
    line.started(jobs[9], 1.0)
    line.leave(jobs[20])
    assert line.rest(0, 20) == ([*jobs[10:20], *jobs[21:30]], 30)
    assert line.rest(30, 60) == (jobs[30:90], 90)
    assert line.rest(90, 60) == (jobs[90:], None)
