"""The page of a report: one HTML file that loads nothing else, so it can be read offline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined

from legnext_stream._core.stats import Stats
from legnext_stream._report.collecting import Collected, Failure, SeenJob
from legnext_stream._report.figures import delays, gantt, requests, run_times, status_counts
from legnext_stream._report.plots import (
    delays_chart,
    gantt_chart,
    requests_chart,
    run_times_chart,
    status_counts_chart,
)
from legnext_stream._report.tables import (
    Table,
    delays_table,
    gantt_table,
    reasons_table,
    requests_table,
    run_times_table,
    status_counts_table,
    summary,
    unsuccessful_table,
)
from legnext_stream._version import __version__

FORMAT = 1
"""The version of the page's data; a program that reads it should check this first."""

# Every text is escaped: prompts, messages and ids come from outside.
_TEMPLATES = Environment(
    loader=PackageLoader("legnext_stream._report", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@attrs.frozen
class Chart:
    """A chart of the page.

    Attributes:
        text: How to read it, in a sentence or two.
        alternative: A description for screen readers.
        table: The same in numbers.
        is_tall: Whether several other charts fit beside it.
    """

    title: str
    text: str
    alternative: str
    svg: str
    table: Table
    is_tall: bool = False


def page(collected: Collected, tables: tuple[Table, ...] = ()) -> str:
    """The whole page; `tables` are further ones, above the charts."""
    lists = [unsuccessful_table(collected), reasons_table(collected)] if collected.reasons else []
    return _TEMPLATES.get_template("page.html").render(
        collected=collected,
        summary=summary(collected),
        tables=tables,
        charts=list(_charts(collected)),
        lists=lists,
        data=as_data(collected, tables),
        version=__version__,
    )


def _charts(collected: Collected) -> Iterator[Chart]:
    """The charts for which there is data."""
    jobs = len(collected.jobs)
    sample = "" if collected.is_whole else f" From a fair sample of {jobs:,} jobs."
    rows = requests(collected)
    counts = status_counts(collected)
    if rows:
        yield Chart(
            "Jobs over time",
            "All jobs, by the status that was last seen.",
            "A stacked area chart of the number of jobs by status over time.",
            status_counts_chart(counts),
            status_counts_table(counts),
        )
    yield from _gantt(collected)
    if types := run_times(collected):
        medians = "; ".join(
            f"{each.task_type}, median {each.quantiles['median']:.0f} s" for each in types[:5]
        )
        yield Chart(
            "Run times by task type",
            "How long completed jobs ran by the API's clock: all of them, the middle 80 % and the"
            f" middle half, over the published range.{sample}",
            f"For each task type, the spread of run times over the published range: {medians}",
            run_times_chart(types),
            run_times_table(types),
        )
    if found := delays(collected):
        least, most = found.row(0.5)
        yield Chart(
            "Detection delay",
            "The time between a job's end and when that was seen. Only bounds are known: the job ended"
            " after the request before, and within the second that the API's ended_at"
            f" gives.{sample}",
            "Two curves of the share of ends against the seconds until they were seen; half of them"
            f" were seen within {least:.2f} to {most:.2f} seconds.",
            delays_chart(found),
            delays_table(found),
        )
    if rows:
        yield Chart(
            "Requests",
            "Status requests a second, and how many the learned limits allowed.",
            "Requests a second over time, and the allowed rate;"
            f" {collected.stats.rate_limited:,} were answered 429.",
            requests_chart(rows),
            requests_table(rows),
        )


def _gantt(collected: Collected) -> Iterator[Chart]:
    chart = gantt(collected)
    if not chart.bars:
        return
    clock = "the API's times" if chart.by_api_clock else "when that was seen"
    number = len(chart.bars)
    which = "Each job" if number >= chart.of else f"{number} of {chart.of:,} jobs, evenly spaced,"
    yield Chart(
        "The batch, job by job",
        f"{which} from waiting through running to its end, by {clock}.",
        f"A Gantt chart of {number} jobs: when each waited, ran and ended.",
        gantt_chart(chart),
        gantt_table(chart),
        is_tall=number > 30,
    )


def as_data(collected: Collected, tables: tuple[Table, ...] = ()) -> dict[str, object]:
    """All of a report as plain data that JSON can hold.

    Times are in seconds since the beginning. Those of the API, whose names end in `_at`, are in
    seconds since 1970.
    """
    stats, began = collected.stats, collected.began
    moments = [_moment(at, each, collected.time_scale) for at, each in collected.moments]
    return {
        "format": FORMAT,
        "title": collected.title,
        "notes": collected.notes,
        "began": None if began is None else began.isoformat().replace("+00:00", "Z"),
        "ending": collected.ending,
        "took": round(collected.took, 3),
        "ends": collected.ends,
        "polls": stats.polls,
        "retries": stats.retries,
        "rate_limited": stats.rate_limited,
        "troubles": stats.troubles,
        "limit": stats.ceiling,
        "spent": collected.spent,
        "files": collected.files,
        "saved_bytes": collected.saved_bytes,
        "tables": [[table.title, table.head, table.rows] for table in tables],
        "unsuccessful": [_fields(each) for each in collected.unsuccessful],
        "reasons": collected.reasons,
        "has_all_jobs": collected.is_whole,
        "job_columns": [column.name for column in attrs.fields(SeenJob)],
        "jobs": [list(_fields(job).values()) for job in collected.jobs],
        "moment_columns": list(moments[0]),
        "moments": [list(moment.values()) for moment in moments],
    }


def _moment(at: float, stats: Stats, time_scale: float) -> dict[str, object]:
    return {
        "at": round(at, 3),
        "polls": stats.polls,
        "rate_limited": stats.rate_limited,
        "troubles": stats.troubles,
        "allowed": round(stats.rate / time_scale, 3),
        "why": stats.why,
        "unseen": stats.unseen,
        "jobs": stats.jobs,
    }


def _fields(seen: SeenJob | Failure) -> dict[str, object]:
    return attrs.asdict(seen, value_serializer=lambda _, __, value: _plain(value))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    return round(value, 3) if isinstance(value, float) else value
