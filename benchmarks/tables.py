"""Results as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.cases import OURS, PRICE, Case
from benchmarks.harness import Telling
from benchmarks.limited import LIMITED
from benchmarks.plan import PRICES, Results
from benchmarks.promises import Promise, shown
from benchmarks.summary import Mean
from benchmarks.worlds import WORLDS

_COLUMNS = (
    ("requests per job", "requests", False),
    ("delay, s", "delay", False),
    ("delay p99, s", "p99", False),
    ("cost, s", "cost", False),
    ("cost / optimum", "of_optimum", False),
    ("cost / rule, all known", "of_rule", False),
    ("429s", "refused", True),
    ("lost", "lost", False),
    ("limit used", "used", True),
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def must_show(rows: Iterable[Promise]) -> str:
    """The required results, and whether they are met."""
    return table(
        ("world", "figure", "target", "measured", "met"),
        (
            (row.world, row.what, row.bound, row.found, "yes" if row.is_met else "**no**")
            for row in rows
        ),
    )


def worlds(results: Results) -> str:
    """Each world with a table of its policies, by cost."""
    parts = []
    for world in WORLDS:
        cases = [
            (case, figures)
            for case, figures in results.items()
            if case.world == world and case.price == PRICE and case.change.jobs == 1
        ]
        if not cases:
            continue
        cases.sort(key=lambda item: item[1]["lost"].value if "lost" in item[1] else 0.0)
        columns = [
            (head, name, percent)
            for head, name, percent in _COLUMNS
            if any(name in figures for _, figures in cases)
        ]
        rows = [
            [
                f"**{case.policy}**" if case.policy == OURS else case.policy,
                *(_cell(figures.get(name), percent=percent) for _, name, percent in columns),
                str(figures["requests"].seeds),
            ]
            for case, figures in cases
        ]
        head = ["policy", *(head for head, _, _ in columns), "seeds"]
        parts.append(f"### `{world}`\n\n{table(head, rows)}")
    return "\n".join(parts)


def limits(results: Results) -> str:
    """Our pacer with each kind of limit."""
    rows = []
    for world in LIMITED:
        for telling in Telling:
            figures = results.get(Case(world, telling.value))
            if figures is not None:
                rows.append(
                    [
                        world,
                        telling.value,
                        _cell(figures["refused"], percent=True),
                        _cell(figures["used"], percent=True),
                        _cell(figures.get("late")),
                        _cell(figures["refused_first"]),
                    ]
                )
    head = (
        "limit",
        "answers tell",
        "429s after the first minute",
        "used of the limit",
        "90 % after the rise, s",
        "429s in the first minute",
    )
    return table(head, rows)


def prices(results: Results) -> str:
    """`lone` at several prices: our policy beside the "all known" ones."""
    rows = []
    for price in PRICES:
        figures = results.get(Case("lone", OURS, price))
        if figures is None:
            continue
        rows.append(
            [
                f"{price:g}",
                _cell(figures["requests"]),
                _cell(figures["delay"]),
                _cell(figures.get("of_rule")),
                _cell(figures.get("of_optimum")),
            ]
        )
    head = ("price, s", "requests per job", "delay, s", "cost / rule's", "cost / optimum's")
    return table(head, rows)


def _cell(mean: Mean | None, *, percent: bool = False) -> str:
    return "" if mean is None else shown(mean, percent=percent)
