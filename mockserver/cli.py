"""The command `legnext-mock`: the mock server as a process."""

from __future__ import annotations

import signal
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, NoReturn

import trio
from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from mockserver.mock import MockLegnext
from mockserver.world import TokenBucket

_INTERRUPTED = 130
_CANT_LISTEN = 1
_WRONG_USAGE = 2

_HELP = """\
A stand-in for the Legnext service: simulated jobs behind the real API.

Its first line is the URL it listens on; it serves until Ctrl-C or SIGTERM.
Any x-api-key is accepted, as long as there is one. What really happened to
every job is at /__admin/truth, and every request at /__admin/requests.

The vendor's SDK takes the URL with /api behind it as its base_url, and
legnext-stream takes it as it is, from LEGNEXT_BASE_URL.
"""

_EXAMPLES = """\
Examples:

  legnext-mock
      In real time, 12 jobs at once, on http://127.0.0.1:8080.

  legnext-mock --port 0 --seed 7 --time-scale 20
      On any free port; a minute of the jobs' time passes in three seconds.

  legnext-mock --slots 6 --failure-share 0.05 --rate 10 --burst 20
      One job in twenty fails; above 10 requests a second the answer is 429.

  legnext-mock --jobs 500
      500 jobs are there from the start; /__admin/truth has their ids.
"""

app: App = App(
    name="legnext-mock",
    version=lambda: version("legnext-stream"),
    help_format="plaintext",
    result_action="return_value",
    help=_HELP,
    help_epilogue=_EXAMPLES,
)


@app.default
def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8080,
    seed: int = 0,
    slots: Annotated[int, Parameter(validator=Number(gte=1))] = 12,
    time_scale: Annotated[float, Parameter(validator=Number(gt=0))] = 1.0,
    failure_share: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.0,
    rate: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    burst: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    latency: Annotated[float, Parameter(validator=Number(gte=0))] = 0.0,
    jobs: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
) -> int:
    """Serve the mock.

    Parameters
    ----------
    host
        The address to listen on. By default nobody but this machine can reach it.
    port
        The port; 0 for any that is free.
    seed
        The same seed gives the same jobs.
    slots
        How many jobs run at once; the others wait.
    time_scale
        How many seconds pass for the jobs while one really passes.
    failure_share
        The share of jobs that fail, from 0 to 1.
    rate
        Requests a second (of the jobs' time) above which the answer is 429. No limit by default.
    burst
        How many requests may come at once before the rate counts.
    latency
        How long each answer takes, in seconds of the jobs' time.
    jobs
        How many diffusion jobs are added at the start.
    """
    mock = MockLegnext(
        seed,
        slots,
        clock=time.monotonic,
        epoch=datetime.now(UTC),
        time_scale=time_scale,
        failure_share=failure_share,
        limit=None if rate is None else TokenBucket(rate, burst),
        latency=latency,
    )
    mock.add_jobs(jobs)
    try:
        return trio.run(_serve_until_told, mock, host, port)
    except OSError as error:
        reason = error.strerror or error
        print(f"legnext-mock: can't listen on {host} port {port}: {reason}", file=sys.stderr)  # noqa: T201 - a command's own voice
        return _CANT_LISTEN


async def _serve_until_told(mock: MockLegnext, host: str, port: int) -> int:
    """Serve until a signal comes; return the exit status that goes with it."""
    # The handlers stand before the first line is out: who has read it may send a signal.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with mock.serve(host, port) as url:
            print(url, flush=True)  # noqa: T201 - this is what the command says
            received = await anext(signals)
    return _INTERRUPTED if received == signal.SIGINT else 0


def main() -> NoReturn:
    """Run the command with the arguments of this process, and exit.

    The status is 130 after Ctrl-C, 0 after SIGTERM, 1 when the address can't be listened on, and 2
    when the arguments are wrong.
    """
    try:
        status = app(sys.argv[1:], exit_on_error=False)
    except CycloptsError:
        status = _WRONG_USAGE  # What is wrong with them has been printed.
    sys.exit(status)
