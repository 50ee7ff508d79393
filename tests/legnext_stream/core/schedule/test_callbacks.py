"""How far callbacks are relied on: as far as they come."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.callbacks import Callbacks


def after(ends: str) -> float:
    """The doubt after ends reported in time (`t`), too late (`l`), or seen first by a poll (`f`)."""
    callbacks, now = Callbacks(), 0.0
    for number, what in enumerate(ends):
        now += 10.0
        if what == "f":
            callbacks.poll_came_first(now, f"job-{number}")
        else:
            callbacks.came_first(now, 30.0 if what == "l" else 0.1)
    return callbacks.doubt(now + 10.0)


def test_nothing_known() -> None:
    """Before anything is known, callbacks are half trusted."""
    assert 0.3 < Callbacks().doubt(0.0) < 0.7


def test_trust_grows() -> None:
    """Each callback that comes lowers the doubt, down to nearly nothing."""
    doubts = [after("t" * number) for number in range(0, 200, 5)]
    assert doubts == sorted(doubts, reverse=True)
    assert after("t" * 10) < 0.12
    assert after("t" * 200) < 0.02


def test_an_outage_is_noticed_at_once() -> None:
    """Three missing callbacks are enough, however many came before; some that come end it."""
    assert after("t" * 1000 + "f") > 0.1
    assert after("t" * 1000 + "fff") > 0.95
    assert after("t" * 100 + "f" * 100 + "t" * 15) < 0.1


def test_late_is_lost() -> None:
    """A callback half a minute after the end counts as lost."""
    assert after("t" * 100 + "lll") == after("t" * 100 + "fff")


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_where_many_are_lost_none_is_relied_on(share: float) -> None:
    """From a tenth of lost callbacks on, jobs are polled as without callbacks."""
    draws, callbacks, doubts = random.Random(4), Callbacks(), []
    for number in range(500):
        if draws.random() < share:
            callbacks.poll_came_first(float(number), str(number))
        else:
            callbacks.came_first(float(number), 0.0)
        doubts.append(callbacks.doubt(float(number)))
    assert sum(doubts[100:]) / 400 > 0.9


def test_a_callback_that_a_poll_has_overtaken() -> None:
    """If it comes soon after the poll it counts as come, otherwise as lost."""
    soon, late = Callbacks(), Callbacks()
    for callbacks, wait in ((soon, 1.0), (late, 2.1)):
        callbacks.poll_came_first(0.0, "a")
        assert callbacks.doubt(1.0) == Callbacks().doubt(0.0), "nothing is known yet"
        callbacks.came_second(wait, "a")
        callbacks.came_second(wait, "a")
        callbacks.came_second(wait, "b")
    assert soon.doubt(100.0) == after("t")
    assert late.doubt(100.0) == after("f")


@given(st.text("tlf", max_size=300))
def test_whatever_happens_there_is_some_doubt(ends: str) -> None:
    """It is above 0, or no job would ever be polled, and never above 1."""
    assert 0.001 < after(ends) <= 1.0 + 1e-9
