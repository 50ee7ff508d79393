"""The command `legnext-mock` and its subcommands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, CoercionError, CycloptsError, Parameter, UnusedCliTokensError
from cyclopts.validators import Number
from rich.console import Console

from mockserver._cli.explaining import Topic, explanation
from mockserver._cli.options import SERVER, Options
from mockserver._cli.recording import recording
from mockserver._cli.serving import CLOSED_PIPE, FAILED, WRONG_USAGE, complain, serve_until_signal
from mockserver._cli.settings import UsageError, scenario_of
from mockserver._mock import MockLegnext
from mockserver._replay import TranscriptError, read_transcript, replaying
from mockserver._scenario import Scenario
from mockserver._serving.network.destinations import is_loopback

_HELP = """\
A stand-in for the Legnext service: simulated jobs behind the real API.

The first line of output is the URL; the server runs until Ctrl-C or SIGTERM.
It accepts any x-api-key that isn't empty. /__admin/ is a page to watch and
change the simulation, /__admin/truth has all changes of all jobs, and
/__admin/requests all requests. /openapi.json describes the API.

Give the vendor's SDK the URL plus /api as its base_url, and legnext-stream the
URL itself, in LEGNEXT_BASE_URL.
"""

_EXAMPLES = """\
Examples:

  legnext-mock
      In real time, 12 jobs at once, on http://127.0.0.1:8080.

  legnext-mock --port 0 --seed 7 --time-scale 20
      On any free port; a minute of the jobs' time passes in three seconds.

  legnext-mock --slots reject@6 --run-times relax --jobs 500
      A slow account that refuses a seventh job; 500 are there from the start.

  legnext-mock --rate 10 --burst 20 --retry-after date --rate-limit-fields draft
      Above 10 requests a second the answer is 429, with a date in Retry-After.

  legnext-mock --fault status:503@job,every=10 --fault 'delay:uniform(0,5)'
      Every tenth status request gets 503, and all answers are late.

  legnext-mock --fault reset:200@job,probability=0.05,after=60,until=120
      In the world's second minute, one answer in twenty breaks off.

  legnext-mock --quirk error_body=nested --quirk logs=strings
      Undocumented variants in which the API has been seen to answer.

  legnext-mock --scenario storm.toml --seed 8
      What the file says, with another seed.

  legnext-mock --replay night.jsonl
      Last night's batch again, from a transcript that `record` wrote.

Short forms are KIND:VALUE,VALUE,NAME=VALUE@ROUTE,CRITERION=VALUE. Routes are
job, submit, balance, or a task type. `legnext-mock explain faults` lists all
kinds with their values; other topics are limits, run-times, failures, account,
quirks, hints, webhooks and scenario.

Exit status: 0 after SIGTERM, 130 after Ctrl-C, 1 if the server can't start,
2 if an option or a file is wrong, 141 if the reader of the output has gone away.
"""

_KEPT_REQUESTS = 100_000
"""How many requests the journal keeps, as a server may run for weeks."""


class _Help(Console):
    """Where `--help` is printed."""

    def on_broken_pipe(self) -> None:
        """The reader has gone away."""
        raise BrokenPipeError


app: App = App(
    name="legnext-mock",
    console=_Help(),
    version=lambda: version("legnext-stream"),
    help_format="plaintext",
    result_action="return_value",
    help=_HELP,
    help_epilogue=_EXAMPLES,
)


@app.default
def serve(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 - it is frozen
    replay: Annotated[Path | None, Parameter(group=SERVER)] = None,
    host: Annotated[str, Parameter(group=SERVER)] = "127.0.0.1",
    port: Annotated[int, Parameter(group=SERVER, validator=Number(gte=0, lte=65535))] = 8080,
) -> int:
    """Serve the mock.

    Parameters
    ----------
    replay
        A transcript: what was recorded happens again.
    host
        The address to listen on. By default only this machine can reach it.
    port
        The port; 0 for any that is free.
    """
    if options.admin is None and not is_loopback(host):
        options = attrs.evolve(options, admin=False)
    try:
        described = scenario_of(options)
        mock = _live(described) if replay is None else _replayed(described, replay)
    except UsageError as error:
        complain(str(error))
        return WRONG_USAGE
    mock.requests.keep = _KEPT_REQUESTS
    return serve_until_signal(mock.serve, host, port)


@app.command(help_epilogue="")
def record(
    file: Path,
    /,
    *,
    upstream: Annotated[str, Parameter(group=SERVER)] = "https://api.legnext.ai",
    host: Annotated[str, Parameter(group=SERVER)] = "127.0.0.1",
    port: Annotated[int, Parameter(group=SERVER, validator=Number(gte=0, lte=65535))] = 8080,
) -> int:
    """Forward requests to the real API, and record them in a transcript.

    The transcript has prompts, but no keys and no signatures.
    Use the URL in the first line of output in place of the API's URL.
    Afterwards, replay the file with --replay.

    Parameters
    ----------
    file
        The transcript to write; it must not exist yet.
    upstream
        The URL of the API.
    host
        The address to listen on.
    port
        The port; 0 for any that is free.
    """
    try:
        serve_recording = recording(file, upstream)
    except UsageError as error:
        complain(str(error))
        return WRONG_USAGE
    return serve_until_signal(serve_recording, host, port)


@app.command(help_epilogue="")
def explain(topic: Topic, /) -> int:
    """Explain a topic: its kinds, their values, and what they mean.

    Parameters
    ----------
    topic
        What to explain.
    """
    print(explanation(topic))  # noqa: T201 - this is what the command says
    return 0


def _live(scenario: Scenario) -> MockLegnext:
    """A mock in real time, whose calendar begins now unless the scenario says otherwise."""
    if scenario.epoch == Scenario().epoch:
        scenario = attrs.evolve(scenario, epoch=datetime.now(UTC))
    return scenario.mock(clock=time.monotonic)


def _replayed(scenario: Scenario, file: Path) -> MockLegnext:
    """A replay in real time, with the settings and jobs of a scenario."""
    usual = Scenario().settings()
    given = {name: value for name, value in scenario.settings().items() if value != usual[name]}
    try:
        mock = replaying(read_transcript(file), clock=time.monotonic, **given)
        scenario.add_jobs_to(mock)
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror or error}") from error
    except TranscriptError as error:
        raise UsageError(str(error)) from error
    return mock


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; return the exit status."""
    try:
        status: int | None = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        complain(f"{_in_words(error)} (see legnext-mock --help)")
        return WRONG_USAGE
    except BrokenPipeError:
        return CLOSED_PIPE
    except OSError as error:
        complain(f"can't write the output: {error.strerror or error}")
        return FAILED
    return status or 0


def _in_words(error: CycloptsError) -> str:
    """What is wrong with a command line, as a person would say it."""
    if isinstance(error, UnusedCliTokensError):
        return f"unexpected argument {(error.unused_tokens or [''])[0]!r}"
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        kinds: dict[object, str] = {int: "a whole number", float: "a number"}
        kind = kinds.get(error.target_type, "something else")
        return f"{error.argument.name} must be {kind}, not {error.token.value!r}"
    return str(error).removesuffix(".")
