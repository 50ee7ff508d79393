"""The command `legnext-mock`: its options, and what `--help` says of them."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, NoReturn

import attrs
from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.validators import Number

from mockserver._api.hints import Fields, RetryAfter
from mockserver._cli.explaining import Topic, explanation
from mockserver._cli.recording import recording
from mockserver._cli.serving import WRONG_USAGE, complain, serve_until_told
from mockserver._cli.settings import Options, UsageError, scenario_of, slots_in
from mockserver._mock import MockLegnext
from mockserver._replay import TranscriptError, read_transcript, replaying
from mockserver._scenario import Scenario
from mockserver._world import Order
from mockserver._world.slots import read_slots

_HELP = """\
A stand-in for the Legnext service: simulated jobs behind the real API.

Its first line is the URL it listens on; it serves until Ctrl-C or SIGTERM.
Any x-api-key is accepted, as long as there is one. What really happened to
every job is at /__admin/truth, and every request at /__admin/requests; the
world can be watched and changed at /__admin/. /openapi.json describes the API.

The vendor's SDK takes the URL with /api behind it as its base_url, and
legnext-stream takes it as it is, from LEGNEXT_BASE_URL.
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
      Above 10 requests a second the answer is 429, with a date to come back at.

  legnext-mock --fault status:503@job,every=10 --fault 'delay:uniform(0,5)'
      Every tenth status request is answered with 503, and all take their time.

  legnext-mock --fault reset:200@job,probability=0.05,after=60,until=120
      In the world's second minute, one answer in twenty breaks off.

  legnext-mock --quirk error_body=nested --quirk logs=strings
      Shapes in which the API has been seen, besides those documented.

  legnext-mock --scenario storm.toml --seed 8
      What the file says, with another seed.

  legnext-mock --replay night.jsonl
      Last night's batch again, from a transcript that `record` wrote.

Short forms are KIND:VALUE,VALUE,NAME=VALUE@ROUTE,CRITERION=VALUE. Routes are
job, submit, balance, or a task type. `legnext-mock explain faults` has every
kind with its values; so do limits, run-times, failures, account, quirks,
hints, webhooks and scenario.

Exit status: 0 after SIGTERM, 130 after Ctrl-C, 1 where it can't listen or
read, 2 for options or files that can't be as they are.
"""

_SERVER = Group("Server", sort_key=1)
_JOBS = Group("Jobs and account", sort_key=2)
_LIMITS = Group("Limits", sort_key=3)
_TROUBLE = Group("Trouble", sort_key=4)
_SHAPES = Group("Shapes and webhooks", sort_key=5)

_KEPT_REQUESTS = 100_000
"""How many requests the journal keeps: a server may run for weeks."""

app: App = App(
    name="legnext-mock",
    version=lambda: version("legnext-stream"),
    help_format="plaintext",
    result_action="return_value",
    help=_HELP,
    help_epilogue=_EXAMPLES,
)


def _many(name: str, group: Group) -> Parameter:
    """An option that is given once for each of its values."""
    return Parameter(name=name, group=group, negative=(), show_default=False)


def _can_be_slots(_: object, text: str | None) -> None:
    """What it raises, the parser puts into words, with the name of the option."""
    if text is not None:
        read_slots(slots_in(text), "queue")


@app.default
def serve(
    *,
    scenario: Annotated[Path | None, Parameter(group=_SERVER)] = None,
    replay: Annotated[Path | None, Parameter(group=_SERVER)] = None,
    host: Annotated[str, Parameter(group=_SERVER)] = "127.0.0.1",
    port: Annotated[int, Parameter(group=_SERVER, validator=Number(gte=0, lte=65535))] = 8080,
    time_scale: Annotated[float | None, Parameter(group=_SERVER, validator=Number(gt=0))] = None,
    admin: Annotated[bool | None, Parameter(group=_SERVER)] = None,
    admin_host: Annotated[tuple[str, ...], _many("--admin-host", _SERVER)] = (),
    seed: Annotated[int | None, Parameter(group=_JOBS)] = None,
    slots: Annotated[str | None, Parameter(group=_JOBS, validator=_can_be_slots)] = None,
    order: Annotated[Order | None, Parameter(group=_JOBS)] = None,
    priority: Annotated[tuple[str, ...], _many("--priority", _JOBS)] = (),
    run_times: Annotated[str | None, Parameter(group=_JOBS)] = None,
    failure_share: Annotated[
        float | None, Parameter(group=_JOBS, validator=Number(gte=0, lte=1))
    ] = None,
    failure: Annotated[tuple[str, ...], _many("--failure", _JOBS)] = (),
    jobs: Annotated[int, Parameter(group=_JOBS, validator=Number(gte=0))] = 0,
    account: Annotated[tuple[str, ...], _many("--account", _JOBS)] = (),
    rate: Annotated[float | None, Parameter(group=_LIMITS, validator=Number(gt=0))] = None,
    burst: Annotated[int | None, Parameter(group=_LIMITS, validator=Number(gte=1))] = None,
    limit: Annotated[tuple[str, ...], _many("--limit", _LIMITS)] = (),
    retry_after: Annotated[RetryAfter | None, Parameter(group=_LIMITS)] = None,
    rate_limit_fields: Annotated[tuple[Fields, ...], _many("--rate-limit-fields", _LIMITS)] = (),
    latency: Annotated[str | None, Parameter(group=_TROUBLE)] = None,
    fault: Annotated[tuple[str, ...], _many("--fault", _TROUBLE)] = (),
    moderate: Annotated[tuple[str, ...], _many("--moderate", _TROUBLE)] = (),
    quirk: Annotated[tuple[str, ...], _many("--quirk", _SHAPES)] = (),
    webhook: Annotated[tuple[str, ...], _many("--webhook", _SHAPES)] = (),
) -> int:
    """Serve the mock.

    Parameters
    ----------
    scenario
        A file of settings, in TOML or JSON; the options go over it.
    replay
        A transcript: what was recorded happens again.
    host
        The address to listen on. By default nobody but this machine can reach it.
    port
        The port; 0 for any that is free.
    time_scale
        How many seconds pass for the jobs while one really passes; 1 by default.
    admin
        Whether there is /__admin/; by default where only this machine can reach it.
    admin_host
        A name, besides addresses and localhost, by which /__admin/ may be asked for. Repeatable.
    seed
        The same seed gives the same jobs; 0 by default.
    slots
        How many jobs run at once: 12 by default, unlimited, queue@6, or reject@6 (others: 429).
    order
        Which waiting job gets a free slot: the first by default.
    priority
        TASK=NUMBER: the priority of a task type's jobs. Repeatable.
    run_times
        A preset (fast, typical, relax, video), seconds, or e.g. lognormal:45,0.3 or uniform:30,90.
    failure_share
        The share of jobs that fail, from 0 to 1; none by default.
    failure
        MODE=SHARE of jobs that fail, by submit, moderation, processing or timeout. Repeatable.
    jobs
        How many diffusion jobs are there from the start.
    account
        NAME=VALUE: points, credits, or limited=true for 402 when they are spent. Repeatable.
    rate
        Requests a second (of the jobs' time) above which the answer is 429. No limit by default.
    burst
        How many requests may come at once before the rate counts; 1 by default.
    limit
        A limit of another kind, e.g. sliding-window:100,60@submit,per=key. Repeatable.
    retry_after
        How a 429 says when to come back: in seconds by default.
    rate_limit_fields
        Fields that tell of the limits on every answer. Repeatable.
    latency
        How long each answer takes, in seconds of the jobs' time; or a distribution.
    fault
        Something that goes wrong, e.g. status:503@job,every=10. Repeatable: faults add up.
    moderate
        A word that no prompt may have: the answer is 403. Repeatable.
    quirk
        NAME=VALUE: a shape in which the API has been seen. Repeatable.
    webhook
        NAME=VALUE: how callbacks are made, e.g. secret=s3cret or lost_share=0.1. Repeatable.
    """
    options = Options(
        scenario=scenario,
        seed=seed,
        slots=slots,
        order=order,
        time_scale=time_scale,
        run_times=run_times,
        failure_share=failure_share,
        failures=failure,
        priorities=priority,
        account=account,
        jobs=jobs,
        limits=limit,
        rate=rate,
        burst=burst,
        retry_after=retry_after,
        rate_limit_fields=rate_limit_fields,
        latency=latency,
        faults=fault,
        quirks=quirk,
        moderated=moderate,
        webhooks=webhook,
        admin=False if admin is None and not _is_loopback(host) else admin,
        admin_hosts=admin_host,
    )
    try:
        described = scenario_of(options)
        mock = _live(described) if replay is None else _replayed(described, replay)
    except UsageError as error:
        complain(str(error))
        return WRONG_USAGE
    mock.requests.keep = _KEPT_REQUESTS
    return serve_until_told(mock.serve, host, port)


@app.command
def record(
    file: Path,
    /,
    *,
    upstream: Annotated[str, Parameter(group=_SERVER)] = "https://api.legnext.ai",
    host: Annotated[str, Parameter(group=_SERVER)] = "127.0.0.1",
    port: Annotated[int, Parameter(group=_SERVER, validator=Number(gte=0, lte=65535))] = 8080,
) -> int:
    """Pass requests on to the real API, and write down what passes.

    The transcript has no keys and no signatures; it does have prompts. Use the URL in the first
    line in place of the API's, and give the file to --replay afterwards.

    Parameters
    ----------
    file
        The transcript to be written; there must be none yet.
    upstream
        Where requests are passed on to.
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
    return serve_until_told(serve_recording, host, port)


@app.command
def explain(topic: Topic, /) -> int:
    """Explain a topic: every kind there is, its values, and what they mean.

    Parameters
    ----------
    topic
        What to explain.
    """
    print(explanation(topic))  # noqa: T201 - this is what the command says
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _live(scenario: Scenario) -> MockLegnext:
    """The mock in real time, and on today's calendar unless the scenario has another."""
    if scenario.epoch == Scenario().epoch:
        scenario = attrs.evolve(scenario, epoch=datetime.now(UTC))
    return scenario.mock(clock=time.monotonic)


def _replayed(scenario: Scenario, file: Path) -> MockLegnext:
    """A recording in real time, with what the scenario says besides.

    Raises:
        UsageError: The file isn't a transcript, or can't be read.
    """
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


def main() -> NoReturn:
    """Run the command with the arguments of this process, and exit.

    The status is 130 after Ctrl-C, 0 after SIGTERM, 1 when the address can't be listened on, and 2
    when the arguments or the files that they name are wrong.
    """
    try:
        status = app(sys.argv[1:], exit_on_error=False)
    except CycloptsError:
        status = WRONG_USAGE  # What is wrong with them has been printed.
    sys.exit(status)
