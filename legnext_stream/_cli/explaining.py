"""What can be said of one job: where it stands, what is usual, and when a watch would ask again. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import attrs

from legnext_stream._cli.exits import printable
from legnext_stream._cli.wording import clock_words, status_words
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.tasks import find_task_type
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._journal.contents import Change

_RUNNING = frozenset({JobStatus.PROCESSING, JobStatus.RETRY})


@attrs.frozen(kw_only=True)
class Usual:
    """How long jobs of a kind run. Times in seconds.

    Attributes:
        task_type: The kind.
        published: What the vendor publishes, from and to; None if the kind isn't known.
        median: Half of them run no longer.
        p90: Nine in ten run no longer.
        learned_from: How many ended jobs that was learned from; 0 for the published range alone.
    """

    task_type: str
    published: tuple[float, float] | None
    median: float
    p90: float
    learned_from: int


@attrs.frozen(kw_only=True)
class Next:
    """When a watch that has just asked about a running job would ask again. Times in seconds.

    Attributes:
        running_for: How long it has run.
        longer: The share of such jobs that run longer than it has.
        left: How long it is expected to run on.
        asks_in: When it would be asked about again.
        price: What a request is worth, in seconds of delay: why then.
    """

    running_for: float
    longer: float
    left: float
    asks_in: float
    price: float


@attrs.frozen(kw_only=True)
class Explained:
    """What is known of a job.

    Attributes:
        job: The job, as the API just described it.
        asked_at: When that was, in seconds since 1970.
        usual: How long its like run.
        next: When a watch would ask again; None if it doesn't run.
        history: What a journal has told of it.
    """

    job: Job
    asked_at: float
    usual: Usual
    next: Next | None
    history: Sequence[Change]


def explained(
    job: Job, now: float, durations: Durations, pacing: Pacing, history: Sequence[Change] = ()
) -> Explained:
    """Compare a job with its like.

    Args:
        job: The job, as the API just described it.
        now: The time, in seconds since 1970.
        durations: What has been learned of run times.
        pacing: When and how fast a watch would ask.
        history: What a journal has told of the job.
    """
    run_times = durations.of(job.task_type)
    curve, known = run_times.curve, find_task_type(job.task_type)
    usual = Usual(
        task_type=str(job.task_type),
        published=None if known is None else known.run_time,
        median=curve.quantile(0.5),
        p90=curve.quantile(0.9),
        learned_from=run_times.ended_jobs,
    )
    following = None
    if job.status in _RUNNING and job.started_at is not None:
        # Its clock may be ahead of ours.
        age = max(now - job.started_at.timestamp(), 0.0)
        wait = run_times.wait(age, pacing.poll_cost)
        following = Next(
            running_for=age,
            longer=curve.survival(age),
            left=curve.mean_residual(age),
            asks_in=min(max(wait, pacing.min_interval), pacing.max_interval),
            price=pacing.poll_cost,
        )
    return Explained(job=job, asked_at=now, usual=usual, next=following, history=history)


def lines(what: Explained) -> Iterator[str]:
    """It in words."""
    job, now = what.job, what.asked_at
    kind = f" ({printable(str(job.task_type))})" if job.task_type else ""
    yield f"{job.job_id}{kind}"
    yield f"  stands at  {status_words(job.status)}{_raw(job)}{_stamps(job, now)}"
    if job.error is not None:
        yield f"  error      {printable(str(job.error))}"
    yield f"  usual      {_usual_words(what.usual)}"
    yield f"  next       {_next_words(what)}"
    results = len(job.output.image_urls) + len(job.output.video_urls)
    if results:
        yield f"  results    {results}: legnext-stream download --id {job.job_id} --save-to FOLDER"
    for change in what.history:
        yield f"  journal    {_change_words(change)}"


def _raw(job: Job) -> str:
    is_known = job.status is not JobStatus.UNKNOWN
    return "" if is_known else f" (the API says {printable(job.raw_status)!r})"


def _stamps(job: Job, now: float) -> str:
    if job.ended_at is not None and job.started_at is not None:
        ran = max((job.ended_at - job.started_at).total_seconds(), 0.0)
        return f", {_ago(job.ended_at.timestamp(), now)}, after it ran for {clock_words(ran)}"
    if job.started_at is not None:
        return f", begun {_ago(job.started_at.timestamp(), now)}"
    if job.created_at is not None:
        return f", submitted {_ago(job.created_at.timestamp(), now)}"
    return ""


def _ago(at: float, now: float) -> str:
    return f"{clock_words(max(now - at, 0.0))} ago"


def _usual_words(usual: Usual) -> str:
    learned = (
        f"learned from {usual.learned_from:,} jobs"
        if usual.learned_from
        else "by the published range alone"
    )
    half, nine = clock_words(usual.median), clock_words(usual.p90)
    words = (
        f"half of its like run no longer than {half}, nine in ten no longer than {nine} ({learned}"
    )
    if usual.published is None:
        return words + ")"
    low, high = usual.published
    return f"{words}; published: {low:.0f} to {high:.0f} s)"


def _next_words(what: Explained) -> str:
    following = what.next
    if following is None:
        if what.job.status.is_terminal:
            return "it has ended: a watch would never ask about it again"
        return "it doesn't run yet: a watch asks about the jobs that wait in the order of their submission"
    return (
        f"a watch would ask again in {following.asks_in:.1f} s: when the news of its end, unseen, is"
        f" expected to have waited {following.price:g} s. It has run for"
        f" {clock_words(following.running_for)}, {following.longer:.0%} of its like run longer, and it"
        f" is expected to run for {clock_words(following.left)} more"
    )


def _change_words(change: Change) -> str:
    earliest, latest = change.changed_between
    when = f"before {_calendar(latest)}"
    if earliest is not None:
        when = f"between {_calendar(earliest)} and {_calendar(latest)}"
    reason = f": {printable(change.reason)}" if change.reason else ""
    return f"{status_words(change.status)}{reason}, {when}; seen {_calendar(change.observed_at)}"


def _calendar(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def as_data(what: Explained) -> dict[str, object]:
    """It as plain data; times of the journal in seconds since 1970."""
    job = what.job
    return {
        "job_id": job.job_id,
        "status": job.status,
        "raw_status": job.raw_status,
        "task_type": job.task_type or None,
        "created_at": None if job.created_at is None else job.created_at.isoformat(),
        "started_at": None if job.started_at is None else job.started_at.isoformat(),
        "ended_at": None if job.ended_at is None else job.ended_at.isoformat(),
        "error": None if job.error is None else str(job.error),
        "usual": attrs.asdict(what.usual),
        "next": None if what.next is None else attrs.asdict(what.next),
        "journal": [attrs.asdict(change) for change in what.history],
    }
