"""The numbers that a report shows, computed once for charts and tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.tasks import find_task_type
from legnext_stream._report.collecting import Collected, SeenJob

# The most jobs in the Gantt chart and task types in one chart that are still legible.
_BARS = 60
_TYPES = 20
# The most rows of a table beside a chart.
_STEPS = 24


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of sorted `values` lie, interpolated linearly."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


# The shares that describe run times, by their names.
QUANTILES = {
    "least": 0.0,
    "10 %": 0.1,
    "25 %": 0.25,
    "median": 0.5,
    "75 %": 0.75,
    "90 %": 0.9,
    "most": 1.0,
}
# The layers of the chart of all jobs over time, from the bottom up, and the statuses in each.
_STACK = {
    "completed": {JobStatus.COMPLETED},
    "not completed": {s for s in JobStatus if s.is_terminal} - {JobStatus.COMPLETED},
    "running": {JobStatus.PROCESSING, JobStatus.RETRY},
    "waiting": {JobStatus.PENDING, JobStatus.STAGED, JobStatus.UNKNOWN},
}


@attrs.frozen(kw_only=True)
class Bar:
    """A job in the Gantt chart. Times in seconds since the chart's beginning.

    Attributes:
        queued_at: When it was submitted, or first seen.
        runs_from: When it began to run; None if it didn't, or that wasn't seen.
        until: When it ended, or the end of the chart.
    """

    job_id: str
    status: JobStatus
    queued_at: float
    runs_from: float | None
    until: float


@attrs.frozen(kw_only=True)
class Gantt:
    """The jobs of a batch over time.

    Attributes:
        bars: The jobs that are shown, in the order of their submission.
        of: How many jobs there are.
        by_api_clock: Whether the times are the API's own, or when changes were seen.
    """

    bars: tuple[Bar, ...]
    of: int
    by_api_clock: bool


def gantt(collected: Collected) -> Gantt:
    """The Gantt chart: all jobs if they are few, else some of them, evenly spaced."""
    jobs = [job for job in collected.jobs if job.job_id]
    stamped = [job for job in jobs if job.created_at is not None]
    # The API's own times are better, if nearly all jobs have them.
    by_api_clock = len(stamped) > 0.9 * len(jobs)
    bars = _stamped_bars(stamped) if by_api_clock else [_seen_bar(job, collected) for job in jobs]
    bars.sort(key=lambda bar: (bar.queued_at, bar.until))
    step = max(len(bars) / _BARS, 1.0)
    shown = [bars[int(number * step)] for number in range(min(len(bars), _BARS))]
    known = max(sum(collected.stats.jobs.values()), len(collected.jobs))
    return Gantt(bars=tuple(shown), of=known, by_api_clock=by_api_clock)


def _stamped_bars(jobs: Sequence[SeenJob]) -> list[Bar]:
    stamps = [
        stamp
        for job in jobs
        for stamp in (job.created_at, job.started_at, job.ended_at)
        if stamp is not None
    ]
    first, last = min(stamps), max(stamps)

    def since(stamp: datetime) -> float:
        return (stamp - first).total_seconds()

    bars = []
    for job in jobs:
        assert job.created_at is not None  # noqa: S101 - for the type checker: the caller chose
        until = since(job.ended_at or last)
        runs_from = None if job.started_at is None else min(since(job.started_at), until)
        bars.append(
            Bar(
                job_id=job.job_id,
                status=job.status,
                queued_at=min(since(job.created_at), until if runs_from is None else runs_from),
                runs_from=runs_from,
                until=until,
            )
        )
    return bars


def _seen_bar(job: SeenJob, collected: Collected) -> Bar:
    return Bar(
        job_id=job.job_id,
        status=job.status,
        queued_at=job.first_seen,
        runs_from=job.running_from,
        until=collected.took if job.ended_seen is None else job.ended_seen,
    )


@attrs.frozen(kw_only=True)
class RunTimes:
    """How long the completed jobs of a task type ran, in seconds.

    Attributes:
        jobs: How many jobs there are.
        published: The range that the vendor publishes; None if the type isn't known.
        quantiles: By their names in `QUANTILES`.
    """

    task_type: str
    jobs: int
    published: tuple[float, float] | None
    quantiles: Mapping[str, float]


def run_times(collected: Collected) -> list[RunTimes]:
    """The run times by task type, the most frequent type first."""
    by_type: dict[str, list[float]] = {}
    for job in collected.jobs:
        if job.run_time is not None:
            name = job.task_type.lower().replace("_", "-") or "unknown"
            by_type.setdefault(name, []).append(job.run_time)
    frequent = sorted(by_type.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        RunTimes(
            task_type=name,
            jobs=len(times),
            published=None if (known := find_task_type(name)) is None else known.run_time,
            quantiles={each: quantile(sorted(times), share) for each, share in QUANTILES.items()},
        )
        for name, times in frequent[:_TYPES]
    ]


@attrs.frozen(kw_only=True)
class Delays:
    """The time between a job's end and when that was seen, in seconds.

    The exact delay isn't known, only bounds: a job ended after the last request that didn't show it,
    and within the second that the API's `ended_at` gives.

    Attributes:
        least: The lower bounds, sorted; likewise `most`, the upper ones.
    """

    least: tuple[float, ...]
    most: tuple[float, ...]

    def row(self, share: float) -> tuple[float, float]:
        """Bounds for the delay that `share` of the jobs don't exceed."""
        return quantile(self.least, share), quantile(self.most, share)


def delays(collected: Collected) -> Delays | None:
    """The delays of the jobs with both bounds; None if there are none."""
    jobs = [job for job in collected.jobs if job.delay_at_most is not None]
    least = sorted(job.delay_at_least for job in jobs if job.delay_at_least is not None)
    most = sorted(job.delay_at_most for job in jobs if job.delay_at_most is not None)
    return Delays(least=tuple(least), most=tuple(most)) if jobs else None


@attrs.frozen(kw_only=True)
class Requests:
    """The requests between two moments, `since` and `until`, in seconds since the beginning.

    Attributes:
        rate: Requests a second.
        allowed: Requests a second that were allowed at the second moment.
        why: What that was based on.
        refused: Requests that were answered 429.
    """

    since: float
    until: float
    rate: float
    allowed: float
    why: str
    refused: int


def requests(collected: Collected) -> list[Requests]:
    """The requests over time."""
    scale = collected.time_scale
    return [
        Requests(
            since=since,
            until=until,
            rate=(after.polls - before.polls) / (until - since),
            allowed=after.rate / scale,
            why=after.why,
            refused=after.rate_limited - before.rate_limited,
        )
        for (since, before), (until, after) in pairwise(collected.moments)
        if until > since
    ]


def merged(rows: Sequence[Requests]) -> list[Requests]:
    """The same in fewer rows, each over several moments."""
    size = -(-len(rows) // _STEPS) or 1
    return [_together(rows[at : at + size]) for at in range(0, len(rows), size)]


def _together(rows: Sequence[Requests]) -> Requests:
    since, until = rows[0].since, rows[-1].until
    count = sum(row.rate * (row.until - row.since) for row in rows)
    return Requests(
        since=since,
        until=until,
        rate=count / (until - since),
        allowed=rows[-1].allowed,
        why=rows[-1].why,
        refused=sum(row.refused for row in rows),
    )


@attrs.frozen
class StatusCounts:
    """The number of jobs by status at some moments, which are in seconds since the beginning."""

    times: tuple[float, ...]
    layers: Mapping[str, tuple[int, ...]]


def status_counts(collected: Collected) -> StatusCounts:
    """The number of jobs by the status that was last seen, over time."""
    numbers = [stats for _, stats in collected.moments]
    layers = {
        name: tuple(sum(stats.jobs.get(status, 0) for status in which) for stats in numbers)
        for name, which in _STACK.items()
    }
    layers["not seen yet"] = tuple(stats.unseen for stats in numbers)
    return StatusCounts(tuple(at for at, _ in collected.moments), layers)


def thinned(values: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Rows for a table: evenly spaced, with the last one."""
    rows = list(values)
    if len(rows) <= _STEPS:
        return rows
    step = (len(rows) - 1) / (_STEPS - 1)
    return [rows[round(number * step)] for number in range(_STEPS)]
