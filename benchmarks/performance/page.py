"""The figures as a table, as JSON, and on the page `docs/performance.md`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import cattrs

from benchmarks.performance import SUBJECTS
from benchmarks.performance.rounds import Row

Results = Mapping[str, Sequence[Row]]
"""The rows of each subject."""

_DOCS: Final = Path(__file__).parents[2] / "docs"
_PAGE: Final = _DOCS / "performance.md"
_FOLDER: Final = _DOCS / "performance"
_STORED: Final = _FOLDER / "results.json"
_COMMAND: Final = "python -m benchmarks.performance --page"


@attrs.frozen
class Stored:
    """What is kept of a subject: its rows, and the machine that they were taken on."""

    machine: str
    rows: list[Row]


def machine() -> str:
    """The machine in a line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {python}, {platform.system()} {platform.machine()}"


def dump(results: Results) -> str:
    """The rows and the machine, as JSON."""
    stored = {subject: Stored(machine(), list(rows)) for subject, rows in results.items()}
    return _dump(stored)


def _dump(stored: Mapping[str, Stored]) -> str:
    plain = {subject: attrs.asdict(each) for subject, each in stored.items()}
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def table_of(results: Results) -> str:
    """All rows as a Markdown table."""
    # Here, for that module brings the simulated worlds along, and a child of this process nothing.
    from benchmarks.tables import table  # noqa: PLC0415 - see above

    return table(
        ("what", "against", "ours", "theirs", "figure", "target", "met"),
        (
            (
                row.name,
                row.against or "—",
                _number(row.ours),
                "—" if row.theirs is None else _number(row.theirs),
                _figure(row),
                bound(row),
                "yes" if row.is_met else "**no**",
            )
            for rows in results.values()
            for row in rows
        ),
    )


def bound(row: Row, *, quick: bool = False) -> str:
    """The bound of a row: its target, or the wide one of a quick run."""
    limit = row.quick_bound if quick and row.quick_bound is not None else row.target
    return f"{'≥' if row.at_least else '≤'} {_number(limit)} {_sign(row)}"


def _figure(row: Row) -> str:
    found = f"{_number(row.figure)} {_sign(row)}"
    low, high = row.spread
    return found if low == high else f"{found} ({_number(low)} to {_number(high)})"


def _sign(row: Row) -> str:
    return "×" if row.unit == "x" else row.unit


def _number(value: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write(results: Results) -> None:
    """Put figures and plots on the page; what wasn't measured now stays as it is.

    Raises:
        ValueError: The page has no marks to write between.
    """
    # matplotlib takes a second to come, and only the page needs it.
    from benchmarks.performance import plots  # noqa: PLC0415 - see above
    from tests.pages import write_into  # noqa: PLC0415 - see above

    _FOLDER.mkdir(exist_ok=True)
    known = _stored() | {
        subject: Stored(machine(), list(rows)) for subject, rows in results.items()
    }
    stored = {subject: known[subject] for subject in SUBJECTS if subject in known}
    _STORED.write_text(_dump(stored), encoding="utf-8")
    rows = {subject: each.rows for subject, each in stored.items()}
    drawn = plots.draw(rows, _FOLDER)
    write_into(_PAGE, "figures", _COMMAND, f"{_machines(stored)}\n\n{table_of(rows)}")
    shown = "\n\n".join(f"![{what}]({_FOLDER.name}/{name})\n\n*{what}.*" for name, what in drawn)
    write_into(_PAGE, "plots", _COMMAND, shown)


def _stored() -> dict[str, Stored]:
    """What was kept of earlier runs."""
    if not _STORED.exists():
        return {}
    return cattrs.structure(json.loads(_STORED.read_text(encoding="utf-8")), dict[str, Stored])


def _machines(stored: Mapping[str, Stored]) -> str:
    """On what all this was measured; usually one machine."""
    subjects: dict[str, list[str]] = {}
    for subject, each in stored.items():
        subjects.setdefault(each.machine, []).append(subject)
    if len(subjects) == 1:
        return f"Measured on: {next(iter(subjects))}."
    parts = (f"{name} ({', '.join(which)})" for name, which in subjects.items())
    return f"Measured on: {'; '.join(parts)}."
