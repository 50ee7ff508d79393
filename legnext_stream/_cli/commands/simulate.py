"""`legnext-stream simulate`: how long a batch would take, in virtual time against the mock server."""

from __future__ import annotations

import json as json_module
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.progress import BarColumn, Progress

from legnext_stream._cli.exits import Exit, UsageError, say
from legnext_stream._cli.options import Count, Flag, PacingOptions
from legnext_stream._cli.running import need_stdout, noted_signals
from legnext_stream._cli.simulation import (
    FIGURES,
    Batch,
    Outcome,
    figures,
    find_batch,
    find_mock,
    simulate_batch,
)
from legnext_stream._cli.words import clock_words, counted
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.stats import Stats
from legnext_stream._report import Table, check_report, seconds_words, write_report


def simulate(
    source: Annotated[str | None, Parameter(name="FILE")] = None,
    /,
    *,
    jobs: Count | None = None,
    journal: Path | None = None,
    task_type: TaskType = TaskType.DIFFUSION,
    slots: str = "12",
    rate: Annotated[float | None, Parameter(validator=Number(gt=0, lt=math.inf))] = None,
    burst: Count = 10,
    preset: Literal["fast", "typical", "relax", "video"] = "typical",
    latency: Annotated[float, Parameter(validator=Number(gte=0, lt=math.inf))] = 0.1,
    scenario: Path | None = None,
    seed: int = 0,
    seeds: Count = 3,
    json: Flag = False,
    report: Path | None = None,
    pacing: PacingOptions = Pacing(),  # noqa: B008 - frozen
) -> int:
    """Print how long a batch would take and what it would cost: no key, no network, no waiting.

    The whole batch is simulated several times in virtual time, each time with other random run times
    and failures. You describe the account by these options. The real limits aren't published, so the
    result is as good as your description.

    Args:
        source: A file of prompts, as generate takes it.
        jobs: Instead of a file: the number of prompts.
        journal: Instead of a file: the jobs of a journal, with the task types, run times and share
            of failures recorded there. They are watched as if all had been submitted at the
            beginning.
        task_type: The task of prompts that don't name one.
        slots: How many jobs run at the same time; the others wait. reject@6 refuses a seventh job
            instead.
        rate: The requests a second that the account allows; by default there is no limit.
        burst: The requests that it allows at once, before the rate applies.
        preset: How long jobs run: fast, typical (as published), relax (the slow mode) or video.
        latency: How long an answer takes, in seconds.
        scenario: A scenario file of the mock server, in TOML or JSON, for everything else. It
            overrides the options.
        seed: The first seed. The same seed gives the same result.
        seeds: The number of simulations, with consecutive seeds. Several show the spread.
        json: Write one line of JSON.
        report: Write a page about the first simulation, and the figures of all, to this file.
        pacing: When and how fast to poll.
    """
    account: dict[str, object] = {
        "slots": int(slots) if slots.isdecimal() else slots,
        "run_times": preset,
        "latency": latency,
        "limit": [] if rate is None else [{"kind": "token-bucket", "rate": rate, "burst": burst}],
    }
    stdout = need_stdout()
    batch = find_batch(source, jobs, journal, task_type)
    if scenario is not None:
        account |= _read_scenario(scenario)
    settings = {**account, **batch.settings}
    if report is not None:
        check_report(report)
    with noted_signals() as noted:
        outcomes = _run_all(batch, settings, range(seed, seed + seeds), pacing, noted)
    if isinstance(outcomes, int):
        return outcomes
    found = figures(outcomes)
    lines = [_as_json(batch, outcomes, found, settings)] if json else _lines(batch, outcomes, found)
    print("\n".join(lines), file=stdout, flush=True)
    if report is not None:
        write_report(report, outcomes[0].collected, (_as_table(found),))
        say(f"Report: {report}")
    return Exit.COMPLETED


def _read_scenario(path: Path) -> dict[str, object]:
    """The plain data of a scenario file, in TOML or JSON."""
    try:
        text = path.read_text(encoding="utf-8")
        read = json_module.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {path}: {reason}") from None
    if not isinstance(read, dict):
        raise UsageError(f"can't read {path}: it must be an object of settings")
    return read


def _run_all(
    batch: Batch,
    settings: Mapping[str, object],
    seeds: Sequence[int],
    pacing: Pacing,
    noted: Sequence[int],
) -> list[Outcome] | int:
    """The outcome for each seed; or the exit status, if a signal or an error ended a simulation."""
    mock = find_mock()
    outcomes = []
    console = Console(stderr=True)
    is_terminal = console.is_terminal and not console.is_dumb_terminal
    with Progress(
        *("{task.description}", BarColumn(), "{task.completed} of {task.total} jobs ended"),
        "after {task.fields[after]}",
        console=console,
        transient=True,
        disable=not is_terminal,
    ) as bar:
        for number, seed in enumerate(seeds, 1):
            title = f"simulation {number} of {len(seeds)}"
            task = bar.add_task(title, total=batch.jobs, after="0:00")

            def show(at: float, stats: Stats) -> None:
                bar.update(task, completed=stats.ended, after=clock_words(at))  # noqa: B023 - called in this turn

            outcome = simulate_batch(mock, batch, settings, seed=seed, pacing=pacing, show=show)
            bar.remove_task(task)
            if isinstance(outcome, int):
                return outcome
            if noted:
                return 128 + noted[0]
            if not is_terminal:
                say(
                    f"{title}: {counted(outcome.jobs, 'job')} ended after {clock_words(outcome.collected.took)}"
                )
            outcomes.append(outcome)
    return outcomes


def _lines(
    batch: Batch, outcomes: Sequence[Outcome], found: Mapping[str, Sequence[float]]
) -> Iterator[str]:
    """The figures for a terminal; the spread only if there are several simulations."""
    first, last, number = outcomes[0].seed, outcomes[-1].seed, len(outcomes)
    seeds = f"{number} times, seeds {first} to {last}" if number > 1 else f"seed {first}"
    yield f"{batch.title}: {counted(batch.jobs, 'job')}, {seeds}"
    table = _as_table(found)
    rows = [table.head, *table.rows] if number > 1 else [row[:2] for row in table.rows]
    for title, *cells in rows:
        yield f"  {title:<22}" + "".join(f"{cell:>14}" for cell in cells)


def _as_table(found: Mapping[str, Sequence[float]]) -> Table:
    rows = []
    for name, (title, unit) in FIGURES.items():
        if values := found[name]:
            numbers = (fmean(values), min(values), max(values))
            rows.append((title, *(_words(number, unit) for number in numbers)))
    return Table("All simulations", ("", "mean", "least", "most"), tuple(rows))


def _words(value: float, unit: str) -> str:
    if unit == "s":
        return seconds_words(value)
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def _as_json(
    batch: Batch,
    outcomes: Sequence[Outcome],
    found: Mapping[str, Sequence[float]],
    settings: Mapping[str, object],
) -> str:
    """Everything on one line; times in seconds."""
    account = {name: value for name, value in settings.items() if name not in {"jobs", "run_times"}}
    return json_module.dumps(
        {
            "title": batch.title,
            "jobs": batch.jobs,
            "account": account,
            "seeds": [outcome.seed for outcome in outcomes],
            **{
                name: {"mean": fmean(values) if values else None, "values": values}
                for name, values in found.items()
            },
        },
        default=str,
    )
