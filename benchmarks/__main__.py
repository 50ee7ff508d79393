"""`python -m benchmarks`: run the worlds, print the tables, write the page."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import full_stack, plan, plots, store, tables
from benchmarks.cpu import cpu_a_poll
from benchmarks.page import page
from benchmarks.promises import Promise, promises

_FULL, _PERTURBED = 20, 3


def main() -> int:
    """Run what the command line asks for; 1 if a check fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="our policy alone, in two minutes")
    parser.add_argument(
        "--perturb", action="store_true", help="median, sigma, slots and limits times 3 and 1/3"
    )
    parser.add_argument("--seeds", type=int, help=f"default {_FULL}; with --perturb {_PERTURBED}")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--worlds", default="", help="only worlds whose name contains this")
    parser.add_argument("--out", type=Path, default=Path("docs/polling"), help="folder to write to")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if a required result isn't met, or with --quick if a figure is 10 %% "
        "worse than in OUT/quick.json",
    )
    args = parser.parse_args()
    if args.quick:
        return _quick(args)
    if args.perturb:
        return _perturb(args)
    return _full(args)


def _quick(args: argparse.Namespace) -> int:
    results = plan.run_all(plan.quick(), args.jobs, args.worlds)
    rows = promises(results)
    print(tables.must_show(rows))
    stored = args.out / "quick.json"
    if not args.check:
        args.out.mkdir(parents=True, exist_ok=True)
        stored.write_text(store.dump(results, rows) + "\n", encoding="utf-8")
        return 0
    worse = list(store.regressions(results, stored))
    for line in worse:
        print("worse:", line)
    print(f"{len(worse)} figures are worse than in {stored} by more than {store.WORSE:.0%}")
    return 1 if worse else 0


def _perturb(args: argparse.Namespace) -> int:
    results = plan.run_all(plan.perturbed(args.seeds or _PERTURBED), args.jobs, args.worlds)
    changes = dict.fromkeys(case.change for case in results)
    rows = [row for change in changes for row in promises(results, change)]
    print(tables.must_show(rows))
    return _verdict(rows, check=args.check)


def _full(args: argparse.Namespace) -> int:
    seeds = args.seeds or _FULL
    results = plan.run_all(plan.full(seeds), args.jobs, args.worlds)
    rows = promises(results)
    print(tables.must_show(rows))
    if args.worlds:
        # Some worlds alone are only printed; the page needs them all.
        print(tables.worlds(results), tables.limits(results), sep="\n")
        return _verdict(rows, check=args.check)
    print("the full stack …", file=sys.stderr)
    with ProcessPoolExecutor(args.jobs) as pool:
        stack = full_stack.compare(pool, min(seeds, full_stack.SEEDS))
    print(full_stack.agreement_table(stack))
    print("CPU a poll …", file=sys.stderr)
    cpu = cpu_a_poll()
    print(f"CPU a poll: {cpu[0]:.0f} µs with 1,000 jobs in line, {cpu[1]:.0f} µs with 10,000\n")
    if not args.check:
        args.out.mkdir(parents=True, exist_ok=True)
        drawn = plots.draw(results, args.out, args.jobs)
        text = page(results, rows, seeds=seeds, cpu=cpu, plots=drawn, stack=stack)
        (args.out / "README.md").write_text(text, encoding="utf-8")
        (args.out / "results.json").write_text(store.dump(results, rows) + "\n", encoding="utf-8")
    return _verdict(rows, check=args.check)


def _verdict(rows: list[Promise], *, check: bool) -> int:
    missed = [row for row in rows if not row.is_met]
    for row in missed:
        print(f"not met: {row.world}: {row.what}: {row.found}, target {row.bound}")
    print(f"{len(rows) - len(missed)} of {len(rows)} rows are met")
    return 1 if missed and check else 0


if __name__ == "__main__":
    sys.exit(main())
