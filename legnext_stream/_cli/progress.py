"""How a watch is going: what every display shows, gathered apart from how it is shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Stats

# How many failures are kept to be shown; the JSON lines have them all.
_FAILURES_KEPT = 10
# "Now", for the requests a second, is so many seconds long.
_NOW = 5.0


@attrs.frozen(kw_only=True)
class Failure:
    """A job that ended without completing.

    Attributes:
        job_id: Which job; of a prompt without one, its place in the batch.
        status: How it ended.
        reason: Why, in the API's words or the watcher's.
        at: When that was seen, in seconds since the watch began.
    """

    job_id: str
    status: JobStatus
    reason: str
    at: float


@attrs.frozen(kw_only=True)
class View:
    """A watch at one moment.

    Attributes:
        title: What is being watched, and where.
        elapsed: Seconds since it began.
        stats: Its numbers.
        request_rate: Requests a second, over the last few seconds.
        expected: How many jobs there are in all, or None while more may come.
        failures: The last jobs that did not complete, or whose results could not be saved, the newest
            last.
        files: How many results were saved.
        unsaved: How many completed jobs have results that could not be saved.
    """

    title: str
    elapsed: float
    stats: Stats
    request_rate: float
    expected: int | None
    failures: tuple[Failure, ...]
    files: int = 0
    unsaved: int = 0

    @property
    def ended(self) -> int:
        """How many jobs have ended."""
        return sum(count for status, count in self.stats.jobs.items() if status.is_terminal)

    @property
    def total(self) -> int:
        """How many jobs there are in all; while more may come, how many have come."""
        come = max(sum(self.stats.jobs.values()) + self.stats.unseen, self.stats.prompts)
        return come if self.expected is None else max(self.expected, come)


class Progress:
    """Gathers, event by event, what a `View` shows.

    Args:
        title: See `View`.
        now: When the watch begins, seconds on whatever clock; the same clock throughout.
        expected: Gives `View.expected`, whenever it is asked.
    """

    def __init__(self, title: str, now: float, expected: Callable[[], int | None]) -> None:
        self._title = title
        self._started_at = now
        self._expected = expected
        self._failures: deque[Failure] = deque(maxlen=_FAILURES_KEPT)
        self._polls: deque[tuple[float, int]] = deque([(now, 0)])
        self._files = 0
        self._unsaved = 0
        self.all_completed: bool = True

    def note(self, event: JobEvent) -> None:
        """Take in an event."""
        self._files += len(event.files)
        reason: object = event.job.error
        if event.download_error is not None:
            self._unsaved += 1
            reason = f"not saved: {event.download_error}"
        elif not event.status.is_terminal or event.status is JobStatus.COMPLETED:
            return
        self.all_completed = False
        self._failures.append(
            Failure(
                job_id=event.job_id or f"prompt {event.position}",
                status=event.status,
                reason=str(reason or "no reason given"),
                at=event.observed_at - self._started_at,
            )
        )

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
        )

    def _rate(self, now: float, polls: int) -> float:
        self._polls.append((now, polls))
        # One sample from before that time stays, so that there is always something to compare with.
        while self._polls[1][0] <= now - _NOW:
            self._polls.popleft()
        since, before = self._polls[0]
        return (polls - before) / (now - since) if now > since else 0.0
