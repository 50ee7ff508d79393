"""The charts of a report: drawn by matplotlib, as SVG elements of the page.

Their colours are variables of the page's style, so that they follow its light or dark scheme. Their
text stays text, in the reader's font. Job ids and task types are all that comes from outside.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._report.figures import Delays, Gantt, Requests, RunTimes, StatusCounts, quantile

T = TypeVar("T")

# In inches, of 72 SVG units each: half of a wide screen, or a phone's width.
_WIDTH = 6.2
_HEIGHT = 3.1
# Each colour stands for a variable of the page's style: see `_chart`.
_COLOURS = {
    name: f"#00{number:02x}fe"
    for number, name in enumerate(
        ("ink", "faint", "good", "bad", "running", "waiting", "unseen", "line", "band", "warn")
    )
}
_INK, _FAINT, _GOOD, _BAD, _RUNNING, _WAITING, _UNSEEN, _LINE, _BAND, _WARN = _COLOURS.values()
_LAYERS = (_GOOD, _BAD, _RUNNING, _WAITING, _UNSEEN)
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "axes.grid": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.4,
    "axes.axisbelow": True,
}
_SECONDS = "seconds since the beginning"


def _chart(draw: Callable[[Figure, T], None]) -> Callable[[T], str]:
    """Have a function that draws return its chart, as an `svg` element for the page."""

    @functools.wraps(draw)
    def drawn(data: T) -> str:
        written = io.StringIO()
        # The salt makes the generated ids the same in each run, and unique on the page.
        with mpl.rc_context({**_SETTINGS, "svg.hashsalt": draw.__name__}):
            figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
            FigureCanvasSVG(figure)
            draw(figure, data)
            none = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(written, format="svg", transparent=True, metadata=none)
        text = written.getvalue()
        text = text[text.index("<svg") :]
        # The other ids are the same in each chart.
        used = set(re.findall(r"(?:url\(#|xlink:href=\"#)([^\")]+)", text))
        text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
        for name, colour in _COLOURS.items():
            text = text.replace(colour, f"var(--{name})")
        return text

    return drawn


@_chart
def gantt_chart(figure: Figure, chart: Gantt) -> None:
    """Each job as a bar: waiting, then running."""
    axes = figure.subplots()
    rows = len(chart.bars)
    figure.set_figheight(1.0 + max(rows, 6) * 0.135)
    height = 0.8
    for row, bar in enumerate(chart.bars):
        runs_from = bar.until if bar.runs_from is None else bar.runs_from
        axes.barh(row, runs_from - bar.queued_at, height, bar.queued_at, color=_WAITING)
        axes.barh(row, bar.until - runs_from, height, runs_from, color=_RUNNING)
        if bar.status.is_terminal:
            good = bar.status is JobStatus.COMPLETED
            colour, marker = (_GOOD, "|") if good else (_BAD, "x")
            axes.plot(bar.until, row, marker, color=colour, markersize=4, clip_on=False)
    _set_rows(axes, [bar.job_id[:8] for bar in chart.bars], fontsize=6.5)
    axes.set_xlabel("seconds since the first submit" if chart.by_api_clock else _SECONDS)
    names = ("waiting", "running", "completed", "not completed")
    _legend(axes, dict(zip(names, (_WAITING, _RUNNING, _GOOD, _BAD), strict=True)))


@_chart
def status_counts_chart(figure: Figure, counts: StatusCounts) -> None:
    """The number of jobs by status over time, as stacked areas."""
    axes = figure.subplots()
    axes.stackplot(counts.times, *counts.layers.values(), colors=_LAYERS, step="post")
    axes.set_xlabel(_SECONDS)
    axes.set_ylabel("jobs")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(0)
    layers = zip(_LAYERS, counts.layers.items(), strict=True)
    _legend(axes, {name: colour for colour, (name, layer) in layers if any(layer)})


@_chart
def run_times_chart(figure: Figure, types: Sequence[RunTimes]) -> None:
    """The run times of each task type, over the published range."""
    axes = figure.subplots()
    figure.set_figheight(1.2 + len(types) * 0.34)
    for row, each in enumerate(types):
        if each.published is not None:
            low, high = each.published
            axes.barh(row, high - low, 0.8, low, color=_BAND)
        least, tenth, quarter, median, three, nine, most = each.quantiles.values()
        axes.plot((least, most), (row, row), color=_LINE, linewidth=0.8)
        axes.plot((tenth, nine), (row, row), color=_LINE, linewidth=2.5)
        axes.plot((quarter, three), (row, row), color=_LINE, linewidth=7)
        axes.plot(median, row, "o", color=_INK, markersize=5)
    _set_rows(axes, [_plain(each.task_type) for each in types])
    axes.set_xlabel("seconds of running, by the API's clock")
    _legend(axes, {"as published": _BAND, "seen: all, 80 %, half": _LINE, "median": _INK})


@_chart
def delays_chart(figure: Figure, delays: Delays) -> None:
    """The share of ends against the seconds until they were seen, between two curves."""
    axes = figure.subplots()
    percent = [number / 2 for number in range(201)]
    least = [quantile(delays.least, number / 100) for number in percent]
    most = [quantile(delays.most, number / 100) for number in percent]
    axes.fill_betweenx(percent, least, most, color=_BAND)
    axes.plot(least, percent, color=_LINE, linewidth=1, linestyle="--", label="at least")
    axes.plot(most, percent, color=_LINE, linewidth=1.6, label="at most")
    axes.set_xlim(0, max(quantile(delays.most, 0.99) * 1.05, 0.1))
    axes.set_ylim(0, 100)
    axes.set_xlabel("seconds from the end of a job until it was seen")
    axes.set_ylabel("% of the ends")
    axes.legend(loc="lower right")


@_chart
def requests_chart(figure: Figure, rows: Sequence[Requests]) -> None:
    """Requests a second, how many were allowed, and how many were answered 429."""
    axes = figure.subplots()
    edges = [rows[0].since, *(row.until for row in rows)]
    rates = [row.rate for row in rows]
    axes.stairs(rates, edges, fill=True, color=_BAND, label="sent")
    axes.stairs(rates, edges, color=_LINE, linewidth=1)
    allowed = [row.allowed for row in rows]
    axes.stairs(allowed, edges, color=_INK, linewidth=1, linestyle="--", label="allowed")
    refused = [row.refused / (row.until - row.since) for row in rows]
    if any(refused):
        axes.stairs(refused, edges, fill=True, color=_BAD, label="answered 429")
    # The allowed rate may be far above what was used.
    axes.set_ylim(0, 1.3 * max(*rates, min(max(allowed), 2 * max(rates)), 0.1))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(_SECONDS)
    axes.set_ylabel("requests a second")
    _legend(axes)


def _set_rows(axes: Axes, names: Sequence[str], *, fontsize: float | None = None) -> None:
    """Name the rows of a chart whose bars start at zero, from the top down."""
    axes.set_yticks(range(len(names)), names, fontsize=fontsize)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)


def _legend(axes: Axes, colours: Mapping[str, str] | None = None) -> None:
    """Explain some colours above a chart; by default what has a label."""
    handles = colours and [Patch(color=colour, label=name) for name, colour in colours.items()]
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 4}
    place |= {"handlelength": 1.2, "columnspacing": 1.2, "borderaxespad": 0.3}
    axes.legend(handles=handles, **place)


def _plain(text: str) -> str:
    """A text from outside, in characters that every font has."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text[:24])
