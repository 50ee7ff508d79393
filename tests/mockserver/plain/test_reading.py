"""Reading settings from plain data."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Fixed, PerType, Rule, Script, Step, TokenBucket, Uniform, When
from mockserver._faults import Fault
from mockserver._faults.http import Delay, Status
from mockserver._plain import PlainError, from_plain
from mockserver._world.durations import Distribution, RunTimes
from mockserver._world.limit_rules import LimitRule
from mockserver._world.limits import Limit, Unlimited

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("kind"), inner),
    max_leaves=8,
)


@attrs.frozen
class Everything:
    """A setting with a field of each type."""

    switch: bool = False
    count: int = 0
    share: float = 0.0
    word: str = ""
    choice: Literal["one", "two"] | None = None
    mode: Literal["a", "b"] = "a"
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    pair: tuple[float, str] = (0.0, "")
    many: tuple[int, ...] = ()
    several: Sequence[int] = ()
    all_of: list[int] = attrs.Factory(list)
    any_of: frozenset[str] = frozenset()
    some_of: AbstractSet[str] = frozenset()
    table: Mapping[str, float] = attrs.Factory(dict)
    either: Mapping[str, int] | int | tuple[int, ...] = 0


def problems(cls: object, data: object) -> list[str]:
    """The problems of data."""
    with pytest.raises(PlainError) as caught:
        from_plain(cls, data)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("cls", "data", "value"),
    [
        (Limit, {"kind": "token-bucket", "rate": 10, "burst": 20}, TokenBucket(10, 20)),
        (TokenBucket, {"rate": 10}, TokenBucket(10)),
        (TokenBucket, {"kind": "token-bucket", "rate": 10}, TokenBucket(10)),
        (Limit | None, None, None),
        (Limit | LimitRule, {"limit": {"kind": "unlimited"}}, LimitRule(Unlimited())),
        (RunTimes, 5, Fixed(5)),
        (Distribution, {"kind": "fixed", "seconds": 5}, Fixed(5)),
        (float | Distribution, 5, 5.0),
        (
            RunTimes,
            {
                "kind": "per-type",
                "by_type": {"upscale": 3},
                "otherwise": {"kind": "uniform", "low": 1, "high": 2},
            },
            PerType({"upscale": Fixed(3)}, Uniform(1, 2)),
        ),
        (Step, "pending", Step("pending")),
        (Step, ["pending", 2], Step("pending", 2)),
        (Step, ["pending", None], Step("pending")),
        (Step, {"status": "pending", "polls": 3}, Step("pending", polls=3)),
        (Script, [["pending", 2], "completed"], Script([("pending", 2), "completed"])),
        (Script, {"steps": ["completed"]}, Script(["completed"])),
        (
            tuple[Rule | Fault, ...],
            [{"kind": "delay", "seconds": 2}, {"fault": {"kind": "status", "code": 503}}],
            (Delay(2), Rule(Status(503))),
        ),
    ],
)
def test_settings_are_read(cls: object, data: object, value: object) -> None:
    """Tables, kinds and short forms are read as the settings they describe."""
    assert from_plain(cls, data) == value


def test_fields_of_each_sort() -> None:
    """Values of each type are read."""
    read = from_plain(
        Everything,
        {
            "switch": True,
            "count": 3,
            "share": 1,
            "word": "w",
            "choice": "two",
            "mode": "b",
            "at": "2026-02-03T04:05:06+01:00",
            "pair": [1, "x"],
            "many": [1, 2],
            "several": [3],
            "all_of": [4],
            "any_of": ["a", "a"],
            "some_of": ["b"],
            "table": {"x": "inf"},
            "either": {"y": 1},
        },
    )
    assert read == Everything(
        switch=True,
        count=3,
        share=1.0,
        word="w",
        choice="two",
        mode="b",
        at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1))),
        pair=(1.0, "x"),
        many=(1, 2),
        several=(3,),
        all_of=[4],
        any_of=frozenset({"a"}),
        some_of=frozenset({"b"}),
        table={"x": float("inf")},
        either={"y": 1},
    )
    assert isinstance(read.share, float)
    assert from_plain(Everything, {"either": [1]}).either == (1,)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert from_plain(datetime, at) is at


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"switch": 1}, "switch must be true or false, not 1"),
        ({"count": True}, "count must be an integer, not true"),
        ({"count": 1.0}, "count must be an integer, not 1.0"),
        ({"share": "1"}, "share must be a number, not '1'"),
        ({"share": float("nan")}, "share must be a number, not nan"),
        ({"share": False}, "share must be a number, not false"),
        ({"word": None}, "word must be a text, not null"),
        ({"word": ["x" * 99]}, "word must be a text, not a list"),
        ({"count": "x" * 99}, "count must be an integer, not '" + "x" * 39 + "…"),
        ({"choice": "three"}, "choice must be one of 'one', 'two' or null, not 'three'"),
        ({"mode": None}, "mode must be one of 'a', 'b', not null"),
        ({"at": "today"}, "at must be a date and time with its offset from UTC, not 'today'"),
        (
            {"at": "2026-01-01T00:00:00"},
            "at must be a date and time with its offset from UTC, not '2026-01-01T00:00:00'",
        ),
        ({"pair": [1]}, "pair must be a list of 2 values, not a list"),
        ({"pair": [1, 2]}, "pair[1] must be a text, not 2"),
        ({"many": "12"}, "many must be a list, not '12'"),
        ({"many": [0, "x"]}, "many[1] must be an integer, not 'x'"),
        ({"table": [1]}, "table must be a table, not a list"),
        ({"table": {"x": {}}}, "table.x must be a number, not a table"),
        ({"either": "x"}, "either must be a table or an integer or a list, not 'x'"),
        ({"counts": 1}, "counts is no setting of Everything; is 'count' meant?"),
        ([], "the data must be a table, not a list"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(data: object, problem: str) -> None:
    """A value of a wrong type is an error that names its place."""
    assert problems(Everything, data) == [problem]


def test_wrong_kinds() -> None:
    """The error for an unknown or missing kind lists the kinds."""
    (said,) = problems(Distribution, {"kind": "fxied"})
    assert said == "kind must be one of 'fixed', 'uniform', 'lognormal', 'empirical', not 'fxied'"
    (said,) = problems(Distribution, {})
    assert said == "kind is missing; it must be one of 'fixed', 'uniform', 'lognormal', 'empirical'"
    (said,) = problems(RunTimes, "x")
    assert said == "the data must be a number or a table with its kind, not 'x'"
    (said,) = problems(TokenBucket, {"kind": "fixed-window", "rate": 3})
    assert said == "kind must be 'token-bucket', not 'fixed-window'"


def test_wrong_steps() -> None:
    """The error for a wrong step lists the forms."""
    said = problems(Script, [["pending", "x"], 5, ["a", "b", "c"]])
    assert said == [
        "steps[0].seconds must be a number, not 'x'",
        "steps[1] must be a status or [status, seconds] or a table, not 5",
        "steps[2] must be a status or [status, seconds] or a table, not a list",
    ]


def test_what_is_missing() -> None:
    """A missing field without a default is an error."""
    assert problems(Rule, {}) == ["fault is missing"]
    assert problems(Fault, {"kind": "status"}) == ["code is missing"]


def test_settings_without_fields() -> None:
    """The error for a class without fields says so."""
    assert problems(Unlimited, {"rate": 3}) == ["rate is no setting of Unlimited; there are: -"]


def test_classes_check_themselves() -> None:
    """Errors of a class's validators have the field's place."""
    wrong = {"fault": {"kind": "delay", "seconds": 1}, "when": {"nth": 0}}
    assert problems(tuple[Rule | Fault, ...], [wrong]) == [
        "[0].when.nth must be a whole number, 1 or more, not 0"
    ]
    assert problems(When, {"after": 5, "until": 3})[0].startswith("the data: until (3.0) must be")


def test_data_that_is_too_deep() -> None:
    """Deeply nested data is an error, and doesn't exhaust the stack."""
    deep: Any = {"kind": "unlimited"}
    for _ in range(5000):
        deep = {"kind": "scheduled", "phases": [[0, deep]]}
    assert problems(Limit, deep) == ["the data is nested deeper than 32 levels"]


@given(st.sampled_from([Everything, Rule, Limit, RunTimes, Script]), JSON)
def test_any_data_is_read_or_refused(cls: object, data: object) -> None:
    """Any data gives a setting or a `PlainError`."""
    with contextlib.suppress(PlainError):
        from_plain(cls, data)
