"""How the rate changes: climb, fall, recover, hold, probe."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.pace.growth import BETA, GAIN, MARGIN, MIN_RATE, Growth, Phase
from tests.effort import examples


def holding(ceiling: float = 10.0, max_rate: float = 100.0) -> Growth:
    """A rate that has returned to its ceiling."""
    growth = Growth(max_rate, ceiling)
    growth.settle(ceiling)
    growth.advance(100.0, 1.0, 0.05)
    assert growth.phase is Phase.HOLDING
    return growth


def probing(seconds: float, ceiling: float = 10.0) -> Growth:
    """A rate that has probed for this long, with an excess that doubles each second from 5 %."""
    growth = holding(ceiling)
    growth.probe()
    for _ in range(round(seconds * 20)):
        growth.advance(0.05, 1.0, 0.05)
    return growth


steps = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.floats(0, 500)),
        st.tuples(st.just("fall"), st.floats(0, 1e6) | st.just(math.inf)),
        st.tuples(st.sampled_from(["settle", "exact", "tell", "ease"]), st.floats(0, 1e6)),
        st.tuples(st.sampled_from(["probe", "give_up", "forget"]), st.just(0.0)),
    ),
    max_size=60,
)


@examples(200)
@given(steps, st.floats(0.1, 1000), st.floats(0.2, 100), st.floats(0.01, 1.0))
def test_bounds(
    script: list[tuple[str, float]], max_rate: float, doubling: float, step: float
) -> None:
    """Whatever happens, rate and ceiling stay above the least rate and within the highest."""
    growth = Growth(max_rate, max_rate / 2)
    for act, value in script:
        match act:
            case "advance":
                growth.advance(value, doubling, step)
            case "fall":
                growth.fall(value)
            case "settle" | "exact":
                growth.settle(value, exact=act == "exact")
            case "tell":
                growth.set_ceiling(value)
            case "ease":
                growth.ease(min(value, max_rate))
            case "probe" if growth.phase is Phase.HOLDING:
                growth.probe()
            case "give_up":
                growth.give_up_probe()
            case "forget":
                growth.forget()
            case _:
                pass
        assert MARGIN * min(MIN_RATE, max_rate / 2) <= growth.rate <= max_rate
        assert growth.ceiling is None or MIN_RATE <= growth.ceiling <= max(max_rate, MIN_RATE)


def test_it_climbs_by_doubling() -> None:
    """Without a ceiling the rate doubles in each doubling time, up to the highest."""
    growth = Growth(100.0, 10.0)
    growth.advance(2.0, 1.0, 0.05)
    assert growth.rate == pytest.approx(40.0)
    growth.advance(2.0, 1.0, 0.05)
    assert growth.rate == 100.0
    assert growth.phase is Phase.CLIMBING


def test_it_falls_from_what_was_achieved() -> None:
    """A decrease starts from the admitted rate, not from one that was only allowed."""
    growth = Growth(100.0, 80.0)
    growth.fall(20.0)
    assert growth.rate == pytest.approx(20.0 * BETA)
    assert growth.ceiling == pytest.approx(20.0)
    assert growth.phase is Phase.RECOVERING


@given(st.floats(0.01, 100))
def test_it_returns_concavely(ceiling: float) -> None:
    """The recovery becomes ever slower, and ends just below the ceiling."""
    growth = Growth(100.0, ceiling)
    growth.fall(ceiling)
    span = max(2.0, 10 / (MARGIN * ceiling))
    rates = [growth.rate]
    for _ in range(100):
        growth.advance(span / 100, 1.0, 0.05)
        rates.append(growth.rate)
    gains = [after - before for before, after in pairwise(rates)]
    assert all(gain >= -1e-9 for gain in gains)
    assert all(late <= early + 1e-9 * ceiling for early, late in pairwise(gains))
    growth.advance(span, 1.0, 0.05)
    assert growth.phase is Phase.HOLDING
    assert growth.rate == pytest.approx(MARGIN * ceiling)


def test_a_probe_starts_small_and_doubles() -> None:
    """The excess over the ceiling begins with the first step and doubles while nothing is refused."""
    assert probing(0.05).rate == pytest.approx(10.0 * 1.05, rel=0.01)
    assert probing(2.0).rate == pytest.approx(10.0 * 1.2, rel=0.01)
    assert probing(5.0).rate == pytest.approx(10.0 * 2.6, rel=0.01)


def test_a_probe_that_is_never_refused_ends_all_limits() -> None:
    """After a while at the highest rate the ceiling is forgotten."""
    growth = probing(12.0)
    assert growth.rate == growth.max_rate
    assert growth.ceiling is None
    assert growth.phase is Phase.CLIMBING


def test_a_probe_refused_early_keeps_the_ceiling_and_raises_it_a_little() -> None:
    """Saved-up tokens explain a small excess, but what was accepted counts a little."""
    growth = probing(1.0)
    growth.fall(11.0)
    assert growth.ceiling == pytest.approx(10.0)
    growth.settle(9.0)
    assert growth.ceiling == pytest.approx(10.0 * (1 + GAIN))
    growth.settle(9.0, exact=True)
    assert growth.ceiling == pytest.approx(9.0)


def test_a_plateau_refused_is_lowered_a_little() -> None:
    """A refusal on the plateau lowers the ceiling a little, unless the estimate says more."""
    growth = holding(10.0)
    growth.fall(10.0)
    growth.settle(5.0)
    assert growth.ceiling == pytest.approx(MARGIN * 10.0, rel=2 * GAIN)


def test_a_refusal_on_the_way_back_lowers_the_ceiling() -> None:
    """Refused below the ceiling: the limit has fallen."""
    growth = holding(10.0)
    growth.fall(10.0)
    growth.fall(10.0)
    assert growth.ceiling == pytest.approx(MARGIN * 10.0 * BETA)
    growth.settle(3.0)
    assert growth.ceiling == pytest.approx(3.0)


def test_a_probe_that_went_far_has_found_a_new_limit() -> None:
    """Many requests far above the ceiling can't be saved-up tokens: the limit has risen."""
    growth = probing(6.0)
    assert growth.found_room
    growth.fall(30.0)
    assert growth.ceiling == pytest.approx(30.0)


def test_a_misled_probe_learns_how_deep_the_bucket_is() -> None:
    """If the cycle then shows the old limit, an equally long probe shows nothing next time."""
    growth = probing(5.0)
    growth.fall(25.0)
    growth.settle(10.0)
    growth.advance(100.0, 1.0, 0.05)
    growth.probe()
    for _ in range(100):
        growth.advance(0.05, 1.0, 0.05)
    assert not growth.found_room


def test_a_rise_that_is_confirmed_is_not_held_against_probes() -> None:
    """If the estimate shows the new limit, the next long probe counts too."""
    risen = probing(6.0)
    depth = risen._depth
    risen.fall(30.0)
    risen.settle(25.0)
    assert risen._depth == depth


def test_easing_leaves_the_ceiling() -> None:
    """Trouble lowers the rate, but not the ceiling."""
    free = Growth(100.0, 50.0)
    free.ease(1.0)
    assert free.rate == pytest.approx(50.0 * BETA)
    assert free.ceiling is None
    for growth in (holding(), probing(2.0)):
        growth.ease(1.0)
        assert growth.rate == pytest.approx(MARGIN * 10.0 * BETA)
        assert growth.ceiling == 10.0
        assert growth.phase is Phase.RECOVERING
    low = holding()
    low.ease(9.0)
    assert low.rate == 9.0


def test_a_stated_limit_is_the_ceiling() -> None:
    """It becomes the ceiling without a fall; stated again, it changes nothing."""
    growth = Growth(100.0, 5.0)
    growth.set_ceiling(20.0)
    assert (growth.ceiling, growth.rate) == (20.0, 5.0)
    growth.advance(100.0, 1.0, 0.05)
    growth.set_ceiling(20.0)
    assert growth.rate == pytest.approx(MARGIN * 20.0)
    probe = probing(1.0)
    probe.set_ceiling(10.0)
    assert probe.phase is Phase.HOLDING
    assert probe.rate == pytest.approx(MARGIN * 10.0)


def test_forgetting() -> None:
    """Without a ceiling the rate climbs again."""
    growth = holding()
    growth.forget()
    growth.advance(1.0, 1.0, 0.05)
    assert growth.ceiling is None
    assert growth.phase is Phase.CLIMBING
    assert growth.rate == pytest.approx(2 * MARGIN * 10.0)


def test_only_a_probe_is_given_up() -> None:
    """Giving up returns to the plateau, and does nothing in any other phase."""
    growth = probing(3.0)
    growth.give_up_probe()
    assert growth.phase is Phase.HOLDING
    assert growth.rate == pytest.approx(MARGIN * 10.0)
    fallen = Growth(100.0, 50.0)
    fallen.fall(40.0)
    fallen.give_up_probe()
    assert fallen.phase is Phase.RECOVERING
