"""Faults of every kind, and the rules that say which requests they meet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from hypothesis import strategies as st

from mockserver._faults import (
    FAULTS,
    AnswerLost,
    Bandwidth,
    Close,
    Delay,
    Dribble,
    EmptyAnswer,
    EmptyOutput,
    ErrorEnvelope,
    Fault,
    Flapping,
    Garbage,
    HtmlPage,
    MalformedJson,
    NotYetFound,
    Oversized,
    Redirect,
    Refuse,
    Regression,
    Reset,
    Rule,
    Silence,
    SlowClose,
    Stale,
    Status,
    Truncated,
    UnknownStatus,
    Vanished,
    When,
    WrongContentType,
    WrongJob,
)
from mockserver.strategies.lives import UNKNOWN, distributions, seconds

# What servers and what stands before them answer when they are in trouble; the usual first.
_CODES: Final = (503, 500, 502, 504, 429, 408, 520)
_ROUTES: Final = (None, "job", "submit", "balance")
_EARLIER: Final = (None, "pending", "staged", "processing", "retry")
# So long a fault delays an answer, in seconds: longer than a client's usual timeout.
_LONGEST_DELAY: Final = 30.0
_LONGEST_WAIT: Final = 300.0
# Enough for "more than is sane", and yet nothing that a test's machine would feel.
_OVERSIZED: Final = 1 << 20

# Faults with few settings are listed, and chosen from at once, the plainest first: drawn setting by
# setting, those with the fewest settings would be what examples shrink to, rather than the plainest.
_LISTED: Final[tuple[tuple[Fault, ...], ...]] = (
    (
        *(Status(code) for code in _CODES),
        *(Status(503, body) for body in ("html", "empty")),
        *(HtmlPage(code) for code in (502, 200, 503)),
        *(ErrorEnvelope(code) for code in (500, 429)),
        *(Redirect(status=status) for status in (302, 301, 303, 307, 308)),
        WrongContentType(),
        *(Truncated(share) for share in (0.5, 0.0, 0.99)),
        *(MalformedJson(how) for how in ("trailing-comma", "single-quotes", "invalid-utf8")),
        Oversized(_OVERSIZED),
    ),
    (
        *(Regression(to) for to in _EARLIER),
        *(Flapping(to) for to in _EARLIER),
        *(UnknownStatus(word) for word in UNKNOWN),
        WrongJob(),
        EmptyOutput(),
        AnswerLost(),
    ),
    (
        EmptyAnswer(),
        *(Garbage(size) for size in (64, 1, 4096)),
        *(Bandwidth(rate) for rate in (1000.0, 10.0, 100_000.0)),
        Silence(),
        Refuse(),
    ),
)
# Where an answer breaks off, in bytes: within its header, within its body, or behind it.
_CUTS: Final = st.integers(0, 1000)
_DRAWN: Final[dict[type[Fault], st.SearchStrategy[Fault]]] = {
    Delay: st.builds(Delay, seconds(longest=_LONGEST_DELAY) | distributions(_LONGEST_DELAY)),
    Stale: st.builds(Stale, seconds(longest=_LONGEST_WAIT)),
    NotYetFound: st.one_of(
        st.builds(NotYetFound, polls=st.integers(1, 5)),
        st.builds(NotYetFound, seconds=seconds(longest=_LONGEST_WAIT)),
    ),
    Vanished: st.builds(Vanished, seconds(longest=_LONGEST_WAIT)),
    Reset: st.builds(Reset, _CUTS),
    Close: st.builds(Close, _CUTS),
    Dribble: st.builds(Dribble, st.integers(1, 64), st.sampled_from((0.1, 0.0, 1.0))),
    SlowClose: st.builds(SlowClose, seconds(longest=_LONGEST_DELAY)),
}


def faults(
    kinds: Collection[type[Fault]] = FAULTS, *, without: Collection[type[Fault]] = ()
) -> st.SearchStrategy[Fault]:
    """Everything that can go wrong. They shrink towards `Status(503)`.

    A fault such as `Silence` is for ever: a client without timeouts waits for ever. For trouble
    that passes, see `until` of `rules`.

    Args:
        kinds: Their classes; e.g. `mockserver._faults.HTTP_FAULTS` for some of them.
        without: Classes that are left out all the same.

    Raises:
        ValueError: No class is left.
    """
    chosen = set(kinds) - set(without)
    listed = [[fault for fault in some if type(fault) in chosen] for some in _LISTED]
    drawn = [some for kind, some in _DRAWN.items() if kind in chosen]
    if not drawn and not any(listed):
        raise ValueError("kinds must have a class that without doesn't have")
    return st.one_of([*(st.sampled_from(some) for some in listed if some), *drawn])


def _selections() -> st.SearchStrategy[dict[str, Any]]:
    """How often: every time first, then by chance, and then at certain requests."""
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries({"probability": st.sampled_from((0.1, 0.5, 0.9))}),
        st.fixed_dictionaries({"every": st.integers(2, 10)}),
        st.fixed_dictionaries({"nth": st.integers(1, 10)}),
    )


def _windows(until: float | None) -> st.SearchStrategy[dict[str, Any]]:
    """From when to when: from the beginning first, and until the end of all trouble."""
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
    """Faults, and which requests they meet: on any route or one, always, by chance, or counted.

    They shrink towards a rule that answers each request with 503.

    Args:
        kinds: As for `faults`.
        without: As for `faults`.
        until: When the last of the trouble is over, in seconds since the world's start, so that a
            client gets through in the end; None for never.

    Raises:
        ValueError: `until` isn't after the world's start.
    """
    if until is not None and not until > 0:
        raise ValueError(f"until must be after the world's start, not at {until}")
    return _rules(faults(kinds, without=without), until)
