"""The plots of `docs/performance.md`, from the `series` of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.drawing import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, plain, prepare, save
from benchmarks.performance.rounds import Row

Lines = Mapping[str, Sequence[tuple[float, float]]]
"""The points of each line, from left to right."""

_COLOURS: Final = (GREEN, BLUE, ORANGE, RED, PURPLE, SKY, BLACK)
_MARKERS: Final = "os^Dv*P"


def draw(results: Mapping[str, Sequence[Row]], folder: Path) -> list[tuple[str, str]]:
    """Draw the plots for which there are points; return each file's name and caption."""
    prepare()
    drawn = []
    requests, core, memory = (lines_of(results.get(name, ())) for name in _PLOTTED)
    if requests:
        save(_requests(requests), folder / "requests.svg")
        drawn.append(("requests.svg", "Status requests a second against requests in flight"))
    if core and memory:
        save(_growth(memory, core), folder / "growth.svg")
        drawn.append(
            ("growth.svg", "Memory a watched job and CPU a poll against the number of jobs")
        )
    return drawn


_PLOTTED: Final = ("requests", "core", "memory")


def lines_of(rows: Sequence[Row]) -> Lines:
    """All points of a subject's rows; points of the same name form a line."""
    points: dict[str, dict[float, float]] = {}
    for row in rows:
        for name, line in row.series.items():
            points.setdefault(name, {}).update(line)
    return {name: sorted(line.items()) for name, line in points.items()}


def _requests(lines: Lines) -> Figure:
    figure = Figure(figsize=(7.5, 3.6))
    axes = figure.subplots()
    _draw(axes, lines)
    # Beside the lines, because there are too many for labels between them.
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_xlabel("requests in flight")
    axes.set_ylabel("status requests a second")
    return figure


def _growth(memory: Lines, core: Lines) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, lines, what in (
        (left, memory, "bytes a watched job"),
        (right, core, "CPU a poll, µs"),
    ):
        _draw(axes, lines)
        axes.set_xlabel("watched jobs")
        axes.set_ylabel(what)
    return figure


def _draw(axes: Axes, lines: Lines) -> None:
    """Lines over a logarithmic axis."""
    plain(axes)
    looks = cycle(zip(_COLOURS, _MARKERS, strict=True))
    for (name, points), (colour, marker) in zip(lines.items(), looks, strict=False):
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, label=name)
    ticks = sorted({x for points in lines.values() for x, _ in points})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize=8)
