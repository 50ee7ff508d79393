"""The page of a report: one HTML file that loads nothing else, so it can be read offline."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from legnext_stream._report.collecting import Collected
from legnext_stream._report.data import as_data
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
        title: What it shows.
        text: How to read it, in a sentence or two.
        alternative: A description for screen readers.
        svg: The picture.
        table: The same in numbers.
        is_tall: Whether several other charts fit beside it.
    """

    title: str
    text: str
    alternative: str
    svg: Markup
    table: Table
    is_tall: bool = False


def page(collected: Collected, tables: tuple[Table, ...] = ()) -> str:
    """The whole page.

    Args:
        collected: What to show.
        tables: More tables, above the charts.
    """
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
    if rows and any(counts.layers):
        yield Chart(
            "Jobs over time",
            "All jobs, by the status that was last seen.",
            "A stacked area chart of the number of jobs by status over time.",
            Markup(status_counts_chart(counts)),  # noqa: S704 - drawn here, without text from outside
            status_counts_table(counts),
        )
    yield from _gantt(collected)
    if types := run_times(collected):
        yield Chart(
            "Run times by task type",
            "How long completed jobs ran by the API's clock: all of them, the middle 80 % and the"
            f" middle half, over the published range.{sample}",
            "For each task type, the spread of run times over the published range: "
            + "; ".join(f"{each.task_type}, median {each.median:.0f} s" for each in types[:5]),
            Markup(run_times_chart(types)),  # noqa: S704 - as above
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
            Markup(delays_chart(found)),  # noqa: S704 - as above
            delays_table(found),
        )
    if rows:
        yield Chart(
            "Requests",
            "Status requests a second, and how many the learned limits allowed.",
            "Requests a second over time, and the allowed rate;"
            f" {collected.stats.rate_limited:,} were answered 429.",
            Markup(requests_chart(rows)),  # noqa: S704 - as above
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
        Markup(gantt_chart(chart)),  # noqa: S704 - drawn here; its text is ids, which are escaped
        gantt_table(chart),
        is_tall=number > 30,
    )
