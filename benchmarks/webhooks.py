"""`python -m benchmarks.webhooks`: what callbacks save, and what happens if some are lost.

The same worlds and jobs are watched by polling alone and with a webhook receiver, which a callback
reaches half an answer's time after the job's end. Jobs whose callbacks are lost are compared with the
same jobs polled alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import attrs

from benchmarks.harness import ANSWER, Call, Result, TakeCallback, run
from benchmarks.policies import OPEN, Ours
from benchmarks.summary import Figures, Mean, means, quantile
from benchmarks.tables import table as markdown
from benchmarks.worlds import AS_DESCRIBED, WORLDS, Scenario, ended_at
from tests.pages import command_line, write_into

_TRAVEL: Final = ANSWER / 2
_LATE: Final = 30.0
# The part of the batch's duration in which no callback arrives.
_OUTAGE: Final = 0.4, 0.6
_SEEDS: Final = 10
_PAGE: Final = Path("docs/how-to/webhooks.md")


@attrs.frozen
class Channel:
    """What happens to callbacks.

    Attributes:
        name: The name in the table.
        lost_share: The share that never arrives.
        late: The delay of each callback, in seconds.
        outage: Beginning and end of an outage, as shares of the time until the last job has ended.
        signed: Whether callbacks are signed.
    """

    name: str
    lost_share: float = 0.0
    late: float = 0.0
    outage: tuple[float, float] = (1.0, 1.0)
    signed: bool = True


CHANNELS: Final = (
    Channel("all arrive"),
    Channel("2 % lost", lost_share=0.02),
    Channel("10 % lost", lost_share=0.1),
    Channel("30 % lost", lost_share=0.3),
    Channel("none arrives", lost_share=1.0),
    Channel(f"each {_LATE:g} s late", late=_LATE),
    Channel("an outage in the middle", outage=_OUTAGE),
    Channel("none signed", signed=False),
)
SHOWN: Final = ("queue 1,000", "lone", "mixed", "drift", "tail")


def measure(world: str, seed: int) -> dict[str, Figures]:
    """One world with one seed: polled alone, and with each channel."""
    scenario = WORLDS[world](seed, AS_DESCRIBED)
    alone = _watched(scenario, Ours(OPEN))
    figures = {"polling alone": _figures(alone, alone, ())}
    for channel in CHANNELS:
        calls, lost = _calls(scenario, channel, seed)
        ours = Ours(OPEN, callbacks=True)
        take = ours.signed if channel.signed else ours.unsigned
        result = _watched(scenario, ours, calls, take)
        figures[channel.name] = _figures(result, alone, lost)
    return figures


def _watched(
    scenario: Scenario, policy: Ours, calls: Sequence[Call] = (), take: TakeCallback | None = None
) -> Result:
    return run(policy, scenario.world, scenario.job_ids, calls=calls, take=take)


def _calls(scenario: Scenario, channel: Channel, seed: int) -> tuple[list[Call], list[str]]:
    """The callbacks that arrive, in their order, and the jobs of those that don't."""
    ends = {job_id: ended_at(scenario.world, job_id) for job_id in scenario.job_ids}
    begin, end = (share * max(ends.values()) for share in channel.outage)
    rng = Random(f"callbacks {seed}")
    calls, lost = [], []
    for job_id, at in ends.items():
        if rng.random() < channel.lost_share or begin < at <= end:
            lost.append(job_id)
        else:
            calls.append(Call(at + _TRAVEL + channel.late, job_id))
    calls.sort(key=lambda call: call.at)
    return calls, lost


def _figures(result: Result, alone: Result, lost: Sequence[str]) -> Figures:
    """The figures of a run, and those of the jobs with lost callbacks, here and polled alone."""
    figures = {"requests": len(result.sent) / result.jobs, **_delays("", result.delays.values())}
    if lost:
        figures |= _delays("lost ", [result.delays[job_id] for job_id in lost])
        figures |= _delays("alone ", [alone.delays[job_id] for job_id in lost])
        figures["later"] = figures["lost mean"] - figures["alone mean"]
    return figures


def _delays(which: str, delays: Iterable[float]) -> dict[str, float]:
    values = list(delays)
    return {
        f"{which}mean": statistics.fmean(values),
        f"{which}median": statistics.median(values),
        f"{which}p90": quantile(values, 0.9),
    }


Results = Mapping[str, Mapping[str, Mapping[str, Mean]]]
"""By world, channel and figure."""


def run_all(worlds: Sequence[str], seeds: Sequence[int], processes: int) -> Results:
    """Measure worlds with these seeds each."""
    results = {}
    with ProcessPoolExecutor(processes) as pool:
        for world in worlds:
            print(world, "…", file=sys.stderr)
            runs = list(pool.map(partial(measure, world), seeds))
            results[world] = {name: means(run[name] for run in runs) for name in runs[0]}
    return results


def table(results: Results) -> str:
    """The figures, in Markdown."""
    head = (
        "world", "callbacks", "requests per job", "delay, s: mean", "median", "90 %",
        "delay of lost ones: mean", "later than polled alone", "median", "90 %",
    )  # fmt: skip
    rows = [
        (world, name, *(_shown(figures, column) for column in ("requests", "mean", "median", "p90")),
         _compared(figures, "mean"),
         _shown(figures, "later") if "later" in figures else "",
         *(_compared(figures, column) for column in ("median", "p90")))
        for world, channels in results.items()
        for name, figures in channels.items()
    ]  # fmt: skip
    return markdown(head, rows)


def _shown(figures: Mapping[str, Mean], name: str) -> str:
    mean = figures[name]
    return f"{mean.value:.2f} ± {mean.either_way:.2f}" if mean.seeds > 1 else f"{mean.value:.2f}"


def _compared(figures: Mapping[str, Mean], name: str) -> str:
    if f"lost {name}" not in figures:
        return ""
    return f"{figures[f'lost {name}'].value:.2f}; alone {figures[f'alone {name}'].value:.2f}"


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks", description=__doc__)
    parser.add_argument("--seeds", type=int, default=_SEEDS, help=f"by default {_SEEDS}")
    parser.add_argument("--first-seed", type=int, default=0, help="by default 0")
    parser.add_argument("--worlds", nargs="*", default=SHOWN, help=f"of {', '.join(WORLDS)}")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--page", action="store_true", help=f"write the figures into {_PAGE}")
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    text = table(run_all(args.worlds, seeds, args.jobs))
    print(text)
    if args.page:
        write_into(_PAGE, "figures", command_line("benchmarks.webhooks"), text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
