"""Short forms of settings."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._cli.short_forms import ShortFormError, read_assignments, read_form, read_value


@attrs.frozen
class Delay:
    """A setting with a nested one, or a number."""

    seconds: object
    note: str = ""
    _secret: int = attrs.field(default=0, init=False)


@attrs.frozen
class Uniform:
    """A setting with two values."""

    low: float
    high: float


KINDS = {"delay": Delay, "uniform": Uniform}


@pytest.mark.parametrize(
    ("text", "table", "criteria"),
    [
        ("delay", {}, {}),
        ("delay:2", {"seconds": 2}, {}),
        ("delay:2.5,note=x", {"seconds": 2.5, "note": "x"}, {}),
        ("delay:note=x", {"note": "x"}, {}),
        ("delay:,x", {"note": "x"}, {}),
        ("delay:true", {"seconds": True}, {}),
        ("delay:inf", {"seconds": float("inf")}, {}),
        ("delay:[1, 2],x", {"seconds": [1, 2], "note": "x"}, {}),
        ("delay:https://a/?b=c", {"seconds": "https://a/?b=c"}, {}),
        ('delay:"a@b,c"', {"seconds": "a@b,c"}, {}),
        (r'delay:"a\",b"', {"seconds": 'a",b'}, {}),
        ("delay:'it\"s, so'", {"seconds": 'it"s, so'}, {}),
        ("delay:1\nx = 2", {"seconds": "1\nx = 2"}, {}),
        (
            "delay:uniform(1,high=2)",
            {"seconds": {"kind": "uniform", "low": 1, "high": 2}},
            {},
        ),
        ("delay:other(1)", {"seconds": "other(1)"}, {}),
        ("delay@job", {}, {"route": "job"}),
        ("delay@job,every=10", {}, {"route": "job", "every": 10}),
        (
            "delay:1@,probability=0.5,each-job=true",
            {"seconds": 1},
            {"probability": 0.5, "each_job": True},
        ),
        ("delay@every=10", {}, {"every": 10}),
    ],
)
def test_what_forms_say(text: str, table: dict[str, object], criteria: dict[str, object]) -> None:
    """Values are by position or by name; what the setting applies to follows the @."""
    assert read_form(text, KINDS, KINDS) == ({"kind": "delay", **table}, criteria)


def test_a_table_of_toml_says_anything() -> None:
    """A form that begins with a brace is a table of TOML."""
    text = '{kind = "delay", seconds = {kind = "uniform", low = 1, high = 2}, when = {nth = 2}}'
    assert read_form(text, KINDS, KINDS) == (
        {
            "kind": "delay",
            "seconds": {"kind": "uniform", "low": 1, "high": 2},
            "when": {"nth": 2},
        },
        {},
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dely:2", "there is no kind 'dely'; is 'delay' meant?"),
        ("", "there is no kind ''; there are delay, uniform"),
        ("delay:1,2,3", "'3' is not of the form NAME=VALUE"),
        ("delay:1,seconds=2", "seconds is given twice"),
        ("delay@job,every", "'every' is not of the form NAME=VALUE"),
        ("delay:uniform(1,2,3)", "'3' is not of the form NAME=VALUE"),
        ("{kind = }", "is not a table of TOML: Invalid value"),
        ('{kind = "delay"}\nx = 1', "it has more than one line"),
    ],
)
def test_what_is_no_form(text: str, reason: str) -> None:
    """A wrong form gets a message of one sentence."""
    with pytest.raises(ShortFormError) as raised:
        read_form(text, KINDS, KINDS)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.5", 2.5),
        ("relax", "relax"),
        ("uniform:1,2", {"kind": "uniform", "low": 1, "high": 2}),
        ("uniform(1,2)", {"kind": "uniform", "low": 1, "high": 2}),
        ('{kind = "uniform"}', {"kind": "uniform"}),
    ],
)
def test_values(text: str, value: object) -> None:
    """A value is a number, a form with or without brackets, a table of TOML, or a word."""
    assert read_value(text, KINDS) == value


def test_assignments() -> None:
    """Values by name, with dashes for underscores; each name at most once."""
    assert read_assignments(["error-body=nested", "logs=strings"]) == {
        "error_body": "nested",
        "logs": "strings",
    }
    for wrong in (["x"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(ShortFormError):
            read_assignments(wrong)


@given(st.text())
def test_any_text_is_a_form_or_refused_with_a_sentence(text: str) -> None:
    """Any text is read, or refused with a message."""
    for form in (text, f"delay:{text}", f"delay@{text}"):
        try:
            table, _ = read_form(form, KINDS, KINDS)
        except ShortFormError:
            continue
        assert "kind" in table or form.startswith("{")


@given(
    # TOML, other than JSON, has no DEL in a text.
    st.text(st.characters(exclude_characters="\x7f", codec="utf-8")),
    st.integers() | st.booleans() | st.text(alphabet="xyz-", min_size=1),
)
def test_what_is_quoted_comes_back(note: str, value: object) -> None:
    """Any text can be given in TOML's quotes."""
    quoted = json.dumps(note, ensure_ascii=False)
    shown = value if isinstance(value, str) else json.dumps(value)
    table, criteria = read_form(f"delay:{shown},{quoted}@job", KINDS, KINDS)
    assert table == {"kind": "delay", "seconds": value, "note": note}
    assert criteria == {"route": "job"}
