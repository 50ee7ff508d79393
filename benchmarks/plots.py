"""The plots of the polling page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from benchmarks.cases import INTERVALS, OPTIMUM, OURS, PRICE, RULE, Case
from benchmarks.drawing import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, plain, prepare, save
from benchmarks.harness import Sent, Telling
from benchmarks.limited import LIMITED, run_limited
from benchmarks.plan import PRICES, SIZES, Results
from benchmarks.worlds import AS_DESCRIBED, Change

_OTHERS: Final = dict(zip(INTERVALS, ((ORANGE, "s"), (RED, "^"), (PURPLE, "D")), strict=True))
_SHOWN: Final = (
    "token bucket 10/s, burst 10",
    "sliding window, 60 a minute",
    "fixed window, 600 a minute",
    "steps 20, 5, 20/s",
)
_TELLING: Final = {
    Telling.NOTHING: RED,
    Telling.RETRY_AFTER: BLUE,
    Telling.RATE_LIMIT: GREEN,
}


def draw(results: Results, folder: Path, jobs: int) -> list[tuple[str, str]]:
    """Draw the plots for which there are results; return each file's name and caption."""
    prepare()
    drawn = []
    if Case("lone", OPTIMUM, PRICES[0]) in results:
        save(_tradeoff(results), folder / "delay-against-requests.svg")
        drawn.append(
            (
                "delay-against-requests.svg",
                "Delay against requests a job in `lone`, at prices from 0.02 to 3 s",
            )
        )
    if Case("queue 10,000", OURS) in results:
        save(_growth(results), folder / "requests-against-jobs.svg")
        drawn.append(
            ("requests-against-jobs.svg", "Requests a job against the size of the batch, `queue`")
        )
    if Case(_SHOWN[0], Telling.NOTHING.value) in results:
        save(_rates(jobs), folder / "rates.svg")
        drawn.append(("rates.svg", "The admitted rate over time in `limits`, one seed"))
    return drawn


def _points(results: Results, policy: str) -> tuple[list[float], list[float]]:
    requests, delays = [], []
    for price in PRICES:
        figures = results.get(Case("lone", policy, price))
        if figures is not None:
            requests.append(figures["requests"].value)
            delays.append(figures["delay"].value)
    return requests, delays


def _tradeoff(results: Results) -> Figure:
    figure = Figure(figsize=(6, 3.8))
    axes = figure.subplots()
    plain(axes)
    axes.plot(*_points(results, OPTIMUM), color="black", linestyle="--", label=OPTIMUM)
    axes.plot(*_points(results, RULE), color=SKY, linewidth=1, label=RULE)
    axes.plot(*_points(results, OURS), color=GREEN, marker="o", markersize=4, label=OURS)
    default = results[Case("lone", OURS)]
    axes.annotate(
        f"a price of {PRICE:g} s",
        (default["requests"].value, default["delay"].value),
        xytext=(-110, -38),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": "#666666", "linewidth": 0.6},
    )
    for policy, (colour, marker) in _OTHERS.items():
        figures = results.get(Case("lone", policy))
        if figures is not None:
            axes.plot(
                figures["requests"].value,
                figures["delay"].value,
                color=colour,
                marker=marker,
                linestyle="none",
                label=policy,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = [2, 3, 5, 10, 20, 30]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    seconds = [0.5, 1, 2, 3, 5, 10]
    axes.set_yticks(seconds, [f"{tick:g}" for tick in seconds])
    axes.minorticks_off()
    axes.set_xlabel("requests a job")
    axes.set_ylabel("mean delay of the end's news, s")
    # The other labels are at the upper right.
    axes.legend(frameon=False, loc="lower left", fontsize=8)
    return figure


def _growth(results: Results) -> Figure:
    figure = Figure(figsize=(6, 3.4))
    axes = figure.subplots()
    plain(axes)
    batches = {
        **{1000 * size: ("queue 1,000", Change(jobs=size)) for size in (*SIZES, 1.0)},
        10_000: ("queue 10,000", AS_DESCRIBED),
    }
    sizes = sorted(batches)
    for policy, (colour, marker) in {**_OTHERS, OURS: (GREEN, "o")}.items():
        heights = [
            results[Case(world, policy, PRICE, change)]["requests"].value
            for world, change in map(batches.__getitem__, sizes)
        ]
        axes.plot(sizes, heights, color=colour, marker=marker, markersize=4, label=policy)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1)
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    heights_shown = [1, 10, 100, 1000, 10_000]
    axes.set_yticks(heights_shown, [f"{height:,}" for height in heights_shown])
    axes.minorticks_off()
    axes.set_xlabel("jobs in the batch, 12 run at once")
    axes.set_ylabel("requests a job")
    axes.legend(frameon=False)
    return figure


def _rates(jobs: int) -> Figure:
    runs = [(name, telling) for name in _SHOWN for telling in Telling]
    with ProcessPoolExecutor(min(jobs, os.cpu_count() or 1)) as pool:
        sent = dict(zip(runs, pool.map(_sent, runs), strict=True))
    figure = Figure(figsize=(8, 5), layout="constrained")
    grid = figure.subplots(2, 2).flat
    for axes, name in zip(grid, _SHOWN, strict=True):
        plain(axes)
        axes.set_title(name, fontsize=9)
        begin = sent[name, Telling.NOTHING][0].at
        # The rate of a window is meaningful only over many requests.
        bin_seconds = 20.0 if name.startswith("sliding") else 10.0
        end = sent[name, Telling.NOTHING][-1].at
        edges = [begin + i * bin_seconds for i in range(int((end - begin) / bin_seconds))]
        permitted = [
            LIMITED[name].permitted(1.0, edge, edge + bin_seconds) / bin_seconds for edge in edges
        ]
        axes.step(edges, permitted, where="post", color="black", linewidth=1, label="permitted")
        for telling, colour in _TELLING.items():
            rates = _binned(sent[name, telling], edges, bin_seconds)
            axes.step(edges, rates, where="post", color=colour, linewidth=0.8, label=telling.value)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("time, s")
        axes.set_ylabel("admitted requests a second")
    figure.axes[0].legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _sent(named: tuple[str, Telling]) -> list[Sent]:
    name, telling = named
    return run_limited(name, telling, 0, AS_DESCRIBED).sent


def _binned(sent: Sequence[Sent], edges: Sequence[float], seconds: float) -> list[float]:
    counts = [0] * len(edges)
    for each in sent:
        place = int((each.at - edges[0]) / seconds)
        if not each.refused and 0 <= place < len(counts):
            counts[place] += 1
    return [count / seconds for count in counts]
