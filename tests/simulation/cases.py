"""Cases: a world full of faults, and the sessions that watch it. A seed determines a case.

Everything that happens in a case follows from its values, so making the case again repeats it.
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
from mockserver._world.limit_rules import LimitRule
from mockserver._world.limits import (
    FixedWindow,
    LeakyBucket,
    Limit,
    Scheduled,
    SlidingWindow,
    TokenBucket,
)
from mockserver._world.slots import Order
from mockserver._world.tasks import TASKS
from mockserver.strategies import faults, hints, limits, quirks, run_times, scripts, seconds

PATIENT: Final = 600.0
"""With this timeout in seconds, a watch gives up no job that ends by itself."""
TROUBLE_ENDS: Final = 300.0
"""When the last fault ends, apart from an outage, in seconds since the world's start."""

How: TypeAlias = Literal["end", "break", "raise", "cancel", "lose"]
ActionKind: TypeAlias = Literal["add", "remove", "intrude"]
Kind: TypeAlias = Literal["401", "402", "403", "silence", "disk"]


@attrs.frozen
class Reader:
    """A consumer of a stream.

    Attributes:
        pause: How long it takes to handle one event, seconds.
        impatience: After how many seconds it cancels a wait and starts again; None for never.
        acks: Whether it acknowledges each event at once, rather than by asking for the next.
        policy: The policy of a subscriber; the stream itself has none.
    """

    pause: float = 0.0
    impatience: float | None = None
    acks: bool = False
    policy: Policy = "block"


@attrs.frozen
class Leave:
    """How a stream is left.

    Attributes:
        how: At its `"end"`; by a `"break"`; by an exception in the body (`"raise"`); by a
            cancellation from outside (`"cancel"`); or by dropping the last reference (`"lose"`).
        after: After how many events; for a cancellation, after how many seconds.
    """

    how: How = "end"
    after: int = 1


@attrs.frozen
class Action:
    """Something that is done to a running watch.

    Attributes:
        at: When, in seconds after the start of the watch.
        what: Add jobs, remove a job, or ask for the next event from a second task.
        number: How many jobs to add, or which one to remove.
    """

    at: float
    what: ActionKind
    number: int = 1


@attrs.frozen
class Session:
    """One watch, as one process would run it, from its start until it is left.

    Attributes:
        reader: The consumer that iterates over the stream.
        others: The subscribers.
        leave: How the stream is left.
        actions: What is done to it in the meantime.
        passes_ids: Whether it gets the job ids, or only has those in its journal.
        pause_after: How long until the next session, seconds.
    """

    reader: Reader = Reader()
    others: tuple[Reader, ...] = ()
    leave: Leave = Leave()
    actions: tuple[Action, ...] = ()
    passes_ids: bool = True
    pause_after: float = 1.0


@attrs.frozen
class Outage:
    """A problem that affects all jobs, from a certain time until it has ended a watch.

    Attributes:
        kind: The status code of every answer; or no answer at all; or a full disk for the journal.
        at: When it starts, in seconds since the world's start.
    """

    kind: Kind
    at: float

    @property
    def rule(self) -> Rule | None:
        """The fault rule that causes the outage; None for a full disk."""
        match self.kind:
            case "disk":
                return None
            case "silence":
                return Rule(Silence(), When(route="job", after=self.at), "outage")
            case code:
                return Rule(Status(int(code)), When(after=self.at), "outage")


@attrs.frozen
class Case:
    """A world, and the sessions that watch it.

    Attributes:
        scenario: The world, its limits and its faults.
        unknown_ids: How many ids belong to no job.
        interval: The time between ids that arrive one by one, seconds; 0 for all at once.
        sessions: The watches, one after the other. Without a journal there is only one.
        has_journal: Whether they keep a journal.
        outage: A problem that affects all jobs, or None.
        timeout: The timeout of the watches, seconds.
        capacity: The number of undelivered events at which a consumer counts as too slow.
        max_in_flight: How many requests may be in flight.
    """

    scenario: Scenario
    unknown_ids: int = 0
    interval: float = 0.0
    sessions: tuple[Session, ...] = (Session(),)
    has_journal: bool = False
    outage: Outage | None = None
    timeout: float = PATIENT
    capacity: int = 1000
    max_in_flight: int = 32

    @property
    def is_patient(self) -> bool:
        """Whether each job that ends can be followed until its end."""
        return self.timeout >= PATIENT and (self.outage is None or self.outage.kind != "silence")


# ---------------------------------------------------------------- strategies


# Making a strategy takes longer than drawing from it, so each is made only once.


@functools.cache
def _of_every_kind() -> st.SearchStrategy[Fault]:
    """A fault, with all kinds equally likely."""
    waits = st.sampled_from(("7", "2", "60"))
    refusals = st.builds(
        lambda code, wait: Status(code, headers={"Retry-After": wait}),
        st.sampled_from((429, 503)),
        waits,
    )
    kinds: dict[type, st.SearchStrategy[Fault]] = {kind: faults({kind}) for kind in FAULTS}
    # Larger than any client accepts.
    kinds[Oversized] = st.just(Oversized(5 << 20))
    # Never without a pause between pieces: an oversized body in such pieces takes minutes and tests nothing.
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
    """Whether a limit admits a request at least every two seconds on average."""
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
    # Similar strategies are listed several times to be drawn more often.
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
        # Expired jobs can't be followed; the fault `Vanished` covers this.
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
def _actions() -> st.SearchStrategy[tuple[Action, ...]]:
    action = st.builds(
        Action,
        st.sampled_from((0.5, 5.0, 20.0, 60.0)),
        st.sampled_from(get_args(ActionKind)),
        st.integers(1, 5),
    )
    return st.lists(action, max_size=4).map(
        lambda some: tuple(sorted(some, key=lambda each: each.at))
    )


@functools.cache
def _sessions() -> st.SearchStrategy[Session]:
    return st.builds(
        Session,
        _readers(),
        st.lists(_readers(), max_size=2).map(tuple),
        st.builds(Leave, st.sampled_from(get_args(How)), st.integers(1, 12)),
        _actions(),
        st.booleans(),
        st.sampled_from((1.0, 30.0, 200.0)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Cases of every kind. They shrink towards one job, watched once, without faults."""
    has_journal = draw(st.booleans())
    sessions = draw(st.lists(_sessions(), min_size=1, max_size=4 if has_journal else 1).map(tuple))
    first = attrs.evolve(sessions[0], passes_ids=True)
    # However the other sessions are left, the last one reads all remaining events.
    last = () if not has_journal else (Session(),)
    outages = st.builds(
        Outage,
        st.sampled_from(get_args(Kind) if has_journal else get_args(Kind)[:-1]),
        st.sampled_from((0.0, 20.0, 60.0)),
    )
    return Case(
        scenario=draw(_scenarios()),
        unknown_ids=draw(st.sampled_from((0, 0, 1, 2))),
        interval=draw(st.sampled_from((0.0, 0.0, 4.0))),
        sessions=(first, *sessions[1:], *last),
        has_journal=has_journal,
        outage=draw(st.none() | outages) if draw(st.booleans()) else None,
        timeout=draw(st.sampled_from((PATIENT, PATIENT, PATIENT, 120.0))),
        capacity=draw(st.sampled_from((1000, 1, 3))),
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
def case_of_seed(seed: int) -> Case:
    """Return the case of a seed."""
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
    # Hypothesis starts with the simplest example; the second one is the seed's.
    return found[-1]


def shrunk_case(seed: int, fails: Callable[[Case], bool]) -> Case:
    """Return a minimal case that fails like the one of this seed.

    Raises:
        NoSuchExample: The case of this seed doesn't fail.
    """
    return find(
        cases(),
        fails,
        settings=_settings((Phase.generate, Phase.shrink), 2),
        random=random.Random(seed),
    )
