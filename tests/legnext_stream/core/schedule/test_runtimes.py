"""Learned run times: what is counted, what fades, and what the answers promise."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.curve import OLDEST, Curve
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.schedule.shapes import BINS, bin_of
from tests.legnext_stream.core.schedule.learning import (
    SLOWER,
    ages,
    bell,
    fed,
    looks,
    overlap,
    prices,
    watched,
    wild,
)


@SLOWER
@given(
    st.lists(st.tuples(st.booleans(), ages, ages), max_size=40),
    st.sampled_from([3.0, 20.0, 80.0, math.inf]),
)
def test_counts_are_the_weighted_sums_over_all_observations(
    observations: list[tuple[bool, float, float]], memory: float
) -> None:
    """Ends and exposures equal brute-force sums, in which each end has faded earlier ones."""
    learned, start = RunTimes(30, 90, memory=memory), RunTimes(30, 90)
    ends, lived = list(start._ends), list(start._lived)
    weight_before = learned._weight
    for ended, *two in observations:
        since, until = sorted(two)
        if ended:
            learned.ended(since, until)
            # How much was forgotten is the learner's choice; that all fades alike is its promise.
            fade = weight_before / learned._weight
            assert fade <= 1.0
            weight_before = learned._weight
            ends, lived = [n * fade for n in ends], [n * fade for n in lived]
            ends[bin_of(until)] += 1.0
        else:
            learned.survived(since, until)
        lived = [n + overlap(i, since, until) for i, n in enumerate(lived)]
    assert [n / learned._weight for n in learned._ends] == pytest.approx(ends)
    assert [n / learned._weight for n in learned._lived] == pytest.approx(lived)


def test_an_unsurprising_job_fades_the_older_ones_by_its_share_of_the_memory() -> None:
    """What was seen k ended jobs ago has the weight (1 - 1/memory) to the power k."""
    learned = RunTimes(30, 90, memory=50)
    rng = random.Random(1)
    for count in range(1, 30):
        watched(learned, bell(rng, 52.0, 0.33), 1)
        assert learned._weight == pytest.approx((1 - 1 / 50) ** -count)


def test_weights_start_again_before_they_overflow() -> None:
    """After many jobs the counts are scaled down, and nothing else changes."""
    learned = RunTimes(30, 90, memory=2)
    watched(learned, bell(random.Random(2)), 200)
    assert learned._weight <= 1e12
    # One job in two is forgotten at each end: the counts of a memory of two sum to two.
    assert sum(learned._ends) / learned._weight == pytest.approx(2.0, rel=1e-6)


def test_survival_is_that_of_kaplan_and_meier() -> None:
    """With much data, censored and late-entering jobs included, it equals the product limit."""
    rng = random.Random(3)
    draw = bell(rng)
    learned = RunTimes(30, 90, memory=math.inf)
    seen: list[tuple[float, float, bool]] = []
    while len(seen) < 3000:
        entry, exit_, end = rng.uniform(0, 40), rng.uniform(20, 120), draw()
        if entry >= min(end, exit_):
            continue
        seen.append((entry, min(end, exit_), end <= exit_))
    for entry, until, ended in seen:
        if ended:
            learned.ended(entry, until)
        else:
            learned.survived(entry, until)
    limit, alive = {}, 1.0
    for until in sorted(until for _, until, ended in seen if ended):
        alive *= 1 - 1 / sum(entry < until <= leaves for entry, leaves, _ in seen)
        limit[until] = alive
    for age in range(20, 90, 5):
        reached = [until for until in limit if until <= age]
        exact = limit[max(reached)] if reached else 1.0
        assert learned.curve.survival(age) == pytest.approx(exact, abs=0.03)


def test_running_jobs_are_counted_as_censored() -> None:
    """With fast jobs ended and slow ones still running, the slow ones count."""
    learned = RunTimes(30, 90)
    for _ in range(30):
        learned.ended(0, 20)
        learned.survived(0, 25)
    assert learned.curve.survival(25) == pytest.approx(0.5, abs=0.08)


def test_a_job_first_seen_late_says_nothing_of_the_time_before() -> None:
    """Left truncation: jobs found running at 60 s don't change earlier ages."""
    learned, untouched = RunTimes(30, 90, memory=math.inf), RunTimes(30, 90, memory=math.inf)
    for _ in range(40):
        learned.ended(60, 80)
    place = bin_of(60)
    assert learned._ends[:place] == untouched._ends[:place]
    assert learned._lived[:place] == untouched._lived[:place]


@pytest.mark.parametrize("every", [None, 5.0, 15.0])
def test_intervals_teach_what_exact_ends_teach(every: float | None) -> None:
    """Ends known to lie between two polls give the same median and 90th percentile."""
    learned = RunTimes(30, 90, memory=math.inf)
    watched(learned, bell(random.Random(4)), 600, exact=False, every=every)
    assert learned.curve.quantile(0.5) == pytest.approx(45, rel=0.05)
    assert learned.curve.quantile(0.9) == pytest.approx(45 * math.exp(0.25 * 1.2816), rel=0.08)


def test_a_vague_end_changes_nothing() -> None:
    """An end somewhere within hours doesn't reinforce the estimate."""
    learned = RunTimes(30, 90)
    assert learned.curve.quantile(0.5) > 0  # asking may improve the fit, so ask first
    before = learned.state()
    for _ in range(100):
        learned.ended(0, 0, 80_000)
    assert learned.state() == before


def test_two_kinds_of_jobs_are_both_seen() -> None:
    """Early failures and slow jobs appear beside the bell, with a gap between."""
    rng = random.Random(5)

    def takes() -> float:
        lot = rng.random()
        if lot < 0.05:
            return rng.uniform(0, 5)
        return rng.lognormvariate(math.log(225 if lot < 0.15 else 45), 0.25)

    learned = RunTimes(30, 90, memory=300)
    watched(learned, takes, 900)
    curve = learned.curve
    assert 1 - curve.survival(5) == pytest.approx(0.05, abs=0.03)
    assert curve.survival(110) == pytest.approx(0.10, abs=0.05)
    assert curve.rate[bin_of(120)] < curve.rate[bin_of(60)] / 5
    assert curve.rate[bin_of(120)] < curve.rate[bin_of(230)]


def test_the_published_range_is_outweighed_by_a_few_tens_of_jobs() -> None:
    """A range that is wrong by a factor of three is off by a tenth after thirty jobs."""
    for median in (20.0, 180.0):
        learned = RunTimes(30, 90)
        watched(learned, bell(random.Random(6), median), 30)
        assert learned.curve.quantile(0.5) == pytest.approx(median, rel=0.12)


@pytest.mark.parametrize(("before", "after"), [(45.0, 90.0), (90.0, 45.0)])
def test_a_doubling_is_followed_within_tens_of_jobs(before: float, after: float) -> None:
    """Sixty jobs after run times doubled or halved, the median is within a tenth."""
    rng = random.Random(7)
    learned = RunTimes(30, 90)
    watched(learned, bell(rng, before), 400)
    watched(learned, bell(rng, after), 60)
    assert learned.curve.quantile(0.5) == pytest.approx(after, rel=0.1)


def test_a_hanging_job_is_polled_more_and_more_rarely() -> None:
    """Far beyond all run times that were seen, the interval grows."""
    learned = RunTimes(30, 90)
    watched(learned, bell(random.Random(8)), 200)
    hanging = learned.wait(300, 0.1)
    assert hanging < 30
    assert hanging < learned.wait(1000, 0.1) < learned.wait(4000, 0.1)
    age, requests = 100.0, 0
    while age < 3600:
        wait = max(learned.wait(age, 0.1), 1.0)
        learned.survived(age, age + wait)
        age, requests = age + wait, requests + 1
    assert requests < 400
    # And the one that hung is no reason to look late for the others.
    assert learned.wait(45, 0.1) < 4


def test_first_polls_are_spread_while_little_is_known() -> None:
    """Early on, first polls differ by turn; later all are where the price rule has them."""
    learned = RunTimes(30, 90)
    first = [learned.first_wait(0.1, turn) for turn in range(50)]
    assert max(first) <= learned.wait(0, 0.1)
    assert min(first) < max(first) / 2
    watched(learned, bell(random.Random(9)), 60)
    assert learned.first_wait(0.1, 7) == pytest.approx(learned.wait(0, 0.1), rel=1e-3)


@SLOWER
@given(
    wild,
    wild,
    wild,
    st.lists(st.tuples(st.booleans(), wild, wild, wild), max_size=30),
    wild,
    wild,
)
def test_nothing_absurd_gives_an_absurd_answer(
    low: float,
    high: float,
    memory: float,
    observations: list[tuple[bool, float, float, float]],
    age: float,
    price: float,
) -> None:
    """Whatever numbers come, every answer is finite and within its range."""
    learned = RunTimes(low, high, memory=memory)
    for ended, *three in observations:
        if ended:
            learned.ended(*three)
        else:
            learned.survived(*three[:2])
    curve = learned.curve
    for seconds in (
        learned.wait(age, price),
        learned.first_wait(price, len(observations)),
        curve.expected_undetected(age, price),
        curve.mean_residual(age),
        curve.quantile(price),
    ):
        assert 0.0 <= seconds <= OLDEST
    assert 0.0 <= curve.survival(age) <= 1.0
    RunTimes.from_state(json.loads(json.dumps(learned.state())))


@SLOWER
@given(looks, st.sampled_from([5.0, 80.0, math.inf]), ages, prices)
def test_state_survives_json(
    observations: list[tuple[bool, float, float, float]], memory: float, age: float, price: float
) -> None:
    """A state written and read again is the same state, and gives the same answers."""
    learned = fed(observations, memory)
    state = learned.state()
    again = RunTimes.from_state(json.loads(json.dumps(state)))
    assert again.state() == state
    assert again.ended_jobs == learned.ended_jobs
    learned._curve = None
    assert again.wait(age, price) == pytest.approx(learned.wait(age, price), rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"ends": [1.0]},
        {"lived": [-1.0] * BINS},
        {"ends": [math.nan] * BINS},
        {"ends": None},
        {"memory": "long"},
        {"memory": 0.5},
        {"shape": [1]},
        {"surprise": [math.inf, 0.0]},
        {"ended": math.inf},
    ],
)
def test_a_malformed_state_is_refused(change: dict[str, object]) -> None:
    """A foreign, malformed or newer state raises ValueError and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        RunTimes.from_state({**RunTimes(30, 90).state(), **change})


def test_it_is_small() -> None:
    """Some tens of kilobytes a type in memory, and a few as JSON, however much was learned."""
    learned = RunTimes(30, 90)
    watched(learned, bell(random.Random(10)), 300)
    curve = learned.curve
    tables = [learned._ends, learned._lived, curve.rate, curve.stays, curve.spent, curve.gone]
    assert sum(len(table) for table in tables) < 800
    assert len(learned._from_start) <= 2
    assert len(json.dumps(learned.state())) < 5_000


@pytest.mark.parametrize(
    ("among", "looks"), [(1, 16), (16, 16), (64, 64), (128, 128), (10**6, 128)]
)
def test_among_many_jobs_each_poll_counts_less(among: int, looks: int) -> None:
    """The estimate is renewed about as often as all running jobs have been polled."""
    learned = RunTimes(30, 90)
    watched(learned, bell(random.Random(10)), 300)
    curves: list[Curve] = []
    for _ in range(10 * looks):
        learned.survived(0.0, 1.0, among=among)
        if not curves or curves[-1] is not learned.curve:
            curves.append(learned.curve)
    assert 10 <= len(curves) <= 12


def test_the_wait_from_the_start_is_cached_for_each_estimate() -> None:
    """It equals `wait`, before and after more was learned."""
    learned = RunTimes(30, 90)
    for _ in range(40):
        assert learned.wait_from_start(0.1) == learned.wait(0.0, 0.1)
        assert learned.wait_from_start(2.0) == learned.wait(0.0, 2.0)
        learned.ended(0.0, 50.0)
