"""The live display: a pure function from a view to a rich renderable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from legnext_stream._cli.progress import View
from legnext_stream._cli.words import STATUS_STYLES, clock_words, printable, status_words
from legnext_stream._core.model.jobs import JobStatus

_UNSEEN = "dim bright_black"
_QUIET = "bright_black"
# These have a row from the start, so that the rows don't jump.
_ALWAYS_SHOWN = {
    JobStatus.COMPLETED,
    JobStatus.FAILED,
    JobStatus.PROCESSING,
    JobStatus.STAGED,
    JobStatus.PENDING,
}
_FAILURES_SHOWN = 5
# On terminals of fewer columns, the two lists stand one above the other.
_NARROW = 84
_USUAL_WIDTH = 100
# Characters of an id on a narrow terminal: enough to tell it from others.
_SHORT_ID = 13


def draw(view: View, width: int = _USUAL_WIDTH) -> RenderableType:
    """The whole display, for a terminal of so many columns."""
    is_narrow = width < _NARROW
    numbers = _numbers(view, is_narrow=is_narrow)
    parts: list[RenderableType] = [_heading(view), "", _bar(view), "", numbers]
    if view.stats.last_error is not None:
        error = f"last error: {printable(view.stats.last_error)}"
        parts += ["", Text(error, style=_QUIET, no_wrap=True, overflow="ellipsis")]
    if view.failures:
        failures = _failures(view, is_narrow=is_narrow)
        parts += ["", Text("last failures", style="bold"), failures]
    return Padding(Group(*parts), (1, 2))


def share_out(counts: Sequence[int], width: int) -> list[int]:
    """Divide `width` cells in proportion to `counts`.

    Each count that isn't 0 gets at least one cell, so that a single failure among thousands of jobs
    can be seen. The cells add up to `width`, unless that is too few or all counts are 0.
    """
    total = sum(counts)
    free = max(width - sum(count > 0 for count in counts), 0)
    edges = [round(free * below / max(total, 1)) for below in accumulate(counts, initial=0)]
    return [
        (count > 0) + end - start
        for count, (start, end) in zip(counts, pairwise(edges), strict=True)
    ]


@attrs.frozen
class StackedBar:
    """A line across all of the space available, divided among parts of (count, style)."""

    parts: Sequence[tuple[int, str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it: the protocol of rich."""
        cells = share_out([count for count, _ in self.parts], options.max_width)
        for width, (_, style) in zip(cells, self.parts, strict=True):
            yield Segment("━" * width, Style.parse(style))
        yield Segment.line()


def _heading(view: View) -> RenderableType:
    heading = Table.grid(expand=True, padding=(0, 2))
    heading.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    heading.add_column(justify="right", no_wrap=True)
    heading.add_row(Text(view.title, style="bold"), Text(clock_words(view.elapsed), style="bold"))
    return heading


def _bar(view: View) -> RenderableType:
    jobs = view.stats.jobs
    parts = [(jobs.get(status, 0), style) for status, style in STATUS_STYLES.items()]
    others = view.total - sum(jobs.values())
    share = f"{view.ended / view.total:.0%}" if view.total else "–"
    row = Table.grid(expand=True, padding=(0, 2))
    row.add_column(ratio=1)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(
        # The line is drawn even if there are no jobs yet.
        StackedBar([*parts, (others if view.total else 1, _UNSEEN)]),
        Text(f"{view.ended:,} of {view.total_words} ended · {share}"),
    )
    return row


def _numbers(view: View, *, is_narrow: bool) -> RenderableType:
    """Two lists: the jobs by status, and the requests."""
    if is_narrow:
        return Group(_statuses(view), "", _requests(view))
    both = Table.grid(padding=(0, 6))
    both.add_row(_statuses(view), _requests(view))
    return both


def _statuses(view: View) -> RenderableType:
    jobs = view.stats.jobs
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(justify="right", no_wrap=True, min_width=6)
    for status, style in STATUS_STYLES.items():
        count = jobs.get(status, 0)
        if count or status in _ALWAYS_SHOWN:
            name = Text.assemble(("● ", style), status_words(status))
            rows.add_row(name, Text(f"{count:,}", style="" if count else _QUIET))
    others = view.total - sum(jobs.values())
    if others:
        rows.add_row(Text("○ not seen yet", style=_QUIET), Text(f"{others:,}", style=_QUIET))
    return rows


def _requests(view: View) -> RenderableType:
    rows = Table.grid(padding=(0, 2))
    # On a narrow terminal the notes are cut, not the names.
    rows.add_column(no_wrap=True, style=_QUIET, min_width=len("requests a second"))
    rows.add_column(justify="right", no_wrap=True, min_width=6)
    rows.add_column(no_wrap=True, style=_QUIET, overflow="ellipsis")
    for name, number, note in _facts(view):
        rows.add_row(name, number, note)
    return rows


def _facts(view: View) -> Iterator[tuple[str, Text, str]]:
    """The rows about the requests: (name, number, note)."""
    stats = view.stats
    if stats.remaining is not None:
        # Before any job has ended this is a guess; the bounds show it.
        low, high = stats.remaining_between or (stats.remaining, stats.remaining)
        note = f"{clock_words(low)} to {clock_words(high)}"
        yield "time left", Text(clock_words(stats.remaining)), note
    rate = Text(f"{view.request_rate:.1f}")
    yield "requests a second", rate, f"up to {stats.rate:.1f} now: {stats.rate_reason}"
    yield "in flight", Text(f"{stats.in_flight:,}"), ""
    yield "requests", Text(f"{stats.polls:,}"), f"{stats.retries:,} repeated"
    limited = Text(f"{stats.rate_limited:,}", style="yellow" if stats.rate_limited else _QUIET)
    yield "too many (429)", limited, ""
    troubles = Text(f"{stats.troubles:,}", style="yellow" if stats.troubles else _QUIET)
    yield "other errors", troubles, ""
    if stats.server_speed > 1.0:
        yield "server's clock", Text(f"{stats.server_speed:.3g} ×"), "as fast as this machine's"
    if stats.prompts:
        refused = f"{stats.submits_limited:,} × 429" if stats.submits_limited else ""
        yield "submitted", Text(f"{stats.submitted:,}"), refused or f"of {stats.prompts:,} prompts"
    if view.files or view.unsaved:
        unsaved = f"{view.unsaved:,} jobs not saved" if view.unsaved else ""
        yield "files saved", Text(f"{view.files:,}"), unsaved


def _failures(view: View, *, is_narrow: bool) -> RenderableType:
    rows = Table.grid(expand=True, padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    rows.add_column(justify="right", no_wrap=True, style=_QUIET)
    for failure in reversed(view.failures[-_FAILURES_SHOWN:]):
        rows.add_row(
            failure.job_id[:_SHORT_ID] if is_narrow else failure.job_id,
            Text(status_words(failure.status), style=STATUS_STYLES[failure.status]),
            Text(printable(failure.reason)),
            f"at {clock_words(failure.at)}",
        )
    return rows
