"""Results as JSON, and their comparison with stored results."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from benchmarks.cases import Case
from benchmarks.plan import Results
from benchmarks.promises import Promise

WORSE: Final = 0.10
"""A figure that is worse than the stored one by more than this share is a regression."""
_SLACK: Final[Mapping[str, float]] = {
    # A tenth of a very small figure is noise, so this much is allowed besides.
    "refused": 0.002,
    "delay": 0.02,
    "late": 2.0,
    "neglect": 1.0,
}
# The 99 % quantile of a few hundred delays rests on too few of them.
_NOT_JUDGED: Final = frozenset({"p99", "refused_first"})
_MORE_IS_BETTER: Final = frozenset({"used"})


def dump(results: Results, rows: list[Promise]) -> str:
    """Results and the must-show rows as JSON; figures as means with half their 95 % interval."""
    return json.dumps(
        {
            "cases": [
                {
                    "name": name_of(case),
                    "world": case.world,
                    "policy": case.policy,
                    "price": case.price,
                    "figures": {
                        name: {
                            "mean": _number(mean.value),
                            "either_way": _number(mean.either_way),
                            "seeds": mean.seeds,
                        }
                        for name, mean in figures.items()
                    },
                }
                for case, figures in sorted(results.items(), key=lambda item: name_of(item[0]))
            ],
            "must_show": [
                {
                    "world": row.world,
                    "what": row.what,
                    "target": row.bound,
                    "measured": _number(row.measured.value),
                    "met": row.is_met,
                }
                for row in rows
            ],
        },
        indent=1,
        ensure_ascii=False,
    )


def _number(value: float) -> float | None:
    """Rounded to six digits; JSON has no infinity and no NaN."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def name_of(case: Case) -> str:
    """A case in one line, by which results are compared."""
    changes = [f"{name}×{factor:g}" for name, factor in attrs.asdict(case.change).items()]
    changed = [each for each in changes if not each.endswith("×1")]
    return " | ".join([case.world, case.policy, f"price {case.price:g}", *changed])


def regressions(results: Results, stored: Path) -> Iterator[str]:
    """The figures that are worse by more than a tenth, one line each.

    Raises:
        FileNotFoundError: There are no stored results.
    """
    before = {
        case["name"]: case["figures"]
        for case in json.loads(stored.read_text(encoding="utf-8"))["cases"]
    }
    for case, figures in results.items():
        for figure, mean in figures.items():
            old = before.get(name_of(case), {}).get(figure, {}).get("mean")
            if old is None or figure in _NOT_JUDGED:
                continue
            slack = WORSE * abs(old) + _SLACK.get(figure, 0.0)
            worse = old - mean.value if figure in _MORE_IS_BETTER else mean.value - old
            if worse > slack + 1e-9:
                yield f"{name_of(case)}: {figure} is {mean.value:.4g}, was {old:.4g}"
