"""A watch in words: the line of progress, and the summary at the end."""

from __future__ import annotations

from collections.abc import Iterator

from legnext_stream._cli.exits import printable
from legnext_stream._cli.progress import View
from legnext_stream._core.model.jobs import JobStatus

# In the order in which they are shown: the ends first, then from the last step back to the first.
STATUS_ORDER = (
    JobStatus.COMPLETED,
    JobStatus.FAILED,
    JobStatus.TIMED_OUT,
    JobStatus.NOT_FOUND,
    JobStatus.SUBMIT_UNKNOWN,
    JobStatus.NOT_SUBMITTED,
    JobStatus.RETRY,
    JobStatus.PROCESSING,
    JobStatus.STAGED,
    JobStatus.PENDING,
    JobStatus.UNKNOWN,
)


def status_words(status: JobStatus) -> str:
    """A status as people write it."""
    return status.replace("_", " ")


def clock_words(seconds: float) -> str:
    """A stretch of time: `0:41`, `12:03`, `1:02:03`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def total_words(view: View) -> str:
    """How many jobs there are: `200`, or `200+` while more may come."""
    return f"{view.total:,}" if view.expected is not None else f"{view.total:,}+"


def progress_line(view: View) -> str:
    """The watch at one moment, on one line, for a log."""
    stats = view.stats
    parts = [
        f"{view.ended:,} of {total_words(view)} ended",
        *(
            f"{count:,} {status_words(status)}"
            for status in STATUS_ORDER
            if (count := stats.jobs.get(status))
        ),
        f"{view.request_rate:.1f} requests/s",
    ]
    if stats.rate_limited:
        parts.append(f"{stats.rate_limited:,} × 429")
    if stats.remaining is not None and view.ended:
        low, high = stats.remaining_between or (stats.remaining, stats.remaining)
        parts.append(f"{clock_words(low)} to {clock_words(high)} left")
    return f"[{clock_words(view.elapsed)}] " + " · ".join(parts)


def summary(view: View, *, is_stopped: bool = False) -> str:
    """How the watch ended, over a few lines.

    Args:
        view: The watch at its end.
        is_stopped: Whether it was left before all jobs had ended.
    """
    return "\n".join(_summary_lines(view, is_stopped=is_stopped))


def _summary_lines(view: View, *, is_stopped: bool) -> Iterator[str]:
    stats = view.stats
    took = clock_words(view.elapsed)
    jobs = "job" if view.total == 1 else "jobs"
    ends = ", ".join(
        f"{stats.jobs[status]:,} {status_words(status)}"
        for status in STATUS_ORDER
        if status.is_terminal and status in stats.jobs
    )
    if is_stopped:
        yield f"Stopped after {took}: {view.ended:,} of {total_words(view)} {jobs} had ended."
    else:
        yield f"{view.ended:,} of {view.total:,} {jobs} ended in {took}."
    if ends:
        yield f"  jobs      {ends}"
    mean = stats.polls / view.elapsed if view.elapsed > 0 else 0.0
    yield (
        f"  requests  {stats.polls:,}, {mean:.1f} a second; {stats.rate_limited:,} answered 429, "
        f"{stats.troubles:,} had other trouble"
    )
    if stats.submits:
        refused = f"; {stats.submits_limited:,} answered 429" if stats.submits_limited else ""
        yield f"  submits   {stats.submits:,}, of which {stats.submitted:,} made a job{refused}"
    if view.files or view.unsaved:
        unsaved = f"; the results of {view.unsaved:,} could not be saved" if view.unsaved else ""
        yield f"  files     {view.files:,} saved{unsaved}"
    unsuccessful = view.ended - stats.jobs.get(JobStatus.COMPLETED, 0) + view.unsaved
    if view.failures:
        shown = len(view.failures)
        which = "Not completed:" if shown >= unsuccessful else f"Not completed, the last {shown}:"
        yield which
        for failure in view.failures:
            yield f"  {failure.job_id}  {status_words(failure.status)}: {printable(failure.reason)}"
