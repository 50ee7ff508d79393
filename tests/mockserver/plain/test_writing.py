"""Writing settings as plain data."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Lognormal, PerType, Quirks, Rule, Script, Step, TokenBucket, When
from mockserver._faults import Fault
from mockserver._faults.http import Delay
from mockserver._plain import PlainError, from_plain, to_plain
from mockserver._world.durations import TYPICAL, RunTimes
from mockserver._world.limits import Limit
from mockserver.strategies import limits, quirks, rules, run_times, scripts


@given(
    st.one_of(
        st.tuples(st.just(Limit), limits()),
        st.tuples(st.just(RunTimes), run_times()),
        st.tuples(st.just(Rule), rules()),
        st.tuples(st.just(Fault), rules().map(lambda rule: rule.fault)),
        st.tuples(st.just(Script), scripts()),
        st.tuples(st.just(Quirks), quirks()),
    )
)
def test_what_is_written_can_be_read(setting: tuple[object, object]) -> None:
    """Every setting that is written as JSON is read as an equal one."""
    cls, value = setting
    said = json.loads(json.dumps(to_plain(value), allow_nan=False))
    assert from_plain(cls, said) == value


def test_only_what_is_said_is_written() -> None:
    """Defaults are omitted, and a kind is written if there are several."""
    assert to_plain(TokenBucket(2)) == {"kind": "token-bucket", "rate": 2}
    assert to_plain(When(every=3)) == {"every": 3}
    assert to_plain(Rule(Delay(Lognormal(2, 1)))) == {
        "fault": {"kind": "delay", "seconds": {"kind": "lognormal", "median": 2, "sigma": 1}}
    }


def test_steps_are_written_shortly() -> None:
    """A step has its shortest form."""
    script = Script([("pending", 2), Step("processing", 60, polls=3), "completed"])
    assert to_plain(script) == {
        "steps": [["pending", 2], {"status": "processing", "seconds": 60, "polls": 3}, "completed"]
    }


def test_plain_values() -> None:
    """Other values have their form in JSON."""
    assert to_plain({"a": (1, None, True)}) == {"a": [1, None, True]}
    assert to_plain(frozenset({"b", "a"})) == ["a", "b"]
    assert to_plain(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00+00:00"
    assert to_plain(math.inf) == "inf"


def test_the_published_run_times_can_be_written() -> None:
    """The default run times can be written and read."""
    assert from_plain(RunTimes, to_plain(TYPICAL)) == TYPICAL


def test_functions_cannot_be_written() -> None:
    """A function is an error, and isn't omitted."""
    with pytest.raises(PlainError, match="<built-in function len> can't be written"):
        to_plain(PerType({}, otherwise=len))  # type: ignore[arg-type]
