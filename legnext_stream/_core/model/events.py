"""The event: one observed change of one job, perhaps with the files that were saved of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.prompts import Prompt, Tag, Tag_co
from legnext_stream.errors import DownloadError

if TYPE_CHECKING:
    # As for `Tag_co`: in annotations, `EventStream` alone is a stream of `JobEvent`s.
    import typing_extensions

    Event_co = typing_extensions.TypeVar(
        "Event_co", bound="JobEvent", default="JobEvent", covariant=True
    )
else:
    Event_co = TypeVar("Event_co", covariant=True)
# For functions.
Event = TypeVar("Event", bound="JobEvent")


@attrs.frozen(kw_only=True)
class SavedFile:
    """One complete result of a job on disk.

    Attributes:
        url: Its URL, without the query, which may be a signature.
        path: The file.
        size: Its size, in bytes.
        media_type: Its media type by its first bytes: `"image/png"`, `"image/jpeg"`, `"image/webp"`,
            `"image/gif"`, `"video/mp4"` or `"video/webm"`.
        was_there: Whether the file existed already, and was kept.
    """

    url: str
    path: Path
    size: int
    media_type: str
    was_there: bool


@attrs.frozen(kw_only=True)
class JobEvent:
    """One observed change of one job.

    Times are in seconds on the clock of the Trio run (`trio.current_time()`).

    Attributes:
        job_id: Which job. Empty if a prompt has none (`SUBMIT_UNKNOWN`, `NOT_SUBMITTED`).
        status: Its status now.
        previous: Its status at the last event, or in the `Job` that was given to the watch; None if
            nothing was known.
        job: The job as the answer described it; `job.status` equals `status`.
        observed_at: When the answer came in, in seconds.
        changed_between: The change happened after the first and not after the second of these, in
            seconds. The first is None if the job had not been seen before.
        sequence: The number of this event in its stream: 1, 2, 3, … It is set on delivery; until
            then it is 0.
        prompt: In a stream of `generate`, what the job was submitted for (see `PromptEvent`);
            otherwise None.
        position: The position of that prompt in its batch: 1, 2, 3, …; or None.
        queue_position: The place of a job that waits among the waiting jobs of its watch, as the watch
            believes: 1 is the next to start. None if it doesn't wait, or jobs don't start in the order
            of submission.
        files: What was saved of a completed job, if `generate` saves results.
        download_error: Why not all of it could be saved, or None.
    """

    job_id: str
    status: JobStatus
    previous: JobStatus | None
    job: Job
    observed_at: float
    changed_between: tuple[float | None, float]
    sequence: int = 0
    prompt: Prompt | None = None
    position: int | None = None
    queue_position: int | None = None
    files: tuple[SavedFile, ...] = ()
    download_error: DownloadError | None = None

    @property
    def progress(self) -> float | None:
        """How far the job is, in percent (0–100), if the API says; see `Job.progress`."""
        return self.job.progress


@attrs.frozen(kw_only=True)
class PromptEvent(JobEvent, Generic[Tag_co]):
    """One observed change of the job of one prompt: what a stream of `generate` delivers.

    It is a `JobEvent` that has its prompt. (For jobs that were added with `EventStream.add`, such a
    stream delivers a `JobEvent`, which has none.)

    Attributes:
        prompt: What the job was submitted for.
        position: The position of that prompt in its batch: 1, 2, 3, …
    """

    # Keywords need no defaults, even where those that they replace have one; pyright wants them.
    prompt: Prompt[Tag_co]  # pyright: ignore[reportGeneralTypeIssues]
    position: int  # pyright: ignore[reportGeneralTypeIssues]


_OF_ALL = tuple(
    one.name for one in attrs.fields(JobEvent) if one.name not in {"prompt", "position"}
)


def with_prompt(event: JobEvent, prompt: Prompt[Tag], position: int) -> PromptEvent[Tag]:
    """The event with the prompt of its job."""
    same = {name: getattr(event, name) for name in _OF_ALL}
    return PromptEvent(prompt=prompt, position=position, **same)


def in_queue(events: list[JobEvent], place: int | None) -> list[JobEvent]:
    """The events with the place of their job in the queue, if it has one."""
    if place is None:
        return events
    return [attrs.evolve(event, queue_position=place) for event in events]


def merge(older: JobEvent, newer: JobEvent) -> JobEvent:
    """One event for two changes of a job, if the first was not delivered before the second."""
    return attrs.evolve(
        newer,
        previous=older.previous,
        changed_between=(older.changed_between[0], newer.changed_between[1]),
    )
