"""From what was gathered to the numbers that a page shows: pure, and the same for charts and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.tasks import find_task_type
from legnext_stream._report.collecting import Collected, SeenJob

# Rows that are still told apart in the Gantt chart, and task types in one picture.
_BARS = 60
_TYPES = 20
# Rows of the tables that stand beside the curves.
_STEPS = 24


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of sorted `values` lie; between two, in proportion."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


@attrs.frozen(kw_only=True)
class Bar:
    """A job in the Gantt chart. Times in seconds since the chart's beginning.

    Attributes:
        job_id: Which job.
        status: What it was last.
        queued_at: When it was submitted, or first seen.
        runs_from: When it began to run; None if it never did, or that wasn't seen.
        until: When it ended, or the chart's end if it hasn't.
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
        of: How many jobs there are to be shown.
        by_api_clock: Whether the times are the API's own, or those at which it was seen.
    """

    bars: tuple[Bar, ...]
    of: int
    by_api_clock: bool


def gantt(collected: Collected) -> Gantt:
    """The Gantt chart: all jobs while they can be told apart, else some, evenly spaced."""
    jobs = [job for job in collected.jobs if job.job_id]
    stamped = [job for job in jobs if job.created_at is not None]
    # The API's own times are the better ones, wherever nearly all jobs have them.
    by_api_clock = len(stamped) > 0.9 * len(jobs)
    bars = _stamped_bars(stamped) if by_api_clock else [_seen_bar(job, collected) for job in jobs]
    bars.sort(key=lambda bar: (bar.queued_at, bar.until))
    step = max(len(bars) / _BARS, 1.0)
    shown = [bars[int(number * step)] for number in range(min(len(bars), _BARS))]
    return Gantt(bars=tuple(shown), of=_known(collected), by_api_clock=by_api_clock)


def _known(collected: Collected) -> int:
    """How many jobs the watch has seen."""
    return max(sum(collected.stats.jobs.values()), len(collected.jobs))


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
        task_type: Which type.
        jobs: How many jobs this is from.
        published: What the vendor publishes, from and to; None if nothing is known of the type.
        quantiles: The least, a tenth, a quarter, the median, three quarters, nine tenths, the most.
    """

    task_type: str
    jobs: int
    published: tuple[float, float] | None
    quantiles: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the jobs ran for no longer."""
        return self.quantiles[3]


def run_times(collected: Collected) -> list[RunTimes]:
    """The run times by task type, the most frequent types first."""
    by_type: dict[str, list[float]] = {}
    for job in collected.jobs:
        if job.run_time is not None:
            name = job.task_type.lower().replace("_", "-") or "not told"
            by_type.setdefault(name, []).append(job.run_time)
    frequent = sorted(by_type.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        RunTimes(
            task_type=name,
            jobs=len(times),
            published=None if (known := find_task_type(name)) is None else known.run_time,
            quantiles=tuple(
                quantile(sorted(times), share) for share in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
            ),
        )
        for name, times in frequent[:_TYPES]
    ]


@attrs.frozen(kw_only=True)
class Delays:
    """How long the ends of jobs waited to be seen, in seconds.

    Nobody but the API knows when a job ended; an end was seen at one request, and not at the one
    before, nor outside of what the API's `ended_at` allows. So there are two numbers for each job.

    Attributes:
        least: Each job's delay at the least, sorted.
        most: Each job's delay at the most, sorted; of those for which there is such a bound.
    """

    least: tuple[float, ...]
    most: tuple[float, ...]

    def row(self, share: float) -> tuple[float, float]:
        """The bounds within which the delay lies that `share` of the jobs don't exceed."""
        return quantile(self.least, share), quantile(self.most, share)


def delays(collected: Collected) -> Delays | None:
    """The delays of the ends that were seen; None if there is none with both bounds."""
    bounds = [job.delay for job in collected.jobs if job.delay is not None]
    both = [(least, most) for least, most in bounds if most is not None]
    if not both:
        return None
    return Delays(
        least=tuple(sorted(least for least, _ in both)),
        most=tuple(sorted(most for _, most in both)),
    )


@attrs.frozen(kw_only=True)
class Asking:
    """The requests between two moments. Times in seconds since the beginning.

    Attributes:
        since: The first of the two.
        until: The second.
        rate: Requests a second.
        allowed: Requests a second that were allowed at the second moment.
        why: What decided that.
        refused: Requests that were answered 429.
    """

    since: float
    until: float
    rate: float
    allowed: float
    why: str
    refused: int


def asking(collected: Collected) -> list[Asking]:
    """The requests over time."""
    scale = collected.time_scale
    return [
        Asking(
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


def asking_table(rows: Sequence[Asking]) -> list[Asking]:
    """The same in fewer rows, each of several moments."""
    size = -(-len(rows) // _STEPS) or 1
    return [_together(rows[at : at + size]) for at in range(0, len(rows), size)]


def _together(rows: Sequence[Asking]) -> Asking:
    since, until = rows[0].since, rows[-1].until
    requests = sum(row.rate * (row.until - row.since) for row in rows)
    return Asking(
        since=since,
        until=until,
        rate=requests / (until - since),
        allowed=rows[-1].allowed,
        why=rows[-1].why,
        refused=sum(row.refused for row in rows),
    )


# The statuses of the chart of all jobs over time, from the ground up, each with those that it counts.
STACK: tuple[tuple[str, frozenset[JobStatus]], ...] = (
    ("completed", frozenset({JobStatus.COMPLETED})),
    (
        "not completed",
        frozenset(s for s in JobStatus if s.is_terminal) - {JobStatus.COMPLETED},
    ),
    ("running", frozenset({JobStatus.PROCESSING, JobStatus.RETRY})),
    ("waiting", frozenset({JobStatus.PENDING, JobStatus.STAGED, JobStatus.UNKNOWN})),
    ("not seen yet", frozenset()),
)


@attrs.frozen
class Standings:
    """Where the jobs stood, over time.

    Attributes:
        times: The moments, in seconds since the beginning.
        layers: For each row of `STACK`, how many jobs there were at each moment.
    """

    times: tuple[float, ...]
    layers: tuple[tuple[int, ...], ...]


def standings(collected: Collected) -> Standings:
    """Where the jobs stood, over time, by what was last seen of them."""
    layers = [
        tuple(sum(stats.jobs.get(status, 0) for status in which) for _, stats in collected.moments)
        for _, which in STACK[:-1]
    ]
    unseen = tuple(stats.unseen for _, stats in collected.moments)
    return Standings(tuple(at for at, _ in collected.moments), (*layers, unseen))


def thinned(values: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Rows for a table, evenly spaced, the last one among them."""
    rows = list(values)
    if len(rows) <= _STEPS:
        return rows
    step = (len(rows) - 1) / (_STEPS - 1)
    return [rows[round(number * step)] for number in range(_STEPS)]
