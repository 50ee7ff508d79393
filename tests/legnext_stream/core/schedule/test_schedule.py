"""Which job is polled when, in whole worlds: what the schedule promises."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule import Schedule
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.watched import BY_QUEUE, IN_TIMERS, Watched
from mockserver._world.durations import Fixed, PerType
from mockserver._world.limits import TokenBucket
from mockserver._world.scripts import Script
from mockserver._world.slots import Order
from mockserver._world.world import World
from tests.effort import examples
from tests.legnext_stream.core.schedule.support import FREELY, USUAL, Watch, pacing, watch

ORDERS: list[Order] = ["fifo", "random"]


def gaps(made: Watch) -> list[float]:
    """The seconds between two polls of the same job."""
    return [late - early for times in made.asked().values() for early, late in pairwise(times)]


def all_reported(made: Watch, jobs: int) -> bool:
    """Whether each job's true end was reported once."""
    ends = Counter(event.job_id for event in made.events if event.status.is_terminal)
    return len(ends) == jobs and set(ends.values()) == {1} and max(made.delays()) < math.inf


# -- News of all, in time


@pytest.mark.parametrize("tells_meta", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_every_end_is_reported(order: Order, *, tells_meta: bool) -> None:
    """In a fair queue and in an unfair one, with times in the answers and without."""
    made = watch(120, order=order, tells_meta=tells_meta).run()
    assert all_reported(made, 120)
    assert statistics.fmean(made.delays()) < 3.0
    assert len(made.sent) < 30 * 120


@pytest.mark.parametrize("tells_meta", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_no_running_job_is_neglected(order: Order, *, tells_meta: bool) -> None:
    """While the rate suffices, every running job is polled at least every `max_interval`."""
    # So dear that only the bound makes us ask.
    settings_ = pacing(poll_cost=1000.0, max_interval=20.0)
    made = watch(80, order=order, tells_meta=tells_meta, pacing=settings_).run()
    assert all_reported(made, 80)
    seen_running: dict[str, float] = {}
    told = {event.job_id: event.observed_at for event in made.events if event.status.is_terminal}
    for sent in made.sent:
        since = seen_running.get(sent.job_id)
        assert since is None or sent.at - since <= 20.0 + 2 * made.answer
        started_at = made.world.started_at(sent.job_id)
        if started_at is not None and sent.at >= started_at:
            seen_running[sent.job_id] = sent.at
    # A start is found out about through the end that made room for it, 20 s after that at most.
    assert made.neglect() <= 2 * 20.0
    assert set(told) == set(made.asked())


@pytest.mark.parametrize("rate", [0.5, 2.0])
@pytest.mark.parametrize(("order", "slots"), [("fifo", None), ("fifo", 12), ("random", 12)])
def test_no_job_starves_when_requests_are_scarce(
    order: Order, slots: int | None, rate: float
) -> None:
    """With far too few requests for all, each running job is polled every few rounds."""
    jobs = 100
    settings_ = pacing(max_rate=rate, initial_rate=rate)
    made = watch(jobs, order=order, slots=slots, pacing=settings_, timeout=None).run()
    assert all_reported(made, jobs)
    assert made.neglect() <= 4 * jobs / rate
    assert made.now * rate >= len(made.sent) - 1


def test_scarcity_has_its_price() -> None:
    """The price being paid is the set one while requests suffice, and more otherwise."""
    prices: list[float] = []

    def note(made: Watch, _: float) -> None:
        prices.append(made.tracker.price)

    watch(40, slots=None, each=note).run()
    assert prices[0] == FREELY.poll_cost
    assert statistics.median(prices) < 0.2
    prices.clear()
    watch(100, slots=None, pacing=pacing(max_rate=1.0), timeout=None, each=note).run()
    assert max(prices) > 1.0


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("least", [1.0, 5.0])
@pytest.mark.parametrize("cost", [0.001, 0.1, 10.0])
def test_no_job_is_polled_too_often(order: Order, least: float, cost: float) -> None:
    """There is always `min_interval` between two polls of a job, however cheap they are."""
    made = watch(50, slots=5, order=order, pacing=pacing(poll_cost=cost, min_interval=least)).run()
    assert all_reported(made, 50)
    assert min(gaps(made)) >= least


def test_no_failing_job_is_polled_too_often() -> None:
    """The same while requests fail."""

    def trouble(job_id: str, at: float) -> int:
        return 500 if hash_of(job_id, at) < 0.4 else 200

    made = watch(50, slots=5, pacing=pacing(min_interval=3.0), trouble=trouble).run()
    assert all_reported(made, 50)
    assert min(gaps(made)) >= 3.0


def hash_of(job_id: str, at: float) -> float:
    """A number in [0, 1) that depends on the request and on nothing else."""
    return World(round(at * 1000)).randomness.of(job_id).uniform("trouble")


@pytest.mark.parametrize("tells_date", [True, False])
@pytest.mark.parametrize("skew", [3600.0, -0.4])
def test_whatever_the_servers_clock_shows(skew: float, *, tells_date: bool) -> None:
    """A clock that is an hour ahead, or isn't shown at all, changes next to nothing."""
    made = watch(100, skew=skew, tells_date=tells_date).run()
    assert all_reported(made, 100)
    assert statistics.fmean(made.delays()) < 2.0
    assert len(made.sent) < 14 * 100
    for event in made.events:
        if event.status.is_terminal:
            earliest, latest = event.changed_between
            ended_at = made.world.ended_at(event.job_id)
            assert ended_at is not None
            assert earliest is None or earliest <= ended_at + 1e-6
            assert ended_at <= latest + 1e-6


@pytest.mark.parametrize("order", ORDERS)
def test_jobs_that_come_later(order: Order) -> None:
    """Jobs that are added to a running watch are followed like the others."""
    made = watch(40, slots=4, order=order)
    for _ in range(3):
        made.run(until=made.now + 60.0)
        made.add(made.world.add_jobs(15, at=made.now))
    made.run()
    assert all_reported(made, 40 + 3 * 15)
    assert statistics.fmean(made.delays()) < 3.0


def test_when_the_unfair_have_gone_new_jobs_are_trusted() -> None:
    """The order is distrusted only while the jobs that broke it are there."""
    made = watch(30, slots=4, order="random").run()
    assert made.tracker.active == 0
    before = len(made.sent)
    made.world._queue._waiting = type(World()._queue._waiting)()  # from now on fair
    made.add(made.world.add_jobs(100, at=made.now))
    made.run()
    assert all_reported(made, 130)
    assert len(made.sent) - before < 14 * 100


# -- What it costs


def test_a_dearer_request_is_made_less_often() -> None:
    """The higher the price, the fewer requests, on average over seeds."""
    costs = [0.05, 0.3, 2.0]
    asked = [
        statistics.fmean(
            len(watch(40, slots=6, seed=seed, pacing=pacing(poll_cost=cost)).run().sent)
            for seed in range(4)
        )
        for cost in costs
    ]
    assert asked == sorted(asked, reverse=True)
    assert asked[0] > 2 * asked[-1]


def test_requests_a_job_do_not_grow_with_the_queue() -> None:
    """Four times as many waiting jobs take no more than four times as many requests."""
    short = statistics.fmean(len(watch(200, seed=seed).run().sent) / 200 for seed in (1, 2))
    long = len(watch(800).run().sent) / 800
    assert long == pytest.approx(short, rel=0.1)
    assert long < 12


@pytest.mark.parametrize("order", ORDERS)
def test_the_same_again(order: Order) -> None:
    """In the same world the same requests are made, to the last bit."""
    runs = [watch(60, slots=6, order=order).run() for _ in range(2)]
    assert runs[0].sent == runs[1].sent
    assert runs[0].events == runs[1].events


@pytest.mark.parametrize("tells_date", [True, False])
def test_what_ended_yesterday_costs_one_request(*, tells_date: bool) -> None:
    """Jobs that ended before the watch began are polled about once."""
    world = World(1, slots=12, run_times=USUAL)
    job_ids = world.add_jobs(300, at=0.0)
    world.advance(math.inf)
    ends = sorted(world.ended_at(job_id) or 0.0 for job_id in job_ids)
    made = Watch(world, tells_date=tells_date)
    made.now = ends[270]
    made.add(job_ids)
    made.run()
    assert len([event for event in made.events if event.status.is_terminal]) == 300
    over = {job_id for job_id in job_ids if (world.ended_at(job_id) or 0.0) <= ends[270]}
    assert sum(sent.job_id in over for sent in made.sent) <= 1.1 * len(over)


# -- Trouble


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("code", [500, 0, 404])
@pytest.mark.parametrize("place", [0, 10])
def test_one_bad_job_does_not_delay_others(place: int, code: int, order: Order) -> None:
    """A job that can never be seen, at the head or further back, leaves the others as they were."""
    made = watch(40, slots=4, order=order, timeout=100.0)
    bad = list(made.world.job_ids())[place]
    made.trouble = lambda job_id, _: code if job_id == bad else 200
    made.run()
    ends = {event.job_id: event for event in made.events if event.status.is_terminal}
    verdict = JobStatus.NOT_FOUND if code == 404 else JobStatus.TIMED_OUT
    assert ends.pop(bad).status is verdict
    assert len(ends) == 39
    late = [event.observed_at - (made.world.ended_at(each) or 0.0) for each, event in ends.items()]
    assert statistics.fmean(late) < 3.0
    assert max(late) < 30.0
    assert sum(sent.job_id == bad for sent in made.sent) < 20


@pytest.mark.parametrize("code", [500, 503, 0])
@pytest.mark.parametrize("order", ORDERS)
def test_an_outage_of_minutes(order: Order, code: int) -> None:
    """Few requests are made during it, and everything is caught up within a minute."""
    made = watch(40, slots=4, order=order)
    made.trouble = lambda _, at: code if 30.0 < at < 330.0 else 200
    made.run()
    assert all_reported(made, 40)
    for event in made.events:
        if event.status.is_terminal:
            ended_at = made.world.ended_at(event.job_id) or 0.0
            assert event.observed_at <= max(ended_at, 330.0) + 60.0
    assert sum(30.0 < sent.at < 330.0 for sent in made.sent) <= 40 * 300 / 20
    assert statistics.fmean(made.delays()[-10:]) < 5.0


@pytest.mark.parametrize("order", ORDERS)
def test_a_head_that_is_always_refused(order: Order) -> None:
    """A job whose polls alone are answered 429 does not hold up the queue."""
    made = watch(30, slots=4, order=order, answer=2.0)
    head = next(iter(made.world.job_ids()))
    made.trouble = lambda job_id, at: 429 if job_id == head and at < 200.0 else 200
    made.run()
    assert all_reported(made, 30)
    assert len([e for e in made.events if e.status.is_terminal and e.observed_at < 190.0]) >= 4


def test_an_outage_from_the_first_moment() -> None:
    """The watch begins in it, when nothing is known, and catches up afterwards."""
    made = watch(40, slots=4)
    made.trouble = lambda _, at: 500 if at < 200.0 else 200
    assert all_reported(made.run(), 40)


@pytest.mark.parametrize("order", ORDERS)
def test_refused_polls_are_repeated(order: Order) -> None:
    """Jobs whose polls are refused are polled again as the pace allows; none is lost."""
    world = World(1, slots=8, order=order, run_times=USUAL)
    made = Watch(world, pacing=Pacing(), timeout=None, limit=TokenBucket(1.0, 2))
    made.add(world.add_jobs(60, at=0.0))
    made.run()
    assert all_reported(made, 60)
    assert 0 < sum(sent.code == 429 for sent in made.sent) <= 0.1 * len(made.sent)


@pytest.mark.parametrize("order", ORDERS)
def test_jobs_that_never_start_are_given_up(order: Order) -> None:
    """If nothing changes for the whole timeout, all waiting jobs are polled once more and given up."""
    world = World(1, slots=2, order=order)
    made = Watch(world, timeout=120.0)
    held = Script(["pending"], takes_slot=True)
    made.add([world.add_job(at=0.0, script=held) for _ in range(30)])
    made.run()
    assert {event.status for event in made.events} == {JobStatus.PENDING, JobStatus.TIMED_OUT}
    # That a job is there at all is news of it, too.
    stalled_at = 120.0 + max(
        event.observed_at for event in made.events if event.status is JobStatus.PENDING
    )
    assert stalled_at <= made.now < stalled_at + 5.0
    # An answer that is under way at that moment counts.
    last = {sent.job_id for sent in made.sent if sent.at >= stalled_at - 1.0}
    assert last == set(world.job_ids())


def test_no_job_is_scheduled_twice() -> None:
    """When trust ends while all waiting jobs are being polled, each is polled once."""
    schedule = Schedule(FREELY, Durations())
    jobs = [Watched(f"job-{number}") for number in range(20)]
    for job in jobs:
        schedule.add(0.0, job)
    schedule.poll_waiting(1.0)
    schedule.poll_waiting(1.0)
    assert schedule.next_due(1.0) <= 1.0
    taken = [schedule.take(1.0) for _ in range(len(jobs) // 2)]
    later, *others = sorted(taken, key=lambda job: job.position, reverse=True)
    schedule.running(2.0, later, 1.5, 0.0)
    for job in others:
        schedule.waiting(3.0, job, math.inf, 0.0)
    assert not schedule.queue.is_trusted
    asked = []
    while schedule.next_due(3.0) <= 3.0:
        asked.append(schedule.take(3.0))
    assert len(asked) == len(set(asked)) == len(jobs) - len(taken)


def crowd(count: int) -> tuple[Schedule, list[Watched]]:
    """A schedule of this many new jobs."""
    schedule, jobs = (
        Schedule(FREELY, Durations()),
        [Watched(f"job-{number}") for number in range(count)],
    )
    for job in jobs:
        schedule.add(0.0, job)
    return schedule, jobs


def scheduled(jobs: list[Watched]) -> int:
    """How many of these jobs don't wait in the queue order."""
    return sum(job.is_scheduled for job in jobs)


def polled_at_once(schedule: Schedule, now: float) -> list[Watched]:
    """The jobs that are polled within a moment; each call handles a bounded slice."""
    asked = []
    until = now + 1e-6
    while (at := schedule.next_due(now)) <= until:
        now = max(at, now)
        if schedule.next_due(now) <= now:
            asked.append(schedule.take(now))
    return asked


def test_polling_all_waiting_jobs_goes_in_slices() -> None:
    """However many wait, each is polled once, and no call takes long."""
    schedule, jobs = crowd(3000)
    schedule.poll_waiting(1.0)
    assert scheduled(jobs) <= 1000
    asked = polled_at_once(schedule, 1.0)
    assert len(asked) == len(jobs)
    assert set(asked) == set(jobs)


def test_leaving_the_queue_order_goes_in_slices() -> None:
    """When the order of very many jobs isn't trusted any more, each is polled in time."""
    schedule, jobs = crowd(6000)
    schedule.running(2.0, schedule.take(1.0), 1.5, 0.0)
    schedule.queue.found_started(jobs[2000], 1.5)
    jobs[2000].where = BY_QUEUE
    for number in range(1, 4):
        schedule.waiting(3.0, jobs[number], math.inf, 0.0)
    assert not schedule.queue.is_trusted
    assert scheduled(jobs) < 4000
    asked = polled_at_once(schedule, 5.0)
    waiting = {job for job in jobs if job.is_detached}
    assert waiting <= {*asked, *jobs[1:4]}
    assert schedule.queue.head is None


def test_very_many_inferred_starts_are_each_scheduled() -> None:
    """All jobs before one that is found running are polled once, in slices."""
    schedule, jobs = crowd(3000)
    schedule.queue.high = 2999
    schedule.running(2.0, jobs[2500], 1.5, 0.0)
    assert scheduled(jobs) < 2000
    asked = polled_at_once(schedule, 2.0)
    assert len(asked) == len(set(asked))
    assert set(asked) >= set(jobs[:2500])


def test_inferred_starts_leave_time_for_others() -> None:
    """While only jobs that are due later are left to be scheduled, `next_due` asks for a moment."""
    schedule, jobs = crowd(3000)
    schedule.queue.high = 2999
    schedule.queue.low_start = 1.5
    schedule.running(2.0, jobs[2500], 1.5, 0.0)
    schedule.queue.high = 2501
    jobs[2501].where = IN_TIMERS
    at, moments = schedule.next_due(2.0), 0
    while 2.0 < at < 2.0 + 1e-6:
        at, moments = schedule.next_due(at), moments + 1
    assert 1 < moments < 10
    assert at > 3.0
    assert all(job.is_scheduled for job in jobs[:2500])


def test_very_many_timers_at_once() -> None:
    """All jobs are polled, though not all looked at in one go."""
    schedule, jobs = crowd(3000)
    schedule.queue.low_start = 1.5
    schedule.queue.high = 2999
    schedule.running(2.0, jobs[2900], 1.5, 0.0)
    early = polled_at_once(schedule, 2.0)
    assert not set(early) & set(jobs[:2900])
    asked = polled_at_once(schedule, 1000.0)
    assert set(jobs[:2900]) <= set(asked)
    assert len(asked) == len(set(asked))


def test_a_job_that_hangs_is_given_up() -> None:
    """It is polled when its time is over, and given up; the queue moves on."""
    world = World(1, slots=2, run_times=USUAL)
    hangs = Script([("pending", 0.5), ("staged", 0.5), "processing"])
    made = Watch(world, timeout=200.0)
    made.add([world.add_job(at=0.0, script=hangs), *world.add_jobs(10, at=0.0)])
    made.run()
    verdicts = Counter(event.status for event in made.events if event.status.is_terminal)
    assert verdicts == {JobStatus.TIMED_OUT: 1, JobStatus.COMPLETED: 10}


@example(1, "fifo", None, 0.2, 5.0, 0.01, 0.3, [12, 0, 2, 3], "not told")
@examples(40)
@given(
    st.integers(0, 10**6),
    st.sampled_from(ORDERS),
    st.sampled_from([None, 1, 3, 12]),
    st.sampled_from([0.2, 1.0, 50.0, 1000.0]),
    st.sampled_from([5.0, 30.0, 600.0]),
    st.sampled_from([0.01, 0.1, 2.0, 15.0]),
    st.sampled_from([0.0, 0.3, 0.9]),
    st.lists(st.integers(0, 12), min_size=1, max_size=4),
    st.sampled_from(["told", "not told"]),
)
def test_anything_goes(
    seed: int,
    order: Order,
    slots: int | None,
    rate: float,
    timeout: float,
    answer: float,
    share: float,
    arrivals: list[int],
    meta: str,
) -> None:
    """In any world each job ends once, none is polled too often, and all can be explained."""
    codes = [500, 404, 503]

    def trouble(job_id: str, at: float) -> int:
        chance = hash_of(job_id, at + seed)
        return codes[int(chance * 1000) % 3] if chance < share else 200

    def look(made: Watch, now: float) -> None:
        check_explanations(made, now)
        left = made.tracker.time_left(now)
        assert left is not None
        assert 0.0 <= left.low <= left.middle <= left.high < math.inf

    world = World(seed, slots=slots, order=order, run_times=USUAL, failure_share=0.1)
    held = Script(["pending"], takes_slot=True)
    made = Watch(
        world,
        pacing=Pacing(max_rate=rate, min_interval=2.0),
        timeout=timeout,
        trouble=trouble,
        answer=answer,
        tells_meta=meta == "told",
        each=look,
    )
    jobs = 0
    for number in arrivals:
        job_ids = world.add_jobs(number, at=made.now)
        job_ids += [world.add_job(at=made.now, script=held) for _ in range(number // 4)]
        made.add(job_ids)
        jobs += len(job_ids)
        made.run(until=made.now + 40.0)
    made.run()
    ends = Counter(event.job_id for event in made.events if event.status.is_terminal)
    assert len(ends) == jobs
    assert set(ends.values()) <= {1}
    assert min(gaps(made), default=2.0) >= 2.0
    assert made.tracker.time_left() is None


def check_explanations(made: Watch, now: float) -> set[str]:
    """Check that each job has a sentence and finite numbers; return the sentences."""
    sentences = set()
    tracker = made.tracker
    for job_id in made.world.job_ids():
        if job_id not in tracker._members.jobs and job_id not in tracker._members.ended:
            continue
        told = tracker.explain(now, job_id)
        assert told.job_id == job_id
        assert len(told.sentence) > 20
        assert str(told) == f"{job_id}: {told.sentence}"
        assert all(math.isfinite(number) for number in told.numbers.values())
        assert told.due is None or math.isfinite(told.due)
        sentences.add(told.sentence)
    return sentences


def test_explanations() -> None:
    """Each state of a job has an explanation of its own."""
    said: set[str] = set()
    world = World(1, slots=4, run_times=USUAL)
    made = Watch(world, pacing=Pacing(max_rate=5.0))
    made.each = lambda made, now: said.update(check_explanations(made, now))
    job_ids = world.add_jobs(30, at=0.0)
    made.add(job_ids)
    made.trouble = lambda job_id, at: (
        500 if job_id == job_ids[0] and at < 60 else 404 if job_id == job_ids[1] else 200
    )
    made.run(until=200.0)
    for words in (
        "waits in the queue behind",
        "the API did not know it",
        "polls of it failed",
        "has run for",
        "has probably run for",
        "being polled at this moment",
        "it has ended",
    ):
        assert any(words in sentence for sentence in said), words
    with pytest.raises(KeyError):
        made.tracker.explain(200.0, "nobody")
    said.clear()
    late = watch(60, pacing=pacing(max_rate=1.0), tells_meta=False)
    late.now = 1000.0
    late.each = lambda made, now: said.update(check_explanations(made, now))
    late.run(until=1030.0)
    assert any("holds it back" in sentence for sentence in said)
    assert any("at an unknown time" in sentence for sentence in said)
    said.clear()
    unfair = watch(30, slots=4, order="random")
    unfair.each = lambda made, now: said.update(check_explanations(made, now))
    unfair.run(until=200.0)
    assert any("may start out of order" in sentence for sentence in said)


def test_types_are_told_apart() -> None:
    """Each type learns its own run times; a job without a type yet is like all of them."""
    types = {"shorten": Fixed(25.0), "video-diffusion": Fixed(240.0)}
    world = World(1, slots=6, run_times=PerType(types, otherwise=Fixed(25.0)))
    made = Watch(world)
    for turn in range(40):
        made.add([world.add_job(list(types)[turn % 2], at=0.0)])
    made.run()
    assert all_reported(made, 40)
    schedule = made.tracker._schedule
    job = Watched("new")
    medians = [schedule._rule.run_times(job).curve.quantile(0.5)]
    for name in types:
        job.task_type = name
        medians.append(schedule._rule.run_times(job).curve.quantile(0.5))
    assert medians[1] == pytest.approx(25.5, rel=0.1)
    assert medians[2] == pytest.approx(240.5, rel=0.1)
    assert medians[1] < medians[0] < medians[2]


def test_absurdly_many_types_are_not_kept() -> None:
    """The API can't fill the memory with names of types."""
    schedule = Schedule(FREELY, Durations())
    for number in range(1000):
        schedule.note_task_type(Watched(f"job-{number}"), f"type-{number}")
    assert len(schedule._rule._types) < 100
    nameless = Watched("nameless")
    schedule.note_task_type(nameless, None)
    assert nameless.task_type is None


def test_a_given_job_that_has_ended_needs_no_request() -> None:
    """It is reported at once; one that runs is followed from there."""
    made = watch(0)
    events = made.tracker.add(0.0, Job(job_id="done", status=JobStatus.COMPLETED))
    assert [event.job_id for event in events] == ["done"]
    assert made.tracker.time_left() is None
    job_id = made.world.add_job(at=0.0)
    assert made.tracker.add(0.0, Job(job_id=job_id, status=JobStatus.PENDING)) == []
    made.run()
    assert all_reported(made, 1)
