"""What a report is made from, gathered during a watch: pure, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Stats
from legnext_stream._report.sampling import FairSample, Series

# More jobs or moments than this would not be visible in the charts.
_JOBS_KEPT = 2_000
_MOMENTS_KEPT = 300
_FAILURES_KEPT = 200
_REASONS_KEPT = 50
# The longest text that is kept, in characters.
_LONGEST_TEXT = 200
# How often the numbers are sampled at first, in seconds.
_FIRST_INTERVAL = 0.25
_SEEN_BY_THE_API = frozenset({JobStatus.COMPLETED, JobStatus.FAILED})


@attrs.define(kw_only=True)
class SeenJob:
    """What was seen of one job. Times in seconds since the watch began; those of the API as it gives them.

    Attributes:
        job_id: Its id; empty for a prompt without a job.
        running_from: When it was first known to be running.
        delay_at_least: A lower bound for the time between its end and when that was seen, in seconds;
            None if it has no end at the API.
        delay_at_most: An upper bound for that; None if it isn't known.
        prompt: The beginning of its prompt, if the watch knows it.
    """

    job_id: str
    task_type: str = ""
    status: JobStatus
    first_seen: float
    running_from: float | None = None
    ended_seen: float | None = None
    delay_at_least: float | None = None
    delay_at_most: float | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    prompt: str

    @property
    def run_time(self) -> float | None:
        """How long it ran by the API's clock, in seconds; None if that isn't known."""
        if self.started_at is None or self.ended_at is None or self.status is JobStatus.FAILED:
            return None
        seconds = (self.ended_at - self.started_at).total_seconds()
        return seconds if seconds >= 0 else None


@attrs.frozen(kw_only=True)
class Failure:
    """A job that ended without completing, or whose results were not saved.

    Attributes:
        job_id: The job; for a prompt without one, its position in the batch.
        status: How it ended.
        reason: Why, as the API or the watch says.
        prompt: The beginning of its prompt, if the watch knows it.
        at: When that was seen, in seconds since the watch began.
    """

    job_id: str
    status: JobStatus
    reason: str
    prompt: str = ""
    at: float


def failure_of(event: JobEvent, at: float) -> Failure | None:
    """The failure that an event reports, if it reports one."""
    if event.download_error is not None:
        reason = f"not saved: {event.download_error}"
    elif event.status.is_terminal and event.status is not JobStatus.COMPLETED:
        reason = str(event.job.error or "no reason given")
    else:
        return None
    return Failure(
        job_id=_name(event), status=event.status, reason=reason, prompt=_prompt(event), at=at
    )


def _name(event: JobEvent) -> str:
    return event.job_id or f"prompt {event.position}"


@attrs.frozen(kw_only=True)
class Collected:
    """Everything that was gathered. Times in seconds since the watch began.

    Attributes:
        title: What was watched, and where.
        notes: More to say about it, a sentence each.
        time_scale: How many seconds passed for the jobs in one second of real time.
        began: The calendar time of the beginning, or None.
        ending: How it ended, in words.
        took: How long it lasted.
        stats: Its numbers at the end.
        moments: Its numbers over time.
        jobs: What was seen of its jobs, in the order of their first event.
        is_whole: Whether those are all of them, and not a sample.
        ends: How many jobs ended, by how they ended.
        unsuccessful: The first failures.
        reasons: How many failures there were by reason; beyond a number, rare reasons share one entry.
        spent: What the ended jobs cost, by the API's unit.
        files: How many results were saved.
        saved_bytes: Their total size, in bytes.
    """

    title: str
    notes: tuple[str, ...]
    time_scale: float
    began: datetime | None
    ending: str
    took: float
    stats: Stats
    moments: tuple[tuple[float, Stats], ...]
    jobs: tuple[SeenJob, ...]
    is_whole: bool
    ends: Mapping[JobStatus, int]
    unsuccessful: tuple[Failure, ...]
    reasons: Mapping[str, int]
    spent: Mapping[str, float]
    files: int
    saved_bytes: int


class Collector:
    """Gathers what a report shows, event by event and sample by sample.

    Memory is bounded: a fair sample is kept of many jobs, and fewer moments of a long time. Counts
    are exact.

    Args:
        title: What is watched, and where.
        now: When the watch begins, in seconds on any clock; all later times are on the same clock.
        began: The calendar time then, or None.
        notes: More to say about it, a sentence each.
        time_scale: How many seconds pass for the jobs in one second on that clock. The report is in
            the jobs' seconds.
    """

    def __init__(
        self,
        title: str,
        now: float,
        *,
        began: datetime | None = None,
        notes: tuple[str, ...] = (),
        time_scale: float = 1.0,
    ) -> None:
        self.title: str = title
        self.time_scale: float = time_scale
        self._notes = notes
        self._began = began
        self._started_at = now
        self._jobs = FairSample[SeenJob](_JOBS_KEPT)
        self._moments = Series[Stats](_FIRST_INTERVAL * time_scale, _MOMENTS_KEPT)
        self._ends: Counter[JobStatus] = Counter()
        self._unsuccessful: list[Failure] = []
        self._reasons: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()
        self._files = 0
        self._saved_bytes = 0

    @property
    def interval(self) -> float:
        """How often to call `sample`, in seconds on the watch's clock."""
        return self._moments.interval / self.time_scale

    def is_due(self, now: float) -> bool:
        """Whether it is time for another `sample`."""
        return self._moments.is_due(self._since(now))

    def sample(self, now: float, stats: Stats) -> None:
        """Take in the numbers of a moment. Does nothing if it is called too early."""
        if self.is_due(now):
            self._moments.add(self._since(now), stats)

    def note(self, event: JobEvent) -> None:
        """Take in an event."""
        if self._jobs.wants(key := _name(event)):
            job = self._jobs.get(key)
            if job is None:
                job = SeenJob(
                    job_id=event.job_id,
                    status=event.status,
                    first_seen=self._since(event.observed_at),
                    prompt=_prompt(event),
                )
                self._jobs.put(key, job)
            self._describe(job, event)
        if event.status.is_terminal:
            self._count(event)

    def _describe(self, job: SeenJob, event: JobEvent) -> None:
        said = event.job
        job.status = event.status
        job.task_type = str(said.task_type)[:_LONGEST_TEXT] or job.task_type
        job.created_at = said.created_at or job.created_at
        job.started_at = said.started_at or job.started_at
        job.ended_at = said.ended_at or job.ended_at
        earliest, latest = event.changed_between
        if event.status is JobStatus.PROCESSING and job.running_from is None:
            job.running_from = self._since(latest)
        if event.status.is_terminal:
            job.ended_seen = self._since(event.observed_at)
        if event.status in _SEEN_BY_THE_API:
            least = max(event.observed_at - latest, 0.0)
            job.delay_at_least = least * self.time_scale
            if earliest is not None:
                job.delay_at_most = max(event.observed_at - earliest, least) * self.time_scale

    def _count(self, event: JobEvent) -> None:
        self._ends[event.status] += 1
        self._files += len(event.files)
        self._saved_bytes += sum(file.size for file in event.files)
        usage = event.job.usage
        if usage is not None and usage.consume:
            unit = usage.unit[:_LONGEST_TEXT]
            if unit in self._spent or len(self._spent) < _REASONS_KEPT:
                self._spent[unit] += usage.consume  # type: ignore[assignment]  # a Counter of floats
        failure = failure_of(event, self._since(event.observed_at))
        if failure is None:
            return
        reason = failure.reason[:_LONGEST_TEXT]
        known = reason in self._reasons or len(self._reasons) < _REASONS_KEPT
        self._reasons[reason if known else "other reasons"] += 1
        if len(self._unsuccessful) < _FAILURES_KEPT:
            self._unsuccessful.append(attrs.evolve(failure, reason=reason))

    def _told_of_clock(self, stats: Stats) -> Iterator[str]:
        """A note if the server's time runs faster and the report is on this machine's clock."""
        if stats.server_speed > 1.0 and self.time_scale == 1.0:
            yield (
                f"The server's clock runs {stats.server_speed:.3g} times as fast as this machine's. All"
                " times and rates here are on this machine's clock."
            )

    def collected(self, now: float, stats: Stats, ending: str) -> Collected:
        """Everything that was gathered until now; `ending` says in words how the watch ended."""
        at = self._since(now)
        return Collected(
            title=self.title,
            notes=(*self._notes, *self._told_of_clock(stats)),
            time_scale=self.time_scale,
            began=self._began,
            ending=ending,
            took=at,
            stats=stats,
            moments=(*(moment for moment in self._moments if moment[0] < at), (at, stats)),
            jobs=tuple(sorted(self._jobs, key=lambda job: (job.first_seen, job.job_id))),
            is_whole=self._jobs.is_whole,
            ends=dict(self._ends),
            unsuccessful=tuple(self._unsuccessful),
            reasons=dict(self._reasons.most_common()),
            spent=dict(self._spent),
            files=self._files,
            saved_bytes=self._saved_bytes,
        )

    def _since(self, at: float) -> float:
        return (at - self._started_at) * self.time_scale


def _prompt(event: JobEvent) -> str:
    return "" if event.prompt is None else event.prompt.text[:_LONGEST_TEXT]
