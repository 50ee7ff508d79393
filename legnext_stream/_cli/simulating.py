"""One batch in virtual time, against the mock in the same process, and the figures that come of it.

The mock is met through the entry points of the group `legnext_stream.simulation` alone: `mock` makes
a simulated account from plain data, and `run` runs an async function in virtual time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs
import trio

from legnext_stream._cli.exits import Exit, UsageError
from legnext_stream._cli.running import reporting
from legnext_stream._cli.signals import until_signal
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.stats import Stats
from legnext_stream._engine.stream import EventStream
from legnext_stream._report import Collector
from legnext_stream._report.collecting import Collected
from legnext_stream._report.figures import quantile

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

GROUP = "legnext_stream.simulation"
"""The entry points by which the mock is found."""


class Simulation(Protocol):
    """A simulated account, and what really happened in it."""

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport that leads to it."""
        ...

    def ended_at(self) -> Mapping[str, float]:
        """When each job ended that has, in seconds since the simulation's start."""
        ...


class Run(Protocol):
    """Runs an async function in virtual time, as `trio.run` does in real time."""

    def __call__(self, async_fn: Callable[..., Awaitable[T]], /, *args: object) -> T:
        """Run it."""
        ...


@attrs.frozen
class Doors:
    """The ways into the mock.

    Attributes:
        mock: Makes a simulated account from plain data; a ValueError says what is wrong with it.
        run: Runs an async function in virtual time.
    """

    mock: Callable[[Mapping[str, object]], Simulation]
    run: Run


def find_doors() -> Doors:
    """Find the mock.

    Raises:
        UsageError: It isn't installed, or something that it needs.
    """
    found = {door.name: door for door in entry_points(group=GROUP)}
    try:
        loaded: dict[str, Any] = {name: found[name].load() for name in ("mock", "run")}
    except (KeyError, ImportError) as error:
        raise UsageError(
            f"a simulation needs the mock server ({error}): pip install 'legnext-stream[demo]'"
        ) from None
    return Doors(**loaded)


@attrs.frozen(kw_only=True)
class Outcome:
    """What one simulated batch took and cost. Times in seconds of the simulation.

    Attributes:
        seed: By which it was drawn.
        jobs: How many jobs there were.
        completed: How many of them completed.
        took: From the beginning until the last end was seen.
        requests: Status requests.
        refused: Those of them, and of the submits, that were answered 429.
        delay_mean: From a job's end until it was seen, on the average; None if none ended.
        delay_90: Nine in ten ends were seen within so much time.
        spent: What the jobs cost, in the API's unit.
        collected: What there is to report.
    """

    seed: int
    jobs: int
    completed: int
    took: float
    requests: int
    refused: int
    delay_mean: float | None
    delay_90: float | None
    spent: float
    collected: Collected = attrs.field(repr=False)

    @property
    def requests_a_job(self) -> float:
        """Status requests for each job."""
        return self.requests / self.jobs if self.jobs else 0.0


Open = Callable[[LegnextClient], EventStream]
"""Opens the stream that follows the batch."""

Show = Callable[[float, Stats], None]
"""Shows how far a simulation has come, by the simulated time and the numbers."""


def simulate_one(
    doors: Doors,
    settings: Mapping[str, object],
    *,
    title: str,
    seed: int,
    pacing: Pacing,
    open_stream: Open,
    show: Show,
) -> Outcome | int:
    """Run one batch to its end in virtual time.

    Args:
        doors: The ways into the mock.
        settings: The simulated account, as plain data.
        title: What its report is to be called.
        seed: By which the account is drawn.
        pacing: When and how fast to ask.
        open_stream: Opens the stream that follows the batch.
        show: Called now and then.

    Returns:
        What came of it; or the exit status, where a signal or an error ended it, which was told.

    Raises:
        UsageError: The settings are none of an account.
    """
    try:
        simulation = doors.mock({**settings, "seed": seed})
    except ValueError as error:
        raise UsageError(f"the simulated account: {error}") from None
    outcomes: list[Outcome] = []

    async def work() -> Exit:
        client = LegnextClient(
            "simulated", "http://simulated", simulation.transport(), pacing=pacing
        )
        async with client:
            outcomes.append(await _follow(client, simulation, title, seed, open_stream, show))
        return Exit.COMPLETED

    status = doors.run(partial(until_signal, partial(reporting, work)))
    return status or outcomes[0]


async def _follow(
    client: LegnextClient,
    simulation: Simulation,
    title: str,
    seed: int,
    open_stream: Open,
    show: Show,
) -> Outcome:
    began = trio.current_time()
    collector = Collector(title, began)
    seen: dict[str, float] = {}
    async with open_stream(client) as events:
        stats = events.stats
        collector.sample(began, stats)
        async for event in events:
            now = trio.current_time()
            collector.note(event)
            if event.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
                seen[event.job_id] = event.observed_at - began
            if collector.is_due(now):
                stats = events.stats
                collector.sample(now, stats)
                show(now - began, stats)
        stats = events.stats
    took = trio.current_time() - began
    truth = simulation.ended_at()
    delays = sorted(max(at - truth[job_id], 0.0) for job_id, at in seen.items())
    collected = collector.collected(trio.current_time(), stats, "all jobs ended")
    return Outcome(
        seed=seed,
        jobs=sum(collected.ends.values()),
        completed=collected.ends.get(JobStatus.COMPLETED, 0),
        took=took,
        requests=stats.polls,
        refused=stats.rate_limited + stats.submits_limited,
        delay_mean=fmean(delays) if delays else None,
        delay_90=quantile(delays, 0.9) if delays else None,
        spent=sum(collected.spent.values()),
        collected=collected,
    )


@attrs.frozen
class Measure:
    """One figure of several simulations.

    Attributes:
        name: What it is called in data.
        title: What people call it.
        unit: `"s"` for seconds, or empty.
        values: Its value in each simulation for which there is one.
    """

    name: str
    title: str
    unit: str
    values: tuple[float, ...]


def measures(outcomes: Sequence[Outcome]) -> list[Measure]:
    """The figures of simulations of the same batch."""
    figures: list[tuple[str, str, str, Callable[[Outcome], float | None]]] = [
        ("took", "time to the end", "s", lambda each: each.took),
        ("completed", "jobs completed", "", lambda each: each.completed),
        ("requests", "status requests", "", lambda each: each.requests),
        ("requests_a_job", "requests a job", "", lambda each: each.requests_a_job),
        ("refused", "answered 429", "", lambda each: each.refused),
        ("delay_mean", "detection delay, mean", "s", lambda each: each.delay_mean),
        ("delay_90", "detection delay, 90 %", "s", lambda each: each.delay_90),
        ("spent", "points spent", "", lambda each: each.spent),
    ]
    return [
        Measure(name, title, unit, tuple(v for each in outcomes if (v := of(each)) is not None))
        for name, title, unit, of in figures
    ]
