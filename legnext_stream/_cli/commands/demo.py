"""`legnext-stream demo`: the whole of it against the mock server, with no key and no network."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated

import attrs
import trio
from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.displays import display_for
from legnext_stream._cli.exits import Exit
from legnext_stream._cli.mock_process import mock_server
from legnext_stream._cli.options import Report
from legnext_stream._cli.progress import Progress
from legnext_stream._cli.report_file import report_file
from legnext_stream._cli.running import run_to_exit
from legnext_stream._cli.watching import follow
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pacing import Pacing

_SUBJECTS = ("a lighthouse", "a fox", "an orchard", "a night train", "a teapot", "a glacier")
_STYLES = ("in watercolour", "as a woodcut", "at dawn", "in the style of a field guide")
# Some jobs fail, and the server refuses what comes too fast: a demo should show how that goes.
_FAILURE_SHARE = 0.04
_SERVER_RATE = 0.4
_SERVER_BURST = 5
# As fast as a watch asks in the demo, requests a second: more would only keep the machine busy.
_FASTEST = 100.0


@attrs.frozen(kw_only=True)
class DemoSettings:
    """What was asked for on the command line.

    Attributes:
        jobs: How many jobs to submit.
        seed: The same seed gives the same jobs.
        slots: How many jobs the server runs at once.
        time_scale: How many seconds pass for the jobs while one really passes.
        report: The file of the report, or None.
    """

    jobs: int
    seed: int
    slots: int
    time_scale: float
    report: Path | None = None


def pacing_for(time_scale: float) -> Pacing:
    """The default pacing for a world in which all goes so many times faster."""
    usual = Pacing()
    return attrs.evolve(
        usual,
        poll_cost=usual.poll_cost / time_scale,
        min_interval=usual.min_interval / time_scale,
        max_interval=usual.max_interval / time_scale,
        max_rate=min(usual.max_rate * time_scale, _FASTEST),
        initial_rate=min(usual.initial_rate * time_scale, _FASTEST),
    )


def server_options(settings: DemoSettings) -> list[str]:
    """The options of the mock server."""
    options = {
        "--seed": settings.seed,
        "--slots": settings.slots,
        "--time-scale": settings.time_scale,
        "--failure-share": _FAILURE_SHARE,
        "--rate": _SERVER_RATE,
        "--burst": _SERVER_BURST,
    }
    return [f"{name}={value}" for name, value in options.items()]


async def submitted(client: LegnextClient, jobs: int) -> AsyncIterator[Job]:
    """Submit jobs one after the other; the watch takes each in while the next is on its way."""
    for number in range(jobs):
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        style = _STYLES[number % len(_STYLES)]
        yield await client.diffusion(f"{subject} {style}")


def demo(
    *,
    jobs: Annotated[int, Parameter(validator=Number(gte=1))] = 200,
    seed: int = 7,
    slots: Annotated[int, Parameter(validator=Number(gte=1))] = 12,
    time_scale: Annotated[float, Parameter(validator=Number(gt=0, lt=math.inf))] = 25.0,
    report: Report = None,
) -> int:
    """Submit simulated jobs to a mock server and follow them: no key, no network.

    It takes about a minute. Some jobs fail and some requests are refused as too many, on purpose.
    Without a terminal it prints a line of progress every two seconds. The exit status is 0 if
    every job was followed to its end.

    Args:
        jobs: How many jobs.
        seed: The same seed gives the same jobs.
        slots: How many jobs run at once; the others wait.
        time_scale: How many seconds pass for the jobs while one really passes.
        report: A file for a page about the batch, written at the end, also by Ctrl-C.
    """
    settings = DemoSettings(jobs=jobs, seed=seed, slots=slots, time_scale=time_scale, report=report)
    return run_to_exit(partial(run_demo, settings))


async def run_demo(settings: DemoSettings) -> Exit:
    """Submit, watch, and sum up.

    Raises:
        UsageError: The mock server isn't installed.
        LegnextError: What ended the watch as a whole, or the mock server's end before its time.
        OutputError: The lines of progress can't be written.
    """
    # There is one host to talk to, and it is on this machine: no proxy has a part in it.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    pacing = pacing_for(settings.time_scale)
    async with (
        mock_server(server_options(settings)) as server,
        LegnextClient(api_key="demo", base_url=server.url, pacing=pacing) as client,
    ):
        speed = f"{settings.time_scale:g} times real time"
        title = f"legnext-stream demo · mock server at {server.url}, {speed}"
        note = (
            f"These jobs were simulated, and time ran {settings.time_scale:g} times as fast as real"
            " time. All times and rates here are in the jobs' seconds."
        )
        report = report_file(settings.report, title, notes=(note,), time_scale=settings.time_scale)
        progress = Progress(title, trio.current_time(), lambda: settings.jobs)
        # The default timeout, not a scaled one: a job's age is taken from the server's times, which
        # run fast, so that 600 s of them are the shortest that is right.
        async with client.watch(submitted(client, settings.jobs)) as events:
            display = display_for(sys.stdout)
            await follow(events, progress, display, check=server.check, report=report)
            ends = events.stats.jobs
    # That some jobs fail is part of the show; that one got lost would not be.
    shown = ends.get(JobStatus.COMPLETED, 0) + ends.get(JobStatus.FAILED, 0)
    return Exit.COMPLETED if shown == settings.jobs else Exit.INCOMPLETE
