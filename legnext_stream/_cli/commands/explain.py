"""`legnext-stream explain`: what a job is doing, and when a watch would poll it again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from json import dumps
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit, UsageError, complain
from legnext_stream._cli.inputs import check_id, from_journal, learned_durations
from legnext_stream._cli.notices import client_for
from legnext_stream._cli.options import ApiOptions, PacingOptions
from legnext_stream._cli.running import need_key, need_stdout
from legnext_stream._cli.words import (
    ago,
    clock_words,
    counted,
    iso_time,
    printable,
    status_words,
)
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.tasks import find_task_type
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._journal.contents import Change, read_history
from legnext_stream.errors import NotFoundError

_RUNNING = frozenset({JobStatus.PROCESSING, JobStatus.RETRY})


async def explain(
    *ids: Annotated[str, Parameter(name="JOB_ID")],
    journal: Path | None = None,
    options: ApiOptions = ApiOptions(),  # noqa: B008 - frozen
    pacing: PacingOptions = Pacing(),  # noqa: B008 - frozen
) -> Exit:
    """Print what jobs are doing, how long such jobs usually run, and when a watch would poll again.

    Each job is requested once. The exit status is 1 if the API doesn't know one of them.

    Args:
        ids: The jobs.
        journal: The journal of their watch, for their history and the run times it has learned. The
            watch may be running meanwhile.
        options: What the commands that call the API have in common.
        pacing: When and how fast the watch would poll.
    """
    need_key()
    stdout = need_stdout()
    if not ids:
        raise UsageError("nothing to explain: name a job id")
    asked = [check_id(item, "JOB_ID") for item in ids]
    durations = learned_durations(journal)
    status = Exit.COMPLETED
    async with client_for(options, pacing=pacing) as client:
        for job_id in asked:
            history = [] if journal is None else from_journal(read_history, journal, job_id)
            try:
                job = await client.get_job(job_id)
            except NotFoundError as error:
                complain(f"{job_id}: {error}")
                status = Exit.INCOMPLETE
                continue
            now = time.time()
            usual, following = usual_times(job, durations), next_poll(job, now, durations, pacing)
            if options.json:
                text = dumps(as_data(job, usual, following, history))
            else:
                text = "\n".join(lines(job, now, usual, following, history))
            await write_all(stdout.fileno(), f"{text}\n".encode())
    return status


@attrs.frozen(kw_only=True)
class Usual:
    """How long jobs of a task type run. Times in seconds.

    Attributes:
        published: The range that the vendor publishes; None if the type isn't known.
        median: Half of them run no longer.
        p90: Nine in ten run no longer.
        learned_from: How many jobs that was learned from; 0 for the published range alone.
    """

    task_type: str
    published: tuple[float, float] | None
    median: float
    p90: float
    learned_from: int


@attrs.frozen(kw_only=True)
class Next:
    """When a watch that has just polled a running job would poll it again. Times in seconds.

    Attributes:
        running_for: How long it has run.
        longer: The share of such jobs that run longer than that.
        left: How much longer it is expected to run.
        asks_in: When it would be polled again.
        price: What a request is worth, in seconds of delay.
    """

    running_for: float
    longer: float
    left: float
    asks_in: float
    price: float


def usual_times(job: Job, durations: Durations) -> Usual:
    """How long jobs of this job's task type run."""
    run_times = durations.of(job.task_type)
    known = find_task_type(job.task_type)
    return Usual(
        task_type=str(job.task_type),
        published=None if known is None else known.run_time,
        median=run_times.curve.quantile(0.5),
        p90=run_times.curve.quantile(0.9),
        learned_from=run_times.ended_jobs,
    )


def next_poll(job: Job, now: float, durations: Durations, pacing: Pacing) -> Next | None:
    """When a watch would poll a job again; None if it isn't running. `now` in seconds since 1970."""
    if job.status not in _RUNNING or job.started_at is None:
        return None
    run_times = durations.of(job.task_type)
    # The API's clock may be ahead of ours.
    age = max(now - job.started_at.timestamp(), 0.0)
    wait = run_times.wait(age, pacing.poll_cost)
    return Next(
        running_for=age,
        longer=run_times.curve.survival(age),
        left=run_times.curve.mean_residual(age),
        asks_in=min(max(wait, pacing.min_interval), pacing.max_interval),
        price=pacing.poll_cost,
    )


def lines(
    job: Job, now: float, usual: Usual, following: Next | None, history: Sequence[Change]
) -> Iterator[str]:
    """It in words; `now` in seconds since 1970."""
    kind = f" ({printable(str(job.task_type))})" if job.task_type else ""
    yield f"{job.job_id}{kind}"
    raw = f" (the API says {printable(job.raw_status)!r})"
    unknown = raw if job.status is JobStatus.UNKNOWN else ""
    yield f"  status     {status_words(job.status)}{unknown}{_times(job, now)}"
    if job.error is not None:
        yield f"  error      {printable(str(job.error))}"
    yield f"  usual      {_usual_words(usual)}"
    yield f"  next poll  {_next_words(job, following)}"
    results = len(job.output.image_urls) + len(job.output.video_urls)
    if results:
        yield f"  results    {results}: legnext-stream download --id {job.job_id} --save-to FOLDER"
    for change in history:
        yield f"  journal    {_change_words(change)}"


def _times(job: Job, now: float) -> str:
    if job.ended_at is not None and job.started_at is not None:
        ran = max((job.ended_at - job.started_at).total_seconds(), 0.0)
        return f", {ago(job.ended_at.timestamp(), now)}, after it ran for {clock_words(ran)}"
    if job.started_at is not None:
        return f", started {ago(job.started_at.timestamp(), now)}"
    if job.created_at is not None:
        return f", submitted {ago(job.created_at.timestamp(), now)}"
    return ""


def _usual_words(usual: Usual) -> str:
    source = (
        f"learned from {counted(usual.learned_from, 'job')}"
        if usual.learned_from
        else "from the published range alone"
    )
    if usual.published is not None:
        low, high = usual.published
        source += f"; published: {low:.0f} to {high:.0f} s"
    half, nine = clock_words(usual.median), clock_words(usual.p90)
    return f"half of such jobs run for {half} at most, nine in ten for {nine} at most ({source})"


def _next_words(job: Job, following: Next | None) -> str:
    if following is None:
        if job.status.is_terminal:
            return "never: the job has ended"
        return "it isn't running yet; a watch polls waiting jobs in the order of their submission"
    return (
        f"in {following.asks_in:.1f} s. The job has run for {clock_words(following.running_for)};"
        f" {following.longer:.0%} of such jobs run longer, and it is expected to run for"
        f" {clock_words(following.left)} more. A watch polls when the expected delay in noticing the"
        f" end reaches {following.price:g} s"
    )


def _change_words(change: Change) -> str:
    earliest, latest = change.changed_between
    when = f"before {_calendar(latest)}"
    if earliest is not None:
        when = f"between {_calendar(earliest)} and {_calendar(latest)}"
    reason = f": {printable(change.reason)}" if change.reason else ""
    return f"{status_words(change.status)}{reason}, {when}; seen {_calendar(change.observed_at)}"


def _calendar(at: float) -> str:
    return iso_time(at).replace("T", " ").partition(".")[0]


def as_data(
    job: Job, usual: Usual, following: Next | None, history: Sequence[Change]
) -> dict[str, object]:
    """It as data for JSON. Times of the journal are in seconds since 1970."""
    return {
        "job_id": job.job_id,
        "status": job.status,
        "raw_status": job.raw_status,
        "task_type": job.task_type or None,
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "ended_at": _iso(job.ended_at),
        "error": None if job.error is None else str(job.error),
        "usual": attrs.asdict(usual),
        "next": None if following is None else attrs.asdict(following),
        "journal": [attrs.asdict(change) for change in history],
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
