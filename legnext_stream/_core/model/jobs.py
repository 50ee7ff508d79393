"""A job as the API describes it, as frozen classes."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from legnext_stream._core.model.frozen import WithMappings, frozen_mapping
from legnext_stream._core.model.progress import progress_of
from legnext_stream._core.model.tasks import TaskType


class JobStatus(enum.StrEnum):
    """What the API says about a job, and the verdicts of a watch.

    The API never sends `TIMED_OUT` and `NOT_FOUND`: with them a watch ends a job that can't be
    followed. With `SUBMIT_UNKNOWN` and `NOT_SUBMITTED` `generate` ends a prompt that has no job:
    either it was sent and no answer came, so that the job may exist; or the API refused it, or it
    could not be sent. `UNKNOWN` stands for a status that this version doesn't know; `Job.raw_status`
    has the API's word.
    """

    PENDING = "pending"
    STAGED = "staged"
    PROCESSING = "processing"
    RETRY = "retry"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    NOT_FOUND = "not_found"
    SUBMIT_UNKNOWN = "submit_unknown"
    NOT_SUBMITTED = "not_submitted"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Whether a job with this status never changes again."""
        return self in _TERMINAL


VERDICTS = frozenset(
    {
        JobStatus.TIMED_OUT,
        JobStatus.NOT_FOUND,
        JobStatus.SUBMIT_UNKNOWN,
        JobStatus.NOT_SUBMITTED,
    }
)
"""The statuses that a watch sets itself. All are terminal."""

_TERMINAL = VERDICTS | {JobStatus.COMPLETED, JobStatus.FAILED}


@attrs.frozen(kw_only=True)
class Output(WithMappings):
    """What a job has produced so far. Empty while it runs.

    Attributes:
        image_url: The URL of the grid image, or None.
        image_urls: The URLs of the single images: four for a diffusion, one for an upscale.
        video_urls: The URLs of the videos, for the video tasks.
        seed: The seed as the API writes it, a decimal string, or None.
        available_actions: What can be done next: the image numbers (0–3) by the action's name.
        texts: The texts of `describe` and `shorten`, by the API's field names (`prompts`, `promptEn`,
            `finalPrompt`, `description`).
    """

    image_url: str | None = None
    image_urls: tuple[str, ...] = ()
    video_urls: tuple[str, ...] = ()
    seed: str | None = None
    available_actions: Mapping[str, tuple[int, ...]] = attrs.field(
        factory=lambda: MappingProxyType({}), hash=False
    )
    texts: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=lambda: MappingProxyType({}), hash=False
    )


@attrs.frozen(kw_only=True)
class Usage:
    """What a job costs.

    Attributes:
        unit: The unit of the numbers, in the API's word ("point"; the field `type`).
        frozen: What is reserved while the job runs, usually in points.
        consume: What was spent once the job has ended, usually in points.
    """

    unit: str = ""
    frozen: float = 0
    consume: float = 0


@attrs.frozen(kw_only=True)
class JobError:
    """Why something failed, in the API's words: a job's `error`, or the body of a refusal.

    Attributes:
        code: The API's code, mostly an HTTP status; 0 if it gave none.
        message: The message for people.
        raw_message: The message of the service behind the API, if it differs.
        detail: Further details, as decoded from JSON.
    """

    code: int = 0
    message: str = ""
    raw_message: str = ""
    detail: object = attrs.field(default=None, hash=False)

    def __str__(self) -> str:
        text = words_of(self) or "no reason given"
        is_said = not self.code or re.search(rf"\b{self.code}\b", text) is not None
        return text if is_said else f"{text} (code {self.code})"


def words_of(error: JobError) -> str:
    """Both messages of an error: the general one, and the one that says what is wrong, if it differs."""
    message, raw = error.message.strip(), error.raw_message.strip()
    if raw.casefold() in message.casefold():
        return message
    if message.casefold() in raw.casefold():
        return raw
    return f"{message.rstrip('.:')}: {raw}"


@attrs.frozen(kw_only=True)
class Job(WithMappings):
    """One unit of work at the API, as one answer described it.

    Attributes:
        job_id: Its id.
        status: Its status.
        raw_status: The API's own word. It differs from `status` for `UNKNOWN` and for the verdicts of
            a watch. Empty if the API never described the job.
        task_type: A `TaskType`, or the API's own word for a type that this version doesn't know.
        model: The model's name ("midjourney").
        output: What it has produced.
        error: Why it failed, or None.
        usage: What it costs, or None if the API doesn't say.
        created_at: When it was submitted, by the API's clock, in UTC; None if the API doesn't say.
        started_at: When it began to run; None if it hasn't.
        ended_at: When it ended; None if it hasn't.
        logs: The API's log of the job, progress included, line by line.
        raw: The whole body, as decoded from JSON, with all that has no attribute here.
    """

    job_id: str
    status: JobStatus = JobStatus.UNKNOWN
    raw_status: str = ""
    task_type: TaskType | str = ""
    model: str = ""
    output: Output = Output()
    error: JobError | None = None
    usage: Usage | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    logs: tuple[str, ...] = ()
    raw: Mapping[str, object] = attrs.field(
        factory=dict, converter=frozen_mapping, eq=False, repr=False
    )

    @property
    def progress(self) -> float | None:
        """How far it is, in percent (0–100): 100 if it completed, else what the answer says; or None."""
        if self.status is JobStatus.COMPLETED:
            return 100.0
        return progress_of(self.raw, self.logs)
