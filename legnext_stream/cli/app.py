"""The commands and their options, and what `--help` says of them."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import trio
from cyclopts import App, CycloptsError, Group, Parameter, Token
from cyclopts.validators import Number

from legnext_stream.cli.demo_command import DemoSettings
from legnext_stream.cli.demo_command import demo as run_demo
from legnext_stream.cli.exits import PROGRAM, Exit, UsageError, complain
from legnext_stream.cli.signals import until_signal
from legnext_stream.cli.status_command import status as run_status
from legnext_stream.cli.watch_command import WatchSettings
from legnext_stream.cli.watch_command import watch as run_watch
from legnext_stream.cli.watching import reporting
from legnext_stream.core.pacing import Pacing
from legnext_stream.version import __version__

app: App = App(
    name=PROGRAM,
    version=__version__,
    version_flags=["--version"],
    help_format="plaintext",
    help="""Many Legnext jobs as one stream of status changes.

Rate limits, retries, intervals and queues are taken care of: name the jobs, and read what changes.
""",
    # By hand, in lines of at most 78 characters: it is printed as it stands.
    help_epilogue="""\
Try:
  legnext-stream demo
      See it work: 200 simulated jobs, with no key and no network.
  legnext-stream watch ids.txt
      Follow the jobs of a file, one id a line, on a live display.
  legnext-stream watch ids.txt | jq -r .status
      In a pipe: one JSON object a line for each change, once it is seen.
  submit-jobs | legnext-stream watch - > events.jsonl
      Follow jobs while their ids go on arriving.
  legnext-stream watch ids.txt --journal batch.db
      The same, to be gone on with after a restart: by the same line.
  legnext-stream status batch.db
      Where that batch stands.

Environment:
  LEGNEXT_API_KEY   The API key. There is no option for it, for others can
                    read a command line.
  LEGNEXT_BASE_URL  Where the API is, instead of https://api.legnext.ai.
  NO_COLOR          Set to anything: a display without colours.

Exit status:
  0    Every job completed.
  1    Some job failed, timed out or was not found; or the API or the network
       ended the watch.
  2    Wrong options, ids, file, base URL or API key: change that first.
  130  Ctrl-C (128 + the number of any other signal that ended it).
  141  Whoever read the output has stopped reading.
""",
)

_MORE = f"`{PROGRAM} --help` has examples, the environment and the exit statuses."
_PACING = Group("Pacing", help="When and how fast to ask. The defaults suit an unknown account.")


def _seconds_or_never(_: type, tokens: Sequence[Token]) -> float | None:
    """`600`, `0` or `none`. What it raises, the parser puts into words."""
    text = tokens[0].value.strip().lower()
    seconds = math.inf if text in {"none", "never"} else float(text)
    if not seconds >= 0:
        raise ValueError("seconds are 0 or more; 0 or none for never")
    return seconds if 0 < seconds < math.inf else None


def _no_option(_: type, source: str | None) -> None:
    """The parser lets a hyphen in for the sake of `-`; what else begins with one is a mistake."""
    if source is not None and source.startswith("-") and source != "-":
        raise ValueError(f"There is no option {source}.")


@app.command(help_format="markdown", help_epilogue=_MORE)
def watch(
    source: Annotated[
        str | None, Parameter(name="FILE", allow_leading_hyphen=True, validator=_no_option)
    ] = None,
    /,
    *,
    ids: Annotated[tuple[str, ...], Parameter(name="--id", negative="", show_default=False)] = (),
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    base_url: Annotated[str | None, Parameter(env_var="LEGNEXT_BASE_URL")] = None,
    timeout: Annotated[float | None, Parameter(converter=_seconds_or_never)] = 600.0,
    journal: Path | None = None,
    pacing: Annotated[Pacing, Parameter(name="*", group=_PACING)] = Pacing(),  # noqa: B008 - frozen
) -> int:
    """Follow jobs until all of them have ended.

    On a terminal it shows a live display; in a pipe it writes one JSON object a line for each
    change. At the end it sums up on standard error.

    Args:
        source: A file of job ids, one a line; - for standard input, which is read as it arrives.
            Blank lines and what follows a # are let pass. A file is checked whole before the first
            request.
        ids: A job id. May be given several times, also beside a file.
        json: Write JSON lines on a terminal too.
        base_url: Where the API is.
        timeout: How long a job may run, and how long no job at all may change, in seconds. 0 or
            none for never.
        journal: A file in which to keep what was told. Started again with the same file, the watch
            goes on where it was ended, in whatever way; FILE may be left out then.
        pacing: When and how fast to ask.
    """
    settings = WatchSettings(
        source=source,
        ids=ids,
        wants_json=json,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
        journal=journal,
    )
    return _run(partial(run_watch, settings))


@app.command(help_format="markdown", help_epilogue=_MORE)
def status(
    journal: Annotated[Path, Parameter(name="JOURNAL")],
    /,
    *,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Say where a batch stands, by the journal of its watch.

    The watch may be running meanwhile. The exit status is 0 if every job has completed, and 1 if
    some has not, or not yet.

    Args:
        journal: The file that `watch --journal` keeps.
        json: Write one line of JSON.
    """
    try:
        return run_status(journal, wants_json=json)
    except UsageError as error:
        complain(str(error))
        return Exit.USAGE


@app.command(help_format="markdown", help_epilogue=_MORE)
def demo(
    *,
    jobs: Annotated[int, Parameter(validator=Number(gte=1))] = 200,
    seed: int = 7,
    slots: Annotated[int, Parameter(validator=Number(gte=1))] = 12,
    time_scale: Annotated[float, Parameter(validator=Number(gt=0, lt=math.inf))] = 25.0,
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
    """
    settings = DemoSettings(jobs=jobs, seed=seed, slots=slots, time_scale=time_scale)
    return _run(partial(run_demo, settings))


def _run(work: Callable[[], Awaitable[Exit]]) -> int:
    return trio.run(until_signal, partial(reporting, work))


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; return the exit status."""
    try:
        # Parsed apart from being run, so that a bug in a command is never taken for wrong usage.
        command, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    except (CycloptsError, ValueError) as error:
        complain(f"{_in_options(str(error))} (see {PROGRAM} --help)")
        return Exit.USAGE
    status = command(*bound.args, **bound.kwargs)
    return Exit.COMPLETED if status is None else int(status)


def _in_options(message: str) -> str:
    """A message about settings, with the names that the command line has for them."""
    message = re.sub(r"Pacing\((\w+=[^)]*)\)", r"\1", message)
    return re.sub(r"\b([a-z]+(?:_[a-z]+)+)=", lambda found: f"--{_hyphened(found[1])}=", message)


def _hyphened(name: str) -> str:
    return name.replace("_", "-")
