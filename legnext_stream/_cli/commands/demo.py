"""`legnext-stream demo`: a batch of simulated jobs on a mock server, with no key and no network."""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Annotated

import attrs
import trio
from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.displays import display_for
from legnext_stream._cli.exits import Exit, UsageError
from legnext_stream._cli.following import ReportFile, follow
from legnext_stream._cli.options import Count
from legnext_stream._cli.progress import Progress
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pacing import Pacing
from legnext_stream.errors import LegnextError

_SUBJECTS = ("a lighthouse", "a fox", "an orchard", "a night train", "a teapot", "a glacier")
_STYLES = ("in watercolour", "as a woodcut", "at dawn", "in the style of a field guide")
# Some jobs fail, and the server limits the request rate: the demo shows how that is handled.
_FAILURE_SHARE = 0.04
_SERVER_RATE = 0.4
_SERVER_BURST = 5
# The fastest that the demo polls, in requests a second: more would only keep the machine busy.
_FASTEST = 100.0
# How long the server may take to end after SIGTERM, in seconds.
_LEAVING = 3.0


async def demo(
    *,
    jobs: Count = 200,
    seed: int = 7,
    slots: Count = 12,
    time_scale: Annotated[float, Parameter(validator=Number(gt=0, lt=math.inf))] = 25.0,
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
    # The mock server is on this machine, so no proxy is needed.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    server_options = {
        "--seed": seed,
        "--slots": slots,
        "--time-scale": time_scale,
        "--failure-share": _FAILURE_SHARE,
        "--rate": _SERVER_RATE,
        "--burst": _SERVER_BURST,
    }
    async with (
        mock_server([f"{name}={value}" for name, value in server_options.items()]) as server,
        LegnextClient("demo", server.url, pacing=pacing_for(time_scale)) as client,
    ):
        title = f"legnext-stream demo · mock server at {server.url}, {time_scale:g} times real time"
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
        async with client.watch(_submitted(client, jobs)) as events:
            display = display_for(sys.stdout)
            await follow(events, progress, display, check=server.check, report=file)
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


async def _submitted(client: LegnextClient, jobs: int) -> AsyncIterator[Job]:
    """Submit jobs one by one; the watch follows each while the next is being submitted."""
    for number in range(jobs):
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        style = _STYLES[number % len(_STYLES)]
        yield await client.diffusion(f"{subject} {style}")


class MockServerError(LegnextError):
    """The mock server did not start, or ended too early."""


@attrs.frozen
class MockServer:
    """A running mock server.

    Attributes:
        url: Where it listens.
    """

    url: str
    _process: trio.Process
    _stderr: IO[bytes]

    def check(self) -> None:
        """Check that it is still running.

        Raises:
            MockServerError: It isn't.
        """
        if self._process.returncode is not None:
            raise MockServerError(f"the mock server has ended: {_last_line(self._stderr)}")


@asynccontextmanager
async def mock_server(options: Sequence[str]) -> AsyncIterator[MockServer]:
    """Run the mock server as a process of its own while the context is open.

    Args:
        options: Of the command `legnext-mock`, without the port.

    Raises:
        UsageError: The packages it needs aren't installed.
        MockServerError: It doesn't start.
    """
    # -P: modules in the current directory must not shadow installed ones.
    command = [sys.executable, "-P", "-m", "mockserver", "--port", "0", *options]
    # Its stderr goes to a file: a pipe that is never read would fill up and block it.
    with tempfile.TemporaryFile() as stderr:
        process = await trio.lowlevel.open_process(
            command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=stderr,
            # A terminal sends Ctrl-C to all processes of a session; this one ends with the demo.
            start_new_session=True,
        )
        output = process.stdout
        assert output is not None  # noqa: S101 - for the type checker: it is a pipe
        try:
            url = await _first_line(output)
            if not url:
                await process.wait()
                raise _did_not_start(_last_line(stderr))
            yield MockServer(url, process, stderr)
        finally:
            with trio.CancelScope(shield=True):
                process.terminate()
                with trio.move_on_after(_LEAVING):
                    await process.wait()
                process.kill()
                await process.wait()
                await output.aclose()


async def _first_line(output: trio.abc.ReceiveStream) -> str:
    """The first line that a process prints; empty if it ends before."""
    line = b""
    async for part in output:
        line += part
        if b"\n" in line:
            return line.partition(b"\n")[0].decode().strip()
    return ""


def _did_not_start(reason: str) -> Exception:
    if "No module named" in reason:
        return UsageError(
            f"the demo needs the mock server ({reason}): pip install 'legnext-stream[demo]'"
        )
    return MockServerError(f"the mock server did not start: {reason}")


def _last_line(stderr: IO[bytes]) -> str:
    """The last line with words that a process has written: in a traceback, the error itself."""
    stderr.seek(0)
    lines = stderr.read().decode(errors="replace").splitlines()
    words = [line.strip(" │") for line in lines if any(map(str.isalnum, line))]
    return words[-1] if words else "it printed no reason"
