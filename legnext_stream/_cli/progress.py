"""How a watch is going: gathered event by event, and said in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import attrs

from legnext_stream._cli.words import (
    STATUS_ORDER,
    clock_words,
    label,
    printable,
    speed_words,
    status_words,
)
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Stats
from legnext_stream._report import Failure, failure_of

# How many failures are kept to be shown; the JSON lines have them all.
_FAILURES_KEPT = 10
# The seconds over which the current request rate is taken.
_RECENT = 5.0
_NOTHING = "Nothing came in, so nothing was done."


@attrs.frozen(kw_only=True)
class View:
    """A watch at one moment.

    Attributes:
        title: What is being watched, and where.
        elapsed: Seconds since it began.
        request_rate: Requests a second, over the last few seconds.
        expected: How many jobs there are in all, or None while more may come.
        failures: The last failures, the newest last.
        files: How many results were saved.
        unsaved: How many completed jobs have results that could not be saved.
        ended_before: How many jobs had ended in earlier runs, by the journal.
        if_nothing: What a summary says if there was nothing to do.
    """

    title: str
    elapsed: float
    stats: Stats
    request_rate: float
    expected: int | None
    failures: tuple[Failure, ...]
    files: int = 0
    unsaved: int = 0
    ended_before: int = 0
    if_nothing: str = _NOTHING

    @property
    def ended(self) -> int:
        """How many jobs have ended."""
        return sum(count for status, count in self.stats.jobs.items() if status.is_terminal)

    @property
    def total(self) -> int:
        """How many jobs there are in all; while more may come, how many have come."""
        come = max(sum(self.stats.jobs.values()) + self.stats.unseen, self.stats.prompts)
        return come if self.expected is None else max(self.expected, come)

    @property
    def total_words(self) -> str:
        """The total in words: `200`, or `200+` while more may come."""
        return f"{self.total:,}" if self.expected is not None else f"{self.total:,}+"


class Progress:
    """Gathers what a `View` shows.

    Args:
        title: See `View`.
        now: When the watch begins, in seconds on any clock; all later times are on the same clock.
        expected: Returns `View.expected`, at any time.
        ended_before: See `View`.
        if_nothing: See `View`; None for what is said without a journal.
    """

    def __init__(
        self,
        title: str,
        now: float,
        expected: Callable[[], int | None],
        *,
        ended_before: int = 0,
        if_nothing: str | None = None,
    ) -> None:
        self._ended_before = ended_before
        self._if_nothing = _NOTHING if if_nothing is None else if_nothing
        self._title = title
        self._started_at = now
        self._expected = expected
        self._failures: deque[Failure] = deque(maxlen=_FAILURES_KEPT)
        self._polls: deque[tuple[float, int]] = deque([(now, 0)])
        self._files = 0
        self._unsaved = 0
        # Whether every job that has ended has completed, and its results were saved if they are to be.
        self.all_completed: bool = True

    def note(self, event: JobEvent) -> None:
        """Take in an event."""
        self._files += len(event.files)
        self._unsaved += event.download_error is not None
        failure = failure_of(event, event.observed_at - self._started_at)
        if failure is not None:
            self.all_completed = False
            self._failures.append(attrs.evolve(failure, prompt=label(event.prompt)))

    def view(self, now: float, stats: Stats) -> View:
        """The watch as it is now."""
        return View(
            title=self._title,
            elapsed=now - self._started_at,
            stats=stats,
            request_rate=self._rate(now, stats.polls),
            expected=self._expected(),
            failures=tuple(self._failures),
            files=self._files,
            unsaved=self._unsaved,
            ended_before=self._ended_before,
            if_nothing=self._if_nothing,
        )

    def _rate(self, now: float, polls: int) -> float:
        self._polls.append((now, polls))
        # One older sample stays, to compare with.
        while self._polls[1][0] <= now - _RECENT:
            self._polls.popleft()
        since, before = self._polls[0]
        return (polls - before) / (now - since) if now > since else 0.0


def progress_line(view: View) -> str:
    """The watch at one moment, on one line of a log."""
    stats = view.stats
    parts = [f"{view.ended:,} of {view.total_words} ended"]
    parts += [
        f"{count:,} {status_words(status)}"
        for status in STATUS_ORDER
        if (count := stats.jobs.get(status))
    ]
    parts.append(f"{view.request_rate:.1f} requests/s")
    if stats.rate_limited:
        parts.append(f"{stats.rate_limited:,} × 429")
    if stats.remaining is not None and view.ended:
        low, high = stats.remaining_between or (stats.remaining, stats.remaining)
        parts.append(f"{clock_words(low)} to {clock_words(high)} left")
    return f"[{clock_words(view.elapsed)}] " + " · ".join(parts)


def summary(view: View, *, is_stopped: bool = False) -> str:
    """How the watch ended, over a few lines; `is_stopped` if that was before all jobs had ended."""
    return "\n".join(_summary_lines(view, is_stopped=is_stopped))


def _summary_lines(view: View, *, is_stopped: bool) -> Iterator[str]:
    stats = view.stats
    took = clock_words(view.elapsed)
    jobs = "job" if view.total == 1 else "jobs"
    if not view.total and not is_stopped:
        yield view.if_nothing
        return
    before = f" {view.ended_before:,} had ended before." if view.ended_before else ""
    if is_stopped:
        yield f"Stopped after {took}: {view.ended:,} of {view.total_words} {jobs} had ended.{before}"
    else:
        yield f"{view.ended:,} of {view.total:,} {jobs} ended in {took}.{before}"
    ends = [
        f"{stats.jobs[status]:,} {status_words(status)}"
        for status in STATUS_ORDER
        if status.is_terminal and status in stats.jobs
    ]
    if ends:
        yield f"  jobs      {', '.join(ends)}"
    mean = stats.polls / view.elapsed if view.elapsed > 0 else 0.0
    yield (
        f"  requests  {stats.polls:,}, {mean:.1f} a second; {stats.rate_limited:,} answered 429, "
        f"{stats.troubles:,} failed otherwise"
    )
    if stats.server_speed > 1.0:
        yield f"  clock     {speed_words(stats.server_speed)}"
    if stats.submits:
        refused = f"; {stats.submits_limited:,} answered 429" if stats.submits_limited else ""
        yield f"  submits   {stats.submits:,}, of which {stats.submitted:,} made a job{refused}"
    if view.files or view.unsaved:
        unsaved = f"; the results of {view.unsaved:,} could not be saved" if view.unsaved else ""
        yield f"  files     {view.files:,} saved{unsaved}"
    if view.failures:
        shown = len(view.failures)
        in_all = view.ended - stats.jobs.get(JobStatus.COMPLETED, 0) + view.unsaved
        yield "Not completed:" if shown >= in_all else f"Not completed, the last {shown}:"
        for failure in view.failures:
            name = f"{failure.job_id}  {failure.prompt}".rstrip()
            yield f"  {name}  {status_words(failure.status)}: {printable(failure.reason)}"
