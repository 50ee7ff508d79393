"""`python -m benchmarks.performance`: run the subjects, print the table, write the page."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.performance import SUBJECTS, instructions, page
from benchmarks.performance.rounds import CannotMeasureError, Row

_HELP: Final = """\
Measure what the library costs, and compare it with its targets.

Speed is a ratio of two things that take turns within one run. Figures in seconds or bytes are for this
machine only. Progress goes to stderr, the table to stdout.
"""
_EPILOG: Final = """\
for example:
  python -m benchmarks.performance --page
      Measure everything, and rewrite the figures and plots in docs/performance.md.
  python -m benchmarks.performance --only core,memory --page
      Measure these two; the page keeps the figures of the others.
  python -m benchmarks.performance --quick --check
      A minute's run; fails if a ratio is far out of its bound.
  python -m benchmarks.performance --only instructions --against HEAD~1
      Instructions a poll, compared with the previous commit.
  python -m benchmarks.performance --release
      Store the instructions a poll of this version as those of the last release.
"""


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.performance",
        description=_HELP,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="measure less, in a minute")
    parser.add_argument(
        "--check",
        action="store_true",
        help="fail if a target is missed; with --quick only if a ratio is far out of its bound",
    )
    parser.add_argument("--only", default=",".join(SUBJECTS), help="subjects (all: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--against", metavar="REF", help="the commit to compare instructions with")
    parser.add_argument(
        "--release", action="store_true", help="store the instructions a poll of this version"
    )
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    unknown = set(options.only) - set(SUBJECTS)
    if unknown:
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    if options.quick and options.page:
        parser.error("--page can't be combined with --quick: the page needs full measurements")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 1 if a check fails."""
    options = _parse(arguments)
    if options.release:
        print(instructions.keep_release(options.against))
        return 0
    results = {}
    for subject in options.only:
        rows = _measure(subject, options)
        if options.check and not all(_is_within(row, options) for row in rows):
            # Other load may have slowed it down; a real regression shows twice.
            print(f"{subject}: out of bounds, measuring again", file=sys.stderr)
            rows = _measure(subject, options)
        if rows:
            results[subject] = rows
            if options.page:
                # Written one by one, so that no measurement is lost.
                page.write({subject: rows})
    print(page.table_of(results))
    if options.json is not None:
        options.json.write_text(page.dump(results), encoding="utf-8")
    return _verdict([row for rows in results.values() for row in rows], options)


def _measure(subject: str, options: argparse.Namespace) -> list[Row]:
    """Run one subject alone on the machine; return nothing if it can't run here."""
    print(f"{subject} …", file=sys.stderr)
    began = time.monotonic()
    try:
        rows: list[Row]
        if subject == "instructions":
            rows = instructions.measure(quick=options.quick, against=options.against)
        else:
            # By name, so that each is imported only when it runs.
            rows = import_module(f"benchmarks.performance.{subject}").measure(quick=options.quick)
    except CannotMeasureError as error:
        print(f"{subject} was not measured: {error}", file=sys.stderr)
        return []
    print(f"{subject}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return rows


def _is_within(row: Row, options: argparse.Namespace) -> bool:
    return row.is_within_quick_bound if options.quick else row.is_met


def _verdict(rows: Sequence[Row], options: argparse.Namespace) -> int:
    out = [row for row in rows if not _is_within(row, options)]
    for row in out:
        print(f"out of bounds: {row.name}: {page.bound(row, quick=options.quick)}")
    met = sum(row.is_met for row in rows)
    print(f"{met} of {len(rows)} targets are met; out of bounds: {len(out)}")
    # A check of nothing must not pass.
    return 1 if options.check and (out or not rows) else 0


if __name__ == "__main__":
    sys.exit(main())
