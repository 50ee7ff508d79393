"""How far callbacks are relied on: as far as they come, and no further."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.callbacks import Callbacks


def after(ends: str) -> float:
    """The doubt after ends that were told (`t`), told too late (`l`) or found by polls (`f`)."""
    callbacks, now = Callbacks(), 0.0
    for number, what in enumerate(ends):
        now += 10.0
        if what == "f":
            callbacks.found(now, f"job-{number}")
        else:
            callbacks.told(now, 30.0 if what == "l" else 0.1)
    return callbacks.doubt(now + 10.0)


def test_nothing_known() -> None:
    """Neither trusted nor distrusted."""
    assert 0.3 < Callbacks().doubt(0.0) < 0.7


def test_trust_grows() -> None:
    """With each callback that comes, to nearly all there is."""
    doubts = [after("t" * number) for number in range(0, 200, 5)]
    assert doubts == sorted(doubts, reverse=True)
    assert after("t" * 10) < 0.12
    assert after("t" * 200) < 0.02


def test_an_outage_is_noticed_at_once() -> None:
    """After three that don't come, however many did; and its end after some that do."""
    assert after("t" * 1000 + "f") > 0.1
    assert after("t" * 1000 + "fff") > 0.95
    assert after("t" * 100 + "f" * 100 + "t" * 15) < 0.1


def test_late_is_lost() -> None:
    """A callback half a minute after the end is no better than none."""
    assert after("t" * 100 + "lll") == after("t" * 100 + "fff")


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_who_loses_many_relies_on_none(share: float) -> None:
    """From a tenth on, they are asked about as if there were no callbacks."""
    draws, callbacks, doubts = random.Random(4), Callbacks(), []
    for number in range(500):
        if draws.random() < share:
            callbacks.found(float(number), str(number))
        else:
            callbacks.told(float(number), 0.0)
        doubts.append(callbacks.doubt(float(number)))
    assert sum(doubts[100:]) / 400 > 0.9


def test_a_callback_that_a_poll_has_overtaken() -> None:
    """It has come, if it comes soon; if it doesn't, it is lost."""
    soon, late = Callbacks(), Callbacks()
    for callbacks, wait in ((soon, 1.0), (late, 2.1)):
        callbacks.found(0.0, "a")
        assert callbacks.doubt(1.0) == Callbacks().doubt(0.0), "nothing is known yet"
        callbacks.repeated(wait, "a")
        callbacks.repeated(wait, "a")
        callbacks.repeated(wait, "b")
    assert soon.doubt(100.0) == after("t")
    assert late.doubt(100.0) == after("f")


@given(st.text("tlf", max_size=300))
def test_whatever_happens_there_is_some_doubt(ends: str) -> None:
    """Above 0, or no job would ever be asked about; and never above 1."""
    assert 0.001 < after(ends) <= 1.0 + 1e-9
