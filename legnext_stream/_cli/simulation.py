"""Simulating a batch: in virtual time, against the mock server in the same process.

The library doesn't import the mock. It finds it through two entry points of the group
`legnext_stream.simulation`: `mock` makes a simulated account from plain data, and `run` runs an async
function in virtual time. `demo` uses the account too, in real time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import trio

from legnext_stream._cli.exits import Exit, UsageError
from legnext_stream._cli.inputs import from_journal, learned_durations
from legnext_stream._cli.prompts import read_prompt_file
from legnext_stream._cli.running import run_to_exit
from legnext_stream._cli.words import counted
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.stats import Stats
from legnext_stream._engine.stream import EventStream
from legnext_stream._journal.contents import read_jobs
from legnext_stream._report import Collected, Collector, quantile

if TYPE_CHECKING:
    import httpx

# The number of quantiles that describe the learned run times.
_QUANTILES = 41


@attrs.frozen(kw_only=True)
class Batch:
    """A batch to simulate.

    Attributes:
        settings: What the simulated account must have for it, as plain data.
        jobs: How many jobs there are.
    """

    title: str
    settings: Mapping[str, object]
    open_stream: Callable[[LegnextClient], EventStream]
    jobs: int


def find_batch(
    source: str | None, jobs: int | None, journal: Path | None, task_type: TaskType
) -> Batch:
    """The batch to simulate: the prompts of a file, a number of jobs, or the jobs of a journal.

    Raises:
        UsageError: None or several of these are given, or the batch can't be read or simulated.
    """
    if sum(given is not None for given in (source, jobs, journal)) != 1:
        raise UsageError("name one thing to simulate: a file of prompts, --jobs or --journal")
    if journal is not None:
        return _of_journal(journal)
    if source is None:
        number = jobs or 0
        prompts = [Prompt(f"simulated prompt {n + 1}", task_type=task_type) for n in range(number)]
        title = counted(number, "simulated job")
    else:
        prompts = read_prompt_file(source, task_type)
        if not prompts:
            raise UsageError(f"{source} has no prompts")
        title = f"simulation of {source}"
    for position, prompt in enumerate(prompts, 1):
        if prompt.params.keys() & {"jobId", "job_id"}:
            raise UsageError(
                f"prompt {position} builds on another job, which a simulation doesn't have;"
                " simulate its journal, or --jobs"
            )
    return Batch(
        title=title,
        settings={},
        open_stream=lambda client: client.generate(prompts, timeout=None),
        jobs=len(prompts),
    )


def _of_journal(path: Path) -> Batch:
    """The jobs of a journal, with the run times and the share of failures that it has seen."""
    known = from_journal(read_jobs, path)
    types = {member.value for member in TaskType}
    usual = Counter(job.task_type for job in known if job.task_type in types).most_common(1)
    # Jobs not seen yet are taken to be of the most frequent type.
    otherwise = usual[0][0] if usual else TaskType.DIFFUSION.value
    jobs = [
        {
            "job_id": job.job_id,
            "task_type": job.task_type if job.task_type in types else otherwise,
        }
        for job in known
    ]
    settings: dict[str, object] = {"jobs": jobs}
    if times := _as_distributions(learned_durations(path)):
        settings["run_times"] = {
            "kind": "per-type",
            "by_type": times,
            "otherwise": {"kind": "lognormal", "median": 60, "sigma": 0.4},
        }
    ends = Counter(job.status for job in known if job.is_ended)
    if ends[JobStatus.FAILED]:
        settings["failure_share"] = ends[JobStatus.FAILED] / ends.total()
    ids = [job.job_id for job in known]
    return Batch(
        title=f"simulation of {path}",
        settings=settings,
        open_stream=lambda client: client.watch(ids, timeout=None),
        jobs=len(ids),
    )


def _as_distributions(durations: Durations) -> dict[str, object]:
    """The learned run times by task type, as distributions in plain data."""
    # The curve has no end: its last hundredth would be a rare job of many hours.
    shares = [0.01 + 0.98 * number / (_QUANTILES - 1) for number in range(_QUANTILES)]
    return {
        name: {
            "kind": "empirical",
            "seconds": [run_times.curve.quantile(share) for share in shares],
        }
        for name, run_times in durations
        if run_times.ended_jobs
    }


class Simulation(Protocol):
    """A simulated account."""

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport that leads to it."""
        ...

    def ended_at(self) -> Mapping[str, float]:
        """When each job really ended, in seconds since the simulation's start."""
        ...


@attrs.frozen
class Mock:
    """The mock server.

    Attributes:
        mock: Makes a simulated account from plain data; a ValueError says what is wrong with the data.
        run: Runs an async function in virtual time, as `trio.run` does in real time.
    """

    mock: Callable[[Mapping[str, object]], Simulation]
    run: Callable[[Callable[[], Awaitable[int]]], int]


def find_mock() -> Mock:
    """Find the mock server.

    Raises:
        UsageError: It, or a package that it needs, isn't installed.
    """
    found = {each.name: each for each in entry_points(group="legnext_stream.simulation")}
    try:
        loaded: dict[str, Any] = {name: found[name].load() for name in ("mock", "run")}
    except (KeyError, ImportError) as error:
        raise UsageError(
            f"this needs the mock server ({error}): pip install 'legnext-stream[demo]'"
        ) from None
    return Mock(**loaded)


FIGURES: Mapping[str, tuple[str, str]] = {
    "took": ("time to the end", "s"),
    "completed": ("jobs completed", ""),
    "requests": ("status requests", ""),
    "requests_a_job": ("requests a job", ""),
    "refused": ("answered 429", ""),
    "delay_mean": ("detection delay, mean", "s"),
    "delay_90": ("detection delay, 90 %", "s"),
    "spent": ("points spent", ""),
}
"""The figures that describe a simulation: the name for people, and the unit, `s` or empty.

`requests` are status requests, `refused` has submits too. A delay is from a job's end until it was seen.
Times are in seconds of the simulation.
"""


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of one simulation.

    Attributes:
        figures: The value of each of the `FIGURES`; None if there is none, because no job ended.
        collected: What a report shows.
    """

    seed: int
    jobs: int
    figures: Mapping[str, float | None]
    collected: Collected = attrs.field(repr=False)


def simulate_batch(
    mock: Mock,
    batch: Batch,
    settings: Mapping[str, object],
    *,
    seed: int,
    pacing: Pacing,
    show: Callable[[float, Stats], None],
) -> Outcome | int:
    """Run a batch to its end in virtual time; `show` is called now and then with that and the numbers.

    Returns:
        The outcome; or the exit status, if a signal or an error ended the simulation. The error's
        message was printed.

    Raises:
        UsageError: The settings are wrong.
    """
    try:
        simulation = mock.mock({**settings, "seed": seed})
    except ValueError as error:
        raise UsageError(f"the simulated account: {error}") from None
    outcomes: list[Outcome] = []

    async def work() -> Exit:
        client = LegnextClient(
            "simulated", "http://simulated", simulation.transport(), pacing=pacing
        )
        async with client:
            outcomes.append(await _follow(client, batch, simulation, seed, show))
        return Exit.COMPLETED

    status = mock.run(partial(run_to_exit, work))
    return status or outcomes[0]


async def _follow(
    client: LegnextClient,
    batch: Batch,
    simulation: Simulation,
    seed: int,
    show: Callable[[float, Stats], None],
) -> Outcome:
    began = trio.current_time()
    collector = Collector(batch.title, began)
    seen: dict[str, float] = {}
    async with batch.open_stream(client) as events:
        collector.sample(began, events.stats)
        async for event in events:
            now = trio.current_time()
            collector.note(event)
            if event.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
                seen[event.job_id] = event.observed_at - began
            if collector.is_due(now):
                collector.sample(now, events.stats)
                show(now - began, events.stats)
        stats = events.stats
    ended = trio.current_time()
    truth = simulation.ended_at()
    delays = sorted(max(at - truth[job_id], 0.0) for job_id, at in seen.items())
    collected = collector.collected(ended, stats, "all jobs ended")
    jobs = sum(collected.ends.values())
    found = {
        "took": ended - began,
        "completed": collected.ends.get(JobStatus.COMPLETED, 0),
        "requests": stats.polls,
        "requests_a_job": stats.polls / jobs if jobs else 0.0,
        "refused": stats.rate_limited + stats.submits_limited,
        "delay_mean": fmean(delays) if delays else None,
        "delay_90": quantile(delays, 0.9) if delays else None,
        "spent": sum(collected.spent.values()),
    }
    return Outcome(seed=seed, jobs=jobs, figures=found, collected=collected)


def figures(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """The values of each figure, from all simulations that have one."""
    return {
        name: [value for each in outcomes if (value := each.figures[name]) is not None]
        for name in FIGURES
    }
