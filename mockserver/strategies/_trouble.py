"""Faults of every kind, and rules for the requests that they meet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from hypothesis import strategies as st

from mockserver._faults import FAULTS, Fault, Rule, When
from mockserver._faults.connection import Refuse
from mockserver.strategies._deriving import drawn, listed

_ROUTES: Final = (None, "job", "submit", "balance")
_LONGEST_WAIT: Final = 300.0


def faults(
    kinds: Collection[type[Fault]] = FAULTS, *, without: Collection[type[Fault]] = ()
) -> st.SearchStrategy[Fault]:
    """Returns a strategy which generates faults.

    With a fault such as `Silence`, a client without timeouts waits for ever. For faults that end,
    use `rules` with `until`.

    Examples from this strategy shrink towards `Status(503)`.

    Args:
        kinds: The classes of faults to generate, by default all; e.g. `{Status, Delay}`.
        without: Classes to leave out.

    Raises:
        ValueError: No class is left.
    """
    chosen = [kind for kind in dict.fromkeys((*FAULTS, *kinds)) if kind in {*kinds} - {*without}]
    if not chosen:
        raise ValueError("kinds must have a class that isn't in without")
    # Where all examples can be listed, they are drawn from one list, the plainest first: drawn
    # field by field, examples would shrink to the class with the fewest fields.
    lists: dict[str, list[Fault]] = {}
    others: list[st.SearchStrategy[Fault]] = []
    for kind in chosen:
        if (some := listed(kind)) is None:
            others.append(drawn(kind))
        else:
            lists.setdefault(kind.__module__, []).extend(some)
    return st.one_of([*map(st.sampled_from, lists.values()), *others])


def _selections() -> st.SearchStrategy[dict[str, Any]]:
    """How often: always first, then by chance, then at certain requests."""
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries({"probability": st.sampled_from((0.1, 0.5, 0.9))}),
        st.fixed_dictionaries({"every": st.integers(2, 10)}),
        st.fixed_dictionaries({"nth": st.integers(1, 10)}),
    )


def _windows(until: float | None) -> st.SearchStrategy[dict[str, Any]]:
    """From when to when: from the start first, and until the end of all faults."""
    end = _LONGEST_WAIT if until is None else until
    begins = st.sampled_from((None, end / 4, end / 2))
    return st.fixed_dictionaries({"after": begins, "until": st.just(until)})


@st.composite
def _rules(draw: st.DrawFn, faults: st.SearchStrategy[Fault], until: float | None) -> Rule:
    fault = draw(faults)
    criteria = draw(_selections()) | draw(_windows(until))
    if not isinstance(fault, Refuse):  # A connection that is refused has no request.
        criteria["route"] = route = draw(st.sampled_from(_ROUTES))
        if route == "job" and not criteria.keys().isdisjoint({"every", "nth"}):
            criteria["each_job"] = draw(st.booleans())
    return Rule(fault, When(**criteria))


def rules(
    kinds: Collection[type[Fault]] = FAULTS,
    *,
    without: Collection[type[Fault]] = (),
    until: float | None = None,
) -> st.SearchStrategy[Rule]:
    """Returns a strategy which generates rules: faults, and criteria for the requests they meet.

    Examples from this strategy shrink towards a rule that answers each request with 503.

    Args:
        kinds: As for `faults`.
        without: As for `faults`.
        until: When the fault ends, in seconds since the world's start, so that a client gets
            through in the end; None for never.

    Raises:
        ValueError: `until` isn't after the world's start.
    """
    if until is not None and not until > 0:
        raise ValueError(f"until must be after the world's start, not at {until}")
    return _rules(faults(kinds, without=without), until)
