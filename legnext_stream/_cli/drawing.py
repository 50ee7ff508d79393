"""The live display: a pure function from a view to a rich renderable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import attrs
from rich.cells import cell_len
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
# What the bar is made of, so that it shows progress without colours, too.
_ENDED_WELL, _ENDED_BADLY, _RUNNING, _WAITING, _NOT_SEEN = "━×╍─┈"
_MARKS = {
    JobStatus.COMPLETED: _ENDED_WELL,
    JobStatus.RETRY: _RUNNING,
    JobStatus.PROCESSING: _RUNNING,
    JobStatus.STAGED: _RUNNING,
    JobStatus.PENDING: _WAITING,
    JobStatus.UNKNOWN: _WAITING,
}
_FAILURES_SHOWN = 5
# On terminals of fewer columns, the two lists stand one above the other.
_NARROW = 84
# And on those of fewer, there is room for numbers, but not for notes.
_NARROWEST = 60
# Columns that are taken by what stands beside the notes: names, and the space between columns.
_BESIDE_NOTES = 25
# And by the two lists beside each other: the statuses, and the space between the lists.
_BESIDE_REQUESTS = 30
# The columns of a number. A note of fewer than the other is only shown as a whole.
_NUMBER = 6
_SHORTEST_NOTE = 20
_USUAL_WIDTH = 100
_USUAL_HEIGHT = 40
# Characters of an id on a narrow terminal: enough to tell it from others.
_SHORT_ID = 13
_LONGEST_PROMPT = 30


def draw(view: View, width: int = _USUAL_WIDTH, height: int = _USUAL_HEIGHT) -> RenderableType:
    """The whole display, for a terminal of so many columns and rows.

    Where there is not enough room, comments go first: failures, the last error, space, notes. The
    numbers stay.
    """
    error = _last_error(view)
    numbers = _numbers(view, width)
    for failures in range(min(len(view.failures), _FAILURES_SHOWN), -1, -1):
        shown = _last_failures(view, failures, width)
        whole = _Stack(
            [_heading(view), *_bar(view, width), "", numbers, *error, *shown], is_airy=True
        )
        if whole.rows <= height:
            return whole.drawn
    for shown in (error, []):
        whole = _Stack([_heading(view), *_bar(view, width), numbers, *shown[1:]])
        if whole.rows <= height:
            return whole.drawn
    lines = [_heading(view), *_bar(view, width), *_compact(view, width - 2)]
    return _Stack(lines[:height]).drawn


class _Stack:
    """Parts of the display, one above the other: what is drawn, and in how many rows."""

    def __init__(
        self, parts: Sequence[Table | Text | str | _Rows], *, is_airy: bool = False
    ) -> None:
        space = (1, 2) if is_airy else (0, 1)
        self.rows: int = sum(_rows_of(part) for part in parts) + 2 * space[0]
        drawn = [part.drawn if isinstance(part, _Rows) else part for part in parts]
        self.drawn: RenderableType = Padding(Group(*drawn), space)


@attrs.frozen
class _Rows:
    """What is drawn in so many rows."""

    drawn: RenderableType
    rows: int


def _rows_of(part: Table | Text | str | _Rows) -> int:
    if isinstance(part, _Rows):
        return part.rows
    return part.row_count if isinstance(part, Table) else 1


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
    """A line across all of the space available, divided among parts of (count, style, character)."""

    parts: Sequence[tuple[int, str, str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it: the protocol of rich."""
        cells = share_out([count for count, _, _ in self.parts], options.max_width)
        for width, (_, style, mark) in zip(cells, self.parts, strict=True):
            yield Segment(mark * width, Style.parse(style))
        yield Segment.line()


def _heading(view: View) -> Table:
    heading = Table.grid(expand=True, padding=(0, 2))
    heading.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    heading.add_column(justify="right", no_wrap=True)
    heading.add_row(Text(view.title, style="bold"), Text(clock_words(view.elapsed), style="bold"))
    return heading


def _bar(view: View, width: int) -> list[Table | Text | str | _Rows]:
    jobs = view.stats.jobs
    parts = [
        (jobs.get(status, 0), style, _MARKS.get(status, _ENDED_BADLY))
        for status, style in STATUS_STYLES.items()
    ]
    others = view.total - sum(jobs.values())
    share = f"{view.ended / view.total:.0%}" if view.total else "–"
    # The line is drawn even if there are no jobs yet.
    bar = StackedBar([*parts, (others if view.total else 1, _UNSEEN, _NOT_SEEN)])
    words = Text(f"{view.ended:,} of {view.total_words} ended · {share}", no_wrap=True)
    if width < _NARROWEST:
        return [words, _Rows(bar, 1)]
    row = Table.grid(expand=True, padding=(0, 2))
    row.add_column(ratio=1)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(bar, words)
    return [row]


def _short_facts(view: View) -> Iterator[str]:
    """The numbers about the requests, the most important first."""
    stats = view.stats
    if stats.remaining is not None:
        yield f"{clock_words(stats.remaining)} left"
    yield f"{view.request_rate:.1f}/s"
    yield f"{stats.rate_limited:,} × 429"
    yield f"{stats.troubles:,} errors"
    if stats.prompts:
        yield f"{stats.submitted:,} submitted"
    if view.files or view.unsaved:
        yield f"{view.files:,} files"
        yield f"{view.unsaved:,} jobs not saved"
    yield f"{stats.polls:,} requests"
    yield f"{stats.in_flight:,} in flight"
    if stats.server_speed > 1.0:
        yield f"clock {stats.server_speed:.3g} ×"


def _last_error(view: View) -> list[Table | Text | str | _Rows]:
    if view.stats.last_error is None:
        return []
    error = f"last error: {printable(view.stats.last_error)}"
    return ["", Text(error, style=_QUIET, no_wrap=True, overflow="ellipsis")]


def _last_failures(view: View, count: int, width: int) -> list[Table | Text | str | _Rows]:
    if not count:
        return []
    return ["", Text("last failures", style="bold"), _failures(view, count, width)]


def _numbers(view: View, width: int) -> _Rows:
    """Two lists: the jobs by status, and the requests."""
    is_narrow = width < _NARROW
    statuses = _statuses(view)
    requests = _requests(view, width if is_narrow else width - _BESIDE_REQUESTS)
    rows = statuses.row_count, requests.row_count
    if is_narrow:
        return _Rows(Group(statuses, "", requests), sum(rows) + 1)
    both = Table.grid(padding=(0, 6))
    both.add_row(statuses, requests)
    return _Rows(both, max(rows))


def _compact(view: View, width: int) -> list[Table | Text | str | _Rows]:
    """All numbers, one after the other, in as few lines as they take."""
    jobs = view.stats.jobs
    items = [
        (f"{count:,} {status_words(status)}", style)
        for status, style in STATUS_STYLES.items()
        if (count := jobs.get(status, 0))
    ]
    others = view.total - sum(jobs.values())
    items += [(f"{others:,} not seen yet", _QUIET)] if others else []
    items += [(text, "") for text in _short_facts(view)]
    lines, room = [Text(no_wrap=True)], width
    for text, style in items:
        if lines[-1] and cell_len(text) + 3 > room:
            lines.append(Text(no_wrap=True))
            room = width
        if lines[-1]:
            lines[-1].append(" · ", _QUIET)
            room -= 3
        lines[-1].append(text, style)
        room -= cell_len(text)
    return [*lines]


def _statuses(view: View) -> Table:
    jobs = view.stats.jobs
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(justify="right", no_wrap=True, min_width=_NUMBER)
    for status, style in STATUS_STYLES.items():
        count = jobs.get(status, 0)
        if count or status in _ALWAYS_SHOWN:
            name = Text.assemble(("● ", style), status_words(status))
            rows.add_row(name, Text(f"{count:,}", style="" if count else _QUIET))
    others = view.total - sum(jobs.values())
    if others:
        rows.add_row(Text("○ not seen yet", style=_QUIET), Text(f"{others:,}", style=_QUIET))
    return rows


def _requests(view: View, width: int) -> Table:
    facts = list(_facts(view))
    longest = max(len(number) for _, number, _ in facts)
    # The notes are cut here: rich would cut the numbers as well.
    room = width - _BESIDE_NOTES - max(longest, _NUMBER)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True, style=_QUIET, min_width=len("requests a second"))
    rows.add_column(justify="right", no_wrap=True, min_width=max(longest, _NUMBER))
    rows.add_column(no_wrap=True, style=_QUIET)
    for name, number, note in facts:
        shown = Text(note)
        shown.truncate(max(room, 0), overflow="ellipsis")
        rows.add_row(name, number, shown if room >= _SHORTEST_NOTE or len(note) <= room else "")
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
        yield "files saved", Text(f"{view.files:,}"), ""
    if view.unsaved:
        yield "jobs not saved", Text(f"{view.unsaved:,}", style="yellow"), ""


def _failures(view: View, count: int, width: int) -> Table:
    is_narrow = width < _NARROW
    has_prompts = any(failure.prompt for failure in view.failures[-count:])
    rows = Table.grid(expand=True, padding=(0, 2))
    rows.add_column(no_wrap=True)
    if has_prompts:
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1, max_width=_LONGEST_PROMPT)
    rows.add_column(no_wrap=True)
    rows.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
    if not is_narrow:
        rows.add_column(justify="right", no_wrap=True, style=_QUIET)
    for failure in reversed(view.failures[-count:]):
        cells = [
            Text(failure.job_id[:_SHORT_ID] if is_narrow else failure.job_id),
            *([Text(printable(failure.prompt))] if has_prompts else []),
            Text(status_words(failure.status), style=STATUS_STYLES[failure.status]),
            Text(printable(failure.reason)),
            *([] if is_narrow else [Text(f"at {clock_words(failure.at)}")]),
        ]
        rows.add_row(*cells)
    return rows
