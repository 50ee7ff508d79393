"""The page of a report: one file that asks for nothing else, readable without a network."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from legnext_stream._report.collecting import Collected
from legnext_stream._report.data import as_data
from legnext_stream._report.figures import asking, delays, gantt, run_times, standings
from legnext_stream._report.plots import (
    asking_chart,
    delays_chart,
    gantt_chart,
    run_times_chart,
    standings_chart,
)
from legnext_stream._report.tables import (
    Table,
    asking_rows,
    delays_table,
    gantt_table,
    reasons_table,
    run_times_table,
    standings_table,
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
    """A picture of the page.

    Attributes:
        title: What it shows.
        text: How to read it, in a sentence or two.
        alternative: What it shows, for those who don't see it.
        svg: The picture.
        table: The same in numbers.
        is_tall: Whether it is so high that others find room beside it.
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
    """The charts for which there is something to draw."""
    jobs = len(collected.jobs)
    sample = "" if collected.is_whole else f" From a fair sample of {jobs:,} jobs."
    rows = asking(collected)
    if rows and any(standings(collected).layers):
        where = standings(collected)
        yield Chart(
            "Jobs over time",
            "All jobs, by where they were last seen to stand.",
            "A stacked area chart of the number of jobs by status over time.",
            Markup(standings_chart(where)),  # noqa: S704 - drawn here, and nothing of it from outside
            standings_table(where),
        )
    yield from _gantt(collected)
    if types := run_times(collected):
        yield Chart(
            "Run times by task type",
            "How long completed jobs ran by the API's clock: from the least to the most, the middle"
            f" 80 % and the middle half, upon the range that is published.{sample}",
            "For each task type, the spread of run times upon the published range: "
            + "; ".join(f"{each.task_type}, median {each.median:.0f} s" for each in types[:5]),
            Markup(run_times_chart(types)),  # noqa: S704 - as above
            run_times_table(types),
        )
    if found := delays(collected):
        least, most = found.row(0.5)
        yield Chart(
            "Detection delay",
            "How long a job's end waited to be seen. It lies between two bounds: since the request"
            f" before, and by what the API's ended_at, to the second, allows.{sample}",
            "Two curves of the share of ends seen within so many seconds; half of them were seen"
            f" within {least:.2f} to {most:.2f} seconds.",
            Markup(delays_chart(found)),  # noqa: S704 - as above
            delays_table(found),
        )
    if rows:
        yield Chart(
            "Requests",
            "Status requests a second, and how many were allowed, by what was learned of the limits.",
            "Requests a second over time, beside the allowed rate;"
            f" {collected.stats.rate_limited:,} were answered 429.",
            Markup(asking_chart(rows)),  # noqa: S704 - as above
            asking_rows(rows),
        )


def _gantt(collected: Collected) -> Iterator[Chart]:
    chart = gantt(collected)
    if not chart.bars:
        return
    clock = "the API's own times" if chart.by_api_clock else "the times at which it was seen"
    number = len(chart.bars)
    which = "Each job" if number >= chart.of else f"{number} of {chart.of:,} jobs, evenly spaced,"
    yield Chart(
        "The batch, job by job",
        f"{which} from waiting over running to its end, by {clock}.",
        f"A Gantt chart of {number} jobs: when each waited, ran and ended.",
        Markup(gantt_chart(chart)),  # noqa: S704 - drawn here; its texts are ids, escaped by it
        gantt_table(chart),
        is_tall=number > 30,
    )
