"""Cases: a world with everything that is wrong with it, and those who watch it; drawn from a seed.

All that happens in a case follows from its values, so that a case is repeated by making it again.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from legnext_stream._engine.delivery import Policy
from mockserver._faults import FAULTS, Fault, Rule, When
from mockserver._faults.connection import Dribble, Refuse, Silence
from mockserver._faults.http import Oversized, Status
from mockserver._scenario import Jobs, Scenario
from mockserver._world import (
    TASKS,
    FixedWindow,
    LeakyBucket,
    Limit,
    LimitRule,
    Order,
    Scheduled,
    SlidingWindow,
    TokenBucket,
)
from mockserver.strategies import faults, hints, limits, quirks, run_times, scripts, seconds

PATIENT: Final = 600.0
"""A watch with this timeout gives up no job of a case that ends by itself, seconds."""
TROUBLE_ENDS: Final = 300.0
"""When the last fault is over, doom apart, seconds since the world's start."""

How: TypeAlias = Literal["end", "break", "raise", "cancel", "lose"]
What: TypeAlias = Literal["add", "remove", "intrude"]
Kind: TypeAlias = Literal["401", "402", "403", "silence", "disk"]


@attrs.frozen
class Reader:
    """Somebody who reads a stream.

    Attributes:
        pause: How long one event takes, seconds.
        impatience: After how long a wait is cancelled and begun anew, seconds; None for never.
        acks: Whether each event is acknowledged at once, and not by asking for the next.
        policy: As a subscriber's; the stream itself has none.
    """

    pause: float = 0.0
    impatience: float | None = None
    acks: bool = False
    policy: Policy = "block"


@attrs.frozen
class Leave:
    """How a stream is left.

    Attributes:
        how: At its `"end"`; by a `"break"` or by an exception that is raised (`"raise"`) in its
            body; by a cancellation from outside; or by losing the last reference.
        after: After so many events; for a cancellation, after so many seconds.
    """

    how: How = "end"
    after: int = 1


@attrs.frozen
class Deed:
    """What is done to a running watch.

    Attributes:
        at: When, seconds after the watch's start.
        what: Jobs are added to it, one is removed, or a second task asks for its next event.
        number: How many jobs, or which of them.
    """

    at: float
    what: What
    number: int = 1


@attrs.frozen
class Sitting:
    """One watch, as one process would have it, from its start until it is left.

    Attributes:
        reader: Who iterates the stream.
        others: Who has subscribed to it.
        leave: How it is left.
        deeds: What is done to it meanwhile.
        brings_ids: Whether it is given the ids, or has only those of its journal.
        rest: How long it takes until the next, seconds.
    """

    reader: Reader = Reader()
    others: tuple[Reader, ...] = ()
    leave: Leave = Leave()
    deeds: tuple[Deed, ...] = ()
    brings_ids: bool = True
    rest: float = 1.0


@attrs.frozen
class Doom:
    """What concerns all jobs, from a certain time on, until it has ended a watch.

    Attributes:
        kind: What the API answers to everything; or it answers nothing, or the journal's disk is
            full.
        at: From when on, seconds since the world's start.
    """

    kind: Kind
    at: float

    @property
    def rule(self) -> Rule | None:
        """The fault that is the doom, or None if it comes from elsewhere."""
        match self.kind:
            case "disk":
                return None
            case "silence":
                return Rule(Silence(), When(route="job", after=self.at), "doom")
            case code:
                return Rule(Status(int(code)), When(after=self.at), "doom")


@attrs.frozen
class Case:
    """A world, and those who watch it.

    Attributes:
        scenario: The world, its limits and its faults.
        nobody: How many ids stand for no job.
        come: How far apart the ids come in, seconds; 0 for all at once.
        sittings: The watches, one after the other. Without a journal there is one.
        has_journal: Whether they keep one.
        doom: What concerns all jobs, or None.
        timeout: The watches', seconds.
        room: With how many jobs' undelivered events a reader counts as too far behind.
        max_in_flight: How many requests may be under way.
    """

    scenario: Scenario
    nobody: int = 0
    come: float = 0.0
    sittings: tuple[Sitting, ...] = (Sitting(),)
    has_journal: bool = False
    doom: Doom | None = None
    timeout: float = PATIENT
    room: int = 1000
    max_in_flight: int = 32

    @property
    def is_patient(self) -> bool:
        """Whether each job that ends can be followed to its end."""
        return self.timeout >= PATIENT and (self.doom is None or self.doom.kind != "silence")


# ---------------------------------------------------------------- how they are drawn


# Making a strategy takes longer than drawing from it, so each is made once.


@functools.cache
def _of_every_kind() -> st.SearchStrategy[Fault]:
    """A fault: all kinds equally often."""
    waits = st.sampled_from(("7", "2", "60"))
    refusals = st.builds(
        lambda code, wait: Status(code, headers={"Retry-After": wait}),
        st.sampled_from((429, 503)),
        waits,
    )
    kinds: dict[type, st.SearchStrategy[Fault]] = {kind: faults({kind}) for kind in FAULTS}
    # More than any client takes, rather than what is large for a test.
    kinds[Oversized] = st.just(Oversized(5 << 20))
    # Pieces between which no time passes: of what is oversized that takes minutes, and shows nothing.
    kinds[Dribble] = st.builds(Dribble, st.integers(1, 64), st.sampled_from((0.1, 0.01, 1.0)))
    kinds[Status] |= refusals
    return st.sampled_from(FAULTS).flatmap(lambda kind: kinds[kind])


@functools.cache
def _selections() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.fixed_dictionaries({"probability": st.sampled_from((0.2, 0.5, 0.9))}),
        st.fixed_dictionaries({"every": st.integers(2, 6)}),
        st.fixed_dictionaries({"nth": st.integers(1, 10)}),
        st.just({}),
    )


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    fault = draw(_of_every_kind())
    criteria = draw(_selections())
    if not isinstance(fault, Refuse):
        criteria["route"] = "job"
        if "probability" not in criteria and criteria:
            criteria["each_job"] = draw(st.booleans())
    until = draw(st.sampled_from((TROUBLE_ENDS, TROUBLE_ENDS / 5, TROUBLE_ENDS / 30)))
    after = draw(st.sampled_from((None, until / 4)))
    return Rule(fault, When(**criteria, after=after, until=until))


def _lets_through(limit: Limit) -> bool:
    """Whether a limit admits a request every two seconds or more often, on average."""
    match limit:
        case TokenBucket() | LeakyBucket():
            return limit.rate >= 0.5
        case SlidingWindow() | FixedWindow():
            return limit.quota >= limit.seconds / 2
        case Scheduled():
            return all(_lets_through(each) for _, each in limit.phases)
        case _:
            return True


@functools.cache
def _limit_rules() -> st.SearchStrategy[LimitRule]:
    return st.builds(
        LimitRule, limits().filter(_lets_through), per=st.sampled_from(("account", "key", "job"))
    )


@functools.cache
def _jobs() -> st.SearchStrategy[tuple[Jobs, ...]]:
    types = st.sampled_from(tuple(TASKS))
    lives = scripts(longest=60.0, most_steps=4, polls=True)
    held = scripts(longest=60.0, most_steps=2, ends=("processing", "pending", "queued-elsewhere"))
    # Equal kinds stand more often where they are to be drawn more often.
    return st.lists(
        st.one_of(
            st.builds(Jobs, count=st.integers(1, 6), task_type=types),
            st.builds(Jobs, script=lives),
            st.builds(Jobs, task_type=types, script=lives),
            st.builds(Jobs, script=lives | held),
        ),
        min_size=1,
        max_size=6,
    ).map(tuple)


@functools.cache
def _scenarios() -> st.SearchStrategy[Scenario]:
    return st.builds(
        Scenario,
        seed=st.integers(0, 2**32),
        slots=st.sampled_from((12, 1, 3, None)),
        order=st.sampled_from(get_args(Order)),
        run_times=run_times(longest=120.0),
        failure_share=st.sampled_from((0.0, 0.2, 1.0)),
        limit=st.lists(_limit_rules(), max_size=2).map(tuple),
        hints=hints(),
        latency=st.just(0.0) | seconds(longest=2.0),
        faults=st.lists(_rules(), max_size=5).map(tuple),
        # Expired jobs can't be followed; that is what `Vanished` is for.
        quirks=quirks().map(lambda shape: attrs.evolve(shape, job_expires_after=None)),
        jobs=_jobs(),
    )


@functools.cache
def _readers() -> st.SearchStrategy[Reader]:
    return st.builds(
        Reader,
        pause=st.sampled_from((0.0, 0.3, 10.0)),
        impatience=st.sampled_from((None, 0.4, 5.0)),
        acks=st.booleans(),
        policy=st.sampled_from(get_args(Policy)),
    )


@functools.cache
def _deeds() -> st.SearchStrategy[tuple[Deed, ...]]:
    deed = st.builds(
        Deed,
        st.sampled_from((0.5, 5.0, 20.0, 60.0)),
        st.sampled_from(get_args(What)),
        st.integers(1, 5),
    )
    return st.lists(deed, max_size=4).map(
        lambda some: tuple(sorted(some, key=lambda each: each.at))
    )


@functools.cache
def _sittings() -> st.SearchStrategy[Sitting]:
    return st.builds(
        Sitting,
        _readers(),
        st.lists(_readers(), max_size=2).map(tuple),
        st.builds(Leave, st.sampled_from(get_args(How)), st.integers(1, 12)),
        _deeds(),
        st.booleans(),
        st.sampled_from((1.0, 30.0, 200.0)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Cases of every kind. They shrink towards one job, watched once, with nothing wrong."""
    has_journal = draw(st.booleans())
    sittings = draw(st.lists(_sittings(), min_size=1, max_size=4 if has_journal else 1).map(tuple))
    first = attrs.evolve(sittings[0], brings_ids=True)
    # However the others are left, the last one reads to the end what is left to be told.
    last = () if not has_journal else (Sitting(),)
    dooms = st.builds(
        Doom,
        st.sampled_from(get_args(Kind) if has_journal else get_args(Kind)[:-1]),
        st.sampled_from((0.0, 20.0, 60.0)),
    )
    return Case(
        scenario=draw(_scenarios()),
        nobody=draw(st.sampled_from((0, 0, 1, 2))),
        come=draw(st.sampled_from((0.0, 0.0, 4.0))),
        sittings=(first, *sittings[1:], *last),
        has_journal=has_journal,
        doom=draw(st.none() | dooms) if draw(st.booleans()) else None,
        timeout=draw(st.sampled_from((PATIENT, PATIENT, PATIENT, 120.0))),
        room=draw(st.sampled_from((1000, 1, 3))),
        max_in_flight=draw(st.sampled_from((32, 4, 1))),
    )


def _settings(phases: tuple[Phase, ...], examples: int) -> settings:
    return settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@functools.lru_cache(maxsize=256)
def drawn(seed: int) -> Case:
    """The case of a seed."""
    found: list[Case] = []

    def look(case: Case) -> bool:
        found.append(case)
        return False

    with contextlib.suppress(NoSuchExample):
        find(
            cases(),
            look,
            settings=_settings((Phase.generate,), 2),
            random=random.Random(seed),
        )
    # Hypothesis begins with the plainest of all; the next one is the seed's.
    return found[-1]


def shrunk(seed: int, fails: Callable[[Case], bool]) -> Case:
    """The plainest case that fails as the one of this seed does.

    Raises:
        NoSuchExample: The case of this seed doesn't fail.
    """
    return find(
        cases(),
        fails,
        settings=_settings((Phase.generate, Phase.shrink), 2),
        random=random.Random(seed),
    )
