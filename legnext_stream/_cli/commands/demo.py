"""`legnext-stream demo`: a batch of simulated jobs, with no key and no network."""

from __future__ import annotations

import math
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import attrs
import trio
from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.displays import display_for
from legnext_stream._cli.exits import Exit
from legnext_stream._cli.following import Follower, ReportFile
from legnext_stream._cli.options import Count
from legnext_stream._cli.progress import Progress
from legnext_stream._cli.simulation import find_mock
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pacing import Pacing

_SUBJECTS = ("a lighthouse", "a fox", "an orchard", "a night train", "a teapot", "a glacier")
_STYLES = ("in watercolour", "as a woodcut", "at dawn", "in the style of a field guide")
# Some jobs fail, and the account limits the request rate: the demo shows how that is handled. The limit
# is somewhat above what the polls need, and is met when many jobs are submitted or end together.
_FAILURE_SHARE = 0.04
_RATE = 4.0
_BURST = 20
# The fastest that the demo polls, in requests a second: more would only keep the machine busy.
_FASTEST = 100.0


async def demo(
    *,
    jobs: Count = 200,
    seed: int = 7,
    slots: Count = 12,
    time_scale: Annotated[float, Parameter(validator=Number(gt=0, lt=math.inf))] = 15.0,
    report: Path | None = None,
) -> Exit:
    """Submit simulated jobs to a mock server and follow them: no key, no network.

    It takes about a minute. Some jobs fail, and some requests are answered 429, on purpose. Without
    a terminal it prints a line of progress every two seconds. The exit status is 0 if every job was
    followed to its end.

    Args:
        jobs: How many jobs.
        seed: The same seed gives the same jobs.
        slots: How many jobs run at the same time; the others wait.
        time_scale: How many seconds pass for the jobs in one second of real time.
        report: Write a page about the batch to this file at the end, even after Ctrl-C.
    """
    mock = find_mock().mock(
        {
            "seed": seed,
            "slots": slots,
            "time_scale": time_scale,
            "failure_share": _FAILURE_SHARE,
            "limit": [{"kind": "token-bucket", "rate": _RATE, "burst": _BURST}],
        }
    )
    pacing = pacing_for(time_scale)
    async with LegnextClient("demo", "http://mock", mock.transport(), pacing=pacing) as client:
        title = f"legnext-stream demo · a mock server, {time_scale:g} times real time"
        note = (
            f"These jobs were simulated, and time ran {time_scale:g} times as fast as real time. All"
            " times and rates here are in the jobs' seconds."
        )
        file = None
        if report is not None:
            file = ReportFile(report, title, notes=(note,), time_scale=time_scale)
        progress = Progress(title, trio.current_time(), lambda: jobs)
        # The timeout is not scaled: it applies to a job's age by the server's clock, which runs
        # fast.
        async with client.watch(_Submitted(client, jobs)) as events:
            display = display_for(sys.stdout)
            await Follower(progress, display, report=file).follow(events)
            ends = events.stats.jobs
    # It is fine that some jobs fail, but not that one gets lost.
    shown = ends.get(JobStatus.COMPLETED, 0) + ends.get(JobStatus.FAILED, 0)
    return Exit.COMPLETED if shown == jobs else Exit.INCOMPLETE


def pacing_for(time_scale: float) -> Pacing:
    """The default pacing, for a world in which everything is that many times faster."""
    usual = Pacing()
    return attrs.evolve(
        usual,
        poll_cost=usual.poll_cost / time_scale,
        min_interval=usual.min_interval / time_scale,
        max_interval=usual.max_interval / time_scale,
        max_rate=min(usual.max_rate * time_scale, _FASTEST),
        initial_rate=min(usual.initial_rate * time_scale, _FASTEST),
    )


@attrs.frozen
class _Submitted:
    """Submits jobs one by one; the watch follows each while the next is being submitted."""

    client: LegnextClient
    jobs: int

    def __len__(self) -> int:
        return self.jobs

    async def __aiter__(self) -> AsyncIterator[Job]:
        for number in range(self.jobs):
            subject = _SUBJECTS[number % len(_SUBJECTS)]
            style = _STYLES[number % len(_STYLES)]
            yield await self.client.diffusion(f"{subject} {style}")
