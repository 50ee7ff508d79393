"""The charts of a report: drawn by matplotlib, as SVG elements of the page.

Their colours are variables of the page's style, so that they follow its light or dark scheme. Their
text stays text, in the reader's font. Job ids and task types are all that comes from outside.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._report.figures import (
    STACK,
    Delays,
    Gantt,
    Requests,
    RunTimes,
    StatusCounts,
    quantile,
)

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
# In inches, of 72 SVG units each: half of a wide screen, or a phone's width.
_WIDTH = 6.2
_HEIGHT = 3.1
# Each colour stands for a variable of the page's style: see `_recoloured`.
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
    # Makes the generated ids the same in each run.
    "svg.hashsalt": "legnext-stream",
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


def gantt_chart(chart: Gantt) -> str:
    """Each job as a bar: waiting, then running."""

    def draw(axes: Axes) -> None:
        height = 0.8
        for row, bar in enumerate(chart.bars):
            runs_from = bar.until if bar.runs_from is None else bar.runs_from
            axes.barh(row, runs_from - bar.queued_at, height, bar.queued_at, color=_WAITING)
            axes.barh(row, bar.until - runs_from, height, runs_from, color=_RUNNING)
            if bar.status.is_terminal:
                good = bar.status is JobStatus.COMPLETED
                colour, marker = (_GOOD, "|") if good else (_BAD, "x")
                axes.plot(bar.until, row, marker, color=colour, markersize=4, clip_on=False)
        axes.set_ylim(len(chart.bars) - 0.5, -0.5)
        axes.set_yticks(
            range(len(chart.bars)), [bar.job_id[:8] for bar in chart.bars], fontsize=6.5
        )
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("seconds since the first submit" if chart.by_api_clock else _SECONDS)
        axes.set_xlim(left=0)
        _legend(
            axes,
            [
                Patch(color=_WAITING, label="waiting"),
                Patch(color=_RUNNING, label="running"),
                Patch(color=_GOOD, label="completed"),
                Patch(color=_BAD, label="not completed"),
            ],
        )

    rows = len(chart.bars)
    return _drawn("gantt", draw, height=1.0 + max(rows, 6) * 0.135)


_SECONDS = "seconds since the beginning"


def status_counts_chart(counts: StatusCounts) -> str:
    """The number of jobs by status over time, as stacked areas."""

    def draw(axes: Axes) -> None:
        axes.stackplot(counts.times, counts.layers, colors=_LAYERS, step="post")
        axes.set_xlabel(_SECONDS)
        axes.set_ylabel("jobs")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(0)
        names = [name for name, _ in STACK]
        patches = [
            Patch(color=colour, label=name)
            for colour, name, layer in zip(_LAYERS, names, counts.layers, strict=True)
            if any(layer)
        ]
        _legend(axes, patches)

    return _drawn("status-counts", draw)


def run_times_chart(types: Sequence[RunTimes]) -> str:
    """The run times of each task type, over the published range."""

    def draw(axes: Axes) -> None:
        for row, each in enumerate(types):
            if each.published is not None:
                low, high = each.published
                axes.barh(row, high - low, 0.8, low, color=_BAND)
            least, tenth, quarter, median, three, nine, most = each.quantiles
            axes.plot((least, most), (row, row), color=_LINE, linewidth=0.8)
            axes.plot((tenth, nine), (row, row), color=_LINE, linewidth=2.5)
            axes.plot((quarter, three), (row, row), color=_LINE, linewidth=7)
            axes.plot(median, row, "o", color=_INK, markersize=5)
        axes.set_yticks(range(len(types)), [_plain(each.task_type) for each in types])
        axes.set_ylim(len(types) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)
        axes.set_xlabel("seconds of running, by the API's clock")
        _legend(
            axes,
            [
                Patch(color=_BAND, label="as published"),
                Patch(color=_LINE, label="seen: all, 80 %, half"),
                Patch(color=_INK, label="median"),
            ],
        )

    return _drawn("run-times", draw, height=1.2 + len(types) * 0.34)


def delays_chart(delays: Delays) -> str:
    """The share of ends against the seconds until they were seen, between two curves."""

    def draw(axes: Axes) -> None:
        shares = [number / 200 for number in range(201)]
        least = [quantile(delays.least, share) for share in shares]
        most = [quantile(delays.most, share) for share in shares]
        percent = [100 * share for share in shares]
        axes.fill_betweenx(percent, least, most, color=_BAND)
        axes.plot(least, percent, color=_LINE, linewidth=1, linestyle="--", label="at least")
        axes.plot(most, percent, color=_LINE, linewidth=1.6, label="at most")
        axes.set_xlim(0, max(quantile(delays.most, 0.99) * 1.05, 0.1))
        axes.set_ylim(0, 100)
        axes.set_xlabel("seconds from the end of a job until it was seen")
        axes.set_ylabel("% of the ends")
        axes.legend(loc="lower right")

    return _drawn("delays", draw)


def requests_chart(rows: Sequence[Requests]) -> str:
    """Requests a second, how many were allowed, and how many were answered 429."""

    def draw(axes: Axes) -> None:
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
        _legend(axes, None)

    return _drawn("requests", draw)


def _legend(axes: Axes, handles: Sequence[Patch] | None) -> None:
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 4}
    place |= {"handlelength": 1.2, "columnspacing": 1.2, "borderaxespad": 0.3}
    if handles is None:
        axes.legend(**place)
    else:
        axes.legend(handles=handles, **place)


def _plain(text: str) -> str:
    """A text from outside, in characters that every font has."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text[:24])


def _drawn(name: str, draw: Callable[[Axes], None], *, height: float = _HEIGHT) -> str:
    """Draw a chart, and return it as an `svg` element."""
    written = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.subplots())
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return _for_a_page(name, written.getvalue())


def _for_a_page(name: str, document: str) -> str:
    """Turn an SVG file into an element of a page: scalable, with the page's colours and unique ids."""
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    root = ET.fromstring(document)  # noqa: S314 - drawn by us, not from outside
    for attribute in ("width", "height"):
        del root.attrib[attribute]
    # The page has a description of it.
    root.set("aria-hidden", "true")
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    text = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r"(?:url\(#|xlink:href=\"#)([^\")]+)", text))

    def own_id(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    text = re.sub(r' id="([^"]*)"', own_id, text)
    text = re.sub(r"(url\(#|xlink:href=\"#)", rf"\1{name}-", text)
    return _recoloured(text)


def _recoloured(text: str) -> str:
    for name, colour in _COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return text
