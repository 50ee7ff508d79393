"""`legnext-stream simulate`: what a batch would take and cost, in virtual time against the mock."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.exits import Exit, UsageError, say
from legnext_stream._cli.options import Json, PacingOptions, Report
from legnext_stream._cli.running import EXPECTED, need_stdout, told
from legnext_stream._cli.signals import noted_signals
from legnext_stream._cli.simulated_batch import Batch, find_batch, read_scenario
from legnext_stream._cli.simulating import Measure, Outcome, find_doors, measures, simulate_one
from legnext_stream._cli.wording import clock_words
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.stats import Stats
from legnext_stream._report import ReportError, check_report, write_report
from legnext_stream._report.tables import Table, seconds_words

Preset = Literal["fast", "typical", "relax", "video"]

# How often a line of progress is drawn anew, in real seconds.
_REDRAW = 0.2


def simulate(
    source: Annotated[str | None, Parameter(name="FILE")] = None,
    /,
    *,
    jobs: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    journal: Path | None = None,
    task_type: TaskType = TaskType.DIFFUSION,
    slots: str = "12",
    rate: Annotated[float | None, Parameter(validator=Number(gt=0, lt=math.inf))] = None,
    burst: Annotated[int, Parameter(validator=Number(gte=1))] = 10,
    preset: Preset = "typical",
    latency: Annotated[float, Parameter(validator=Number(gte=0, lt=math.inf))] = 0.1,
    scenario: Path | None = None,
    seed: int = 0,
    seeds: Annotated[int, Parameter(validator=Number(gte=1))] = 3,
    json: Json = False,
    report: Report = None,
    pacing: PacingOptions = Pacing(),  # noqa: B008 - frozen
) -> int:
    """Say what a batch would take and cost with these settings: no key, no network, no waiting.

    The whole batch is run several times in virtual time, against a simulated account in the same
    process, each time with other chances. What the account is like is up to the options: the real
    one's limits aren't published, and a simulation is as right as what it is told.

    Args:
        source: A file of prompts, as generate takes it.
        jobs: Instead of a file: so many prompts.
        journal: Instead of a file: the jobs of a journal, with their task types, the run times that
            were learned from them, and as many failures. They are watched, as if all had been
            submitted at the beginning.
        task_type: The kind of work of prompts that don't say it themselves.
        slots: How many jobs run at once; the others wait. reject@6 refuses them instead.
        rate: How many requests a second the account admits; by default all.
        burst: How many requests at once it admits nevertheless.
        preset: How jobs live: fast, typical (as published), relax (the slow mode) or video.
        latency: How long an answer takes, in seconds.
        scenario: A file of the mock server, in TOML or JSON, for all that there is no option for; it
            goes before the options.
        seed: The first seed. The same seed gives the same result.
        seeds: How many seeds, one after the other; the figures of several show their spread.
        json: Write one line of JSON.
        report: A file for a page about the first of the simulations, and the figures of all.
        pacing: When and how fast to ask.
    """
    account: dict[str, object] = {
        "slots": int(slots) if slots.isdecimal() else slots,
        "run_times": preset,
        "latency": latency,
        "limit": [] if rate is None else [{"kind": "token-bucket", "rate": rate, "burst": burst}],
    }
    try:
        need_stdout()
        batch = find_batch(source, jobs, journal, task_type)
        if scenario is not None:
            account |= read_scenario(scenario)
        settings = {**account, **batch.settings}
        if report is not None:
            check_report(report)
        with noted_signals() as noted:
            result = _run_all(batch, settings, range(seed, seed + seeds), pacing, noted)
        if isinstance(result, int):
            return result
        _tell(batch, result, settings, wants_json=json, report=report)
    except ReportError as error:
        return told(UsageError(str(error)))
    except EXPECTED as error:
        return told(error)
    return Exit.COMPLETED


def _run_all(
    batch: Batch,
    settings: Mapping[str, object],
    seeds: Sequence[int],
    pacing: Pacing,
    noted: Sequence[int],
) -> list[Outcome] | int:
    """The outcome by each seed; or the exit status, where a signal or an error ended it."""
    doors = find_doors()
    outcomes = []
    for number, seed in enumerate(seeds, 1):
        ticker = Ticker(f"simulation {number} of {len(seeds)}", batch.jobs)
        try:
            outcome = simulate_one(
                doors,
                settings,
                title=batch.title,
                seed=seed,
                pacing=pacing,
                open_stream=batch.open_stream,
                show=ticker.show,
            )
        finally:
            ticker.clear()
        if isinstance(outcome, int):
            return outcome
        if noted:
            return 128 + noted[0]
        ticker.ended(outcome)
        outcomes.append(outcome)
    return outcomes


class Ticker:
    """Shows on standard error how far a simulation has come.

    Args:
        title: Which simulation.
        jobs: How many jobs it has.
    """

    def __init__(self, title: str, jobs: int) -> None:
        self._title = title
        self._jobs = jobs
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._drawn_at = 0.0

    def show(self, at: float, stats: Stats) -> None:
        """Show it, if somebody looks on and it is time."""
        if self._is_terminal and time.monotonic() - self._drawn_at >= _REDRAW:
            self._drawn_at = time.monotonic()
            words = f"{stats.ended:,} of {self._jobs:,} jobs ended after {clock_words(at)}"
            self._write(f"\r\x1b[K{self._title}: {words}")

    def clear(self) -> None:
        """Take it away."""
        if self._is_terminal:
            self._write("\r\x1b[K")

    def ended(self, outcome: Outcome) -> None:
        """Say in a line of a log that it has ended."""
        if not self._is_terminal:
            say(f"{self._title}: {outcome.jobs:,} jobs ended after {clock_words(outcome.took)}")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _tell(
    batch: Batch,
    outcomes: Sequence[Outcome],
    settings: Mapping[str, object],
    *,
    wants_json: bool,
    report: Path | None,
) -> None:
    figures = measures(outcomes)
    if wants_json:
        text = _as_json(batch, outcomes, figures, settings)
    else:
        text = "\n".join(_lines(batch, outcomes, figures))
    print(text, flush=True)  # noqa: T201 - a command's own voice
    if report is not None:
        write_report(report, outcomes[0].collected, (as_table(figures),))
        say(f"Report: {report}")


def as_table(figures: Sequence[Measure]) -> Table:
    """The figures of several simulations, for people."""
    rows = [
        (
            figure.title,
            *(_words(of, figure.unit) for of in (fmean(figure.values), *_ends(figure.values))),
        )
        for figure in figures
        if figure.values
    ]
    return Table("All simulations", ("", "mean", "least", "most"), tuple(rows))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _lines(batch: Batch, outcomes: Sequence[Outcome], figures: Sequence[Measure]) -> list[str]:
    table = as_table(figures)
    number = len(outcomes)
    # One alone has no spread to show.
    columns = 4 if number > 1 else 2
    rows = [row[:columns] for row in (table.head, *table.rows)]
    if number == 1:
        rows = rows[1:]
    widths = [max(len(row[column]) for row in rows) for column in range(columns)]
    seeds = f"seed {outcomes[0].seed}"
    if number > 1:
        seeds = f"{number} times, seeds {outcomes[0].seed} to {outcomes[-1].seed}"
    return [
        f"{batch.title}: {batch.jobs:,} jobs, {seeds}",
        *(
            "  "
            + row[0].ljust(widths[0])
            + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
            for row in rows
        ),
    ]


def _words(value: float, unit: str) -> str:
    if unit == "s":
        return seconds_words(value)
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def _as_json(
    batch: Batch,
    outcomes: Sequence[Outcome],
    figures: Sequence[Measure],
    settings: Mapping[str, object],
) -> str:
    """All of it in a line; times in seconds."""
    account = {name: value for name, value in settings.items() if name not in {"jobs", "run_times"}}
    return dumps(
        {
            "title": batch.title,
            "jobs": batch.jobs,
            "account": account,
            "seeds": [outcome.seed for outcome in outcomes],
            **{
                figure.name: {
                    "mean": fmean(figure.values) if figure.values else None,
                    "values": list(figure.values),
                }
                for figure in figures
            },
        },
        default=str,
    )
