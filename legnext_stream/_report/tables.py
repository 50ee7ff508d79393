"""The tables of a report, in words and numbers for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import humanize

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._report.collecting import Collected
from legnext_stream._report.figures import (
    QUANTILES,
    Delays,
    Gantt,
    Requests,
    RunTimes,
    StatusCounts,
    delays,
    merged,
    thinned,
)


@attrs.frozen
class Table:
    """A table, with a remark below it if there is one.

    Attributes:
        head: The names of its columns; empty for a list of names and values.
        rows: Its rows. The first cell of each is its heading.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def seconds_words(seconds: float | None) -> str:
    """A duration: `0.42 s`, `12.3 s`, `14 min 05 s`, `3 h 07 min`."""
    # humanize writes such times as sentences, too long for a table.
    if seconds is None:
        return "–"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours} h {minute:02} min" if hours else f"{minute} min {second:02} s"


def summary(collected: Collected) -> Table:
    """The result, and what it took."""
    return Table("Summary", (), tuple(_summary_rows(collected)))


def _summary_rows(collected: Collected) -> Iterable[tuple[str, str]]:
    stats = collected.stats
    ended = sum(collected.ends.values())
    yield "ending", collected.ending
    if collected.began is not None:
        yield "begun", f"{collected.began:%Y-%m-%d %H:%M:%S} UTC"
    yield "took", seconds_words(collected.took)
    known = max(sum(stats.jobs.values()) + stats.unseen, ended)
    yield "jobs", f"{known:,}, of which {ended:,} ended"
    for status in JobStatus:
        if status.is_terminal and (count := collected.ends.get(status)):
            yield status.replace("_", " "), f"{count:,}"
    if collected.files:
        yield "files saved", f"{collected.files:,}, {humanize.naturalsize(collected.saved_bytes)}"
    for unit, amount in collected.spent.items():
        yield "spent", f"{amount:,.10g} {unit or 'of the account'}{'' if amount == 1 else 's'}"
    if stats.submits:
        limited = f", {stats.submits_limited:,} answered 429" if stats.submits_limited else ""
        yield "submits", f"{stats.submits:,}; {stats.submitted:,} made a job{limited}"
    per_job = f"; {stats.polls / ended:.2f} for each job that ended" if ended else ""
    yield "status requests", f"{stats.polls:,}{per_job}"
    yield "answered 429", f"{stats.rate_limited:,}"
    yield "failed otherwise", f"{stats.troubles:,}; {stats.retries:,} requests were retries"
    limit = "no limit was met" if stats.ceiling is None else f"{stats.ceiling:.3g} a second"
    yield "limit learned", limit
    found = delays(collected)
    if found is not None:
        yield "detection delay, median", _between(found.row(0.5))
        yield "detection delay, 90 %", _between(found.row(0.9))


def _between(bounds: tuple[float, float]) -> str:
    return f"{seconds_words(bounds[0])} to {seconds_words(bounds[1])}"


def gantt_table(chart: Gantt) -> Table:
    """The bars of the Gantt chart."""
    return Table(
        "The jobs of the chart",
        ("job", "status", "submitted at, s", "runs from, s", "until, s"),
        tuple(
            (
                bar.job_id,
                bar.status.replace("_", " "),
                _number(bar.queued_at),
                "–" if bar.runs_from is None else _number(bar.runs_from),
                _number(bar.until),
            )
            for bar in chart.bars
        ),
    )


def status_counts_table(counts: StatusCounts) -> Table:
    """The number of jobs by status, at some moments."""
    rows = thinned(zip(counts.times, *counts.layers.values(), strict=True))
    return Table(
        "Jobs over time",
        ("at, s", *counts.layers),
        tuple((_number(at), *(f"{count:,.0f}" for count in layers)) for at, *layers in rows),
    )


def run_times_table(types: Sequence[RunTimes]) -> Table:
    """The run times of each task type."""
    return Table(
        "Run times in seconds",
        ("task type", "jobs", "published", *QUANTILES),
        tuple(
            (
                each.task_type,
                f"{each.jobs:,}",
                "–" if each.published is None else "{:.0f}–{:.0f}".format(*each.published),
                *map(_number, each.quantiles.values()),
            )
            for each in types
        ),
    )


def delays_table(found: Delays) -> Table:
    """The delays that a share of the jobs didn't exceed."""
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
    return Table(
        "Seconds until an end was seen",
        ("share of the jobs", "at least", "at most"),
        tuple(
            (f"{share:.0%}", *(f"{bound:.2f}" for bound in found.row(share))) for share in shares
        ),
    )


def requests_table(rows: Sequence[Requests]) -> Table:
    """The requests over time."""
    return Table(
        "Requests over time",
        ("from, s", "to, s", "requests a second", "allowed", "why", "answered 429"),
        tuple(
            (
                _number(row.since),
                _number(row.until),
                f"{row.rate:.2f}",
                f"{row.allowed:.2f}",
                row.why,
                f"{row.refused:,}",
            )
            for row in merged(rows)
        ),
    )


def unsuccessful_table(collected: Collected) -> Table:
    """The jobs that ended without completing, or whose results were not saved."""
    some = collected.unsuccessful
    total = sum(collected.reasons.values())
    has_prompts = any(each.prompt for each in some)
    return Table(
        "Not completed, or not saved",
        ("job", "status", "at, s", "reason", *(("prompt",) if has_prompts else ())),
        tuple(
            (
                each.job_id,
                each.status.replace("_", " "),
                _number(each.at),
                each.reason,
                *((each.prompt,) if has_prompts else ()),
            )
            for each in some
        ),
        note="" if len(some) == total else f"The first {len(some):,} of {total:,}.",
    )


def reasons_table(collected: Collected) -> Table:
    """The reasons, and how many jobs had each."""
    return Table(
        "Reasons",
        ("reason", "jobs"),
        tuple((reason, f"{count:,}") for reason, count in collected.reasons.items()),
    )


def _number(number: float) -> str:
    return f"{number:,.1f}"
