"""How statuses, times and texts from outside are written for people and for programs."""

from __future__ import annotations

from datetime import UTC, datetime

import humanize

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt

STATUS_STYLES = {
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.TIMED_OUT: "magenta",
    JobStatus.NOT_FOUND: "magenta",
    JobStatus.SUBMIT_UNKNOWN: "magenta",
    JobStatus.NOT_SUBMITTED: "red",
    JobStatus.RETRY: "yellow",
    JobStatus.PROCESSING: "cyan",
    JobStatus.STAGED: "blue",
    JobStatus.PENDING: "bright_black",
    JobStatus.UNKNOWN: "white",
}
"""How rich shows each status."""

STATUS_ORDER = tuple(STATUS_STYLES)
"""All statuses in display order: terminal ones first, then from the last step back to the first."""


def status_words(status: JobStatus) -> str:
    """A status in plain words: `timed out`."""
    return status.replace("_", " ")


# In characters: enough to tell prompts apart.
_LONGEST_LABEL = 60


def counted(number: int, noun: str) -> str:
    """A number of things: `1 job`, `2,000 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def label(prompt: Prompt | None) -> str:
    """What a person knows a job by: its prompt's tag, if that is a text or a number, or its text."""
    if prompt is None:
        return ""
    tag = prompt.tag
    is_name = isinstance(tag, str | int) and not isinstance(tag, bool)
    text = printable(str(tag) if is_name else prompt.text)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def clock_words(seconds: float) -> str:
    """A duration as a stopwatch shows it: `0:41`, `12:03`, `1:02:03`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def speed_words(speed: float) -> str:
    """What a server's clock does that runs this many times as fast as ours."""
    return f"the server's clock runs {speed:.3g} times as fast as this machine's, whose times these are"


def ago(at: float, now: float) -> str:
    """How long ago a time was: `41 seconds ago`. Both in seconds since 1970."""
    # The other clock may be ahead of ours.
    return humanize.naturaltime(max(now - at, 0.0))


def iso_time(at: float) -> str:
    """Seconds since 1970 in ISO 8601, UTC, to the millisecond: `2025-12-17T11:08:36.512Z`."""
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return time.replace("+00:00", "Z")


def printable(text: str) -> str:
    """A text from outside, made safe for a terminal: one line, no control characters."""
    return "".join(char if char.isprintable() else " " for char in text)
