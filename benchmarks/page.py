"""The page that shows it all: `docs/polling/README.md`."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template
from typing import Final

from benchmarks import tables
from benchmarks.cases import VENDOR, Case
from benchmarks.full_stack import Agreement, agreement_table
from benchmarks.plan import Results
from benchmarks.promises import Promise, shown

_PAGE: Final = Template("""\
# Polling, measured

This page is written by `python -m benchmarks`; the numbers are also in [results.json](results.json).

Everything here happens in virtual time: the policy meets a simulated account, and seconds are the
simulation's. An answer takes 0.1 s. **Delay** is the time from a job's true end (or from the watch's
begin, if the job had ended before) until the event reaches the consumer; no policy gets below the
answer's 0.1 s. **Cost** is requests a job × the price + delay; the price is 0.1 s a request where
nothing else is said. Means over $seeds seeds (fewer where a table says so), ± half the 95 % interval.

Ours starts with nothing but the published range of each task type, and with the job ids; it knows
neither the run times, nor how many jobs run at once, nor the limit. "All known" policies know each
job's true distribution and its true start. The optimum is computed by dynamic programming, for jobs
watched from their start. It is the least *expected* cost; on the jobs that really were drawn, another
may come out a little below it.

## What must be shown

$must_show
$unmet$vendor
CPU a poll: $cpu

$plots
## Each world

No limit: our settings there are `Pacing(max_rate=1000, initial_rate=1000, max_in_flight=1000)`,
so that the rate decides nothing. The row "at most 50 requests a second" has the shipped defaults
instead. There the cap binds where many jobs are due at the same time: in `lone`, where 200 jobs
start in the same second and would be asked about more than 50 times a second when most of them end;
in `yesterday`, where 5,000 jobs are to be asked about at once, which takes 100 s at 50 a second, and
the delay is just that; a little in `unfair`.

Fixed intervals and the growing one ask about each job from the watch's begin. Without our limiter,
and outside of `crush`, they are counted in closed form: a job that is watched for T seconds until its
end is asked about T / d + 1 times at the interval d, with a mean delay of d / 2, its phase being random
(the growing interval is averaged over ten phases). "Our limiter" means that they send through the same
pacer as ours, with the shipped settings; they are simulated, and where 1,000 jobs wait, 50 requests a
second is what they get, so that their delay grows instead. They are not run with 10,000 jobs: at 50 a
second that would be 50 requests a second for 11 hours.

The vendor's SDK in `crush` is `wait_for_completion` of legnext 0.3.0 as it is: one task a job, every
3 s, up to 3 repeats of a 429, then an exception. A job whose task has raised is lost. Its delay is that
of the few jobs it did tell of.

`yesterday` is there twice, for the words "90 % have ended" leave open what the others do. Without slots,
all were submitted at the same moment, and the last tenth is about to end. Behind 12 slots, the last tenth
mostly still waits, and each of those jobs needs its ten requests like any other job: so even the rule
with everything known makes almost 2 requests a job there, and 1.3 can't be had at this price. The jobs that had
ended cost one request each.

$worlds
## Prices

`lone`, the price from 0.02 to 3 s. Below 0.05 the shipped `min_interval` of 1 s holds ours back; those
who know all have no such floor.

$prices
## Limits

1,500 jobs that run for hours are watched with `max_interval` 5 s: 300 requests a second are due at all
times, more than any of these limits permits, and what is sent is what the pacer lets through. A policy
without a limiter has 1 − limit / demand of its requests refused: every 5 s, 97 % at ten a second.

A limit on requests at once has no rate that `RateLimit` fields could tell. With answers of 0.1 s, 8 at
once permit 80 a second, above the shipped `max_rate`; in that row `max_rate` and `max_in_flight` are
1,000. With answers of 0.5 s they permit 16, and the settings are the shipped ones.

$limits
## Core harness and full stack

The tables above come from the core harness, which joins the tracker to the simulated account directly.
Here the same worlds run through `LegnextClient`, HTTP in memory and the mock server, with $stack_seeds
seeds both ways.

$stack
## Again, and otherwise

| command | does |
|---|---|
| `python -m benchmarks --out docs/polling` | all of this, in about a quarter of an hour on two cores |
| `python -m benchmarks --quick --check` | ours alone, less of it, in two minutes; fails if a figure is worse than in `quick.json` by more than 10 % |
| `python -m benchmarks --quick` | writes `quick.json` anew |
| `python -m benchmarks --perturb` | median, sigma, slots and limits three times as high and a third: does a row break? |
""")


def page(
    results: Results,
    rows: Sequence[Promise],
    *,
    seeds: int,
    cpu: tuple[float, float] | None,
    plots: Sequence[tuple[str, str]],
    stack: Sequence[Agreement],
) -> str:
    """The page, in Markdown."""
    missed = [row for row in rows if not row.is_met]
    unmet = f"{len(rows) - len(missed)} of {len(rows)} rows are met.\n"
    return _PAGE.substitute(
        seeds=seeds,
        must_show=tables.must_show(rows),
        unmet=unmet,
        vendor=_vendor(results),
        cpu=_cpu(cpu),
        plots="\n".join(f"![{what}]({name})\n\n*{what}.*\n" for name, what in plots),
        worlds=tables.worlds(results),
        prices=tables.prices(results),
        limits=tables.limits(results),
        stack=agreement_table(stack) if stack else "(not run)\n",
        stack_seeds=stack[0].stack.seeds if stack else 0,
    )


def _vendor(results: Results) -> str:
    figures = results.get(Case("crush", VENDOR))
    if figures is None:
        return ""
    return (
        f"In `crush`, {VENDOR} loses {shown(figures['lost'])} of 2,000 jobs, and "
        f"{shown(figures['refused'], percent=True)} of its requests are answered 429.\n"
    )


def _cpu(cpu: tuple[float, float] | None) -> str:
    if cpu is None:
        return "not measured."
    short, long = cpu
    ratio = long / short
    met = "met" if ratio <= 1.3 else "**not met**"
    return f"with 10,000 jobs in line {ratio:.2f} × that with 1,000 (target ≤ 1.3: {met})."
