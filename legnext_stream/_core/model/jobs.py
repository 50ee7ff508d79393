"""A job as the API describes it, in frozen classes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from legnext_stream._core.model.tasks import TaskType

if TYPE_CHECKING:
    from datetime import datetime


class JobStatus(enum.StrEnum):
    """What the API says of a job, and the watcher's own verdicts.

    `TIMED_OUT` and `NOT_FOUND` are never sent by the API: they are how a watch ends a job that can't
    be followed. `SUBMIT_UNKNOWN` and `NOT_SUBMITTED` are how `generate` ends a prompt that has no
    job: it was sent and no answer came, so that the job may exist; or the API refused it, or it could
    not be sent. `UNKNOWN` stands for a word this version does not know; `Job.raw_status` keeps it.
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
"""What the watcher says of a job or a prompt by itself, all of them terminal."""

_TERMINAL = VERDICTS | {JobStatus.COMPLETED, JobStatus.FAILED}


def _frozen_mapping(value: Mapping[str, object]) -> Mapping[str, object]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class Output:
    """What a job has produced so far. Empty while it runs.

    Attributes:
        image_url: The grid image, or None.
        image_urls: The single images: four for a diffusion, one for an upscale; never with blanks.
        video_urls: The videos, for the video tasks.
        seed: The seed as the API writes it, a decimal string, or None.
        available_actions: What can be done next: the action's name to the image numbers (0–3).
        texts: What `describe` and `shorten` answer with: the API's field names (`prompts`,
            `promptEn`, `finalPrompt`, `description`) to their lines.
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
    """What a job costs. `unit` is the API's word ("point"); the numbers are in that unit.

    Attributes:
        unit: What is counted, the field `type` at the API.
        frozen: Held back while the job runs.
        consume: Spent, once it has ended.
    """

    unit: str = ""
    frozen: float = 0
    consume: float = 0


@attrs.frozen(kw_only=True)
class JobError:
    """Why something failed, in the API's words: a job's `error`, or the body of a refusal.

    Attributes:
        code: The API's code, mostly an HTTP status; 0 where it gave none.
        message: The message for people.
        raw_message: The message of the service behind, where it differs.
        detail: Whatever else was said, as decoded from JSON.
    """

    code: int = 0
    message: str = ""
    raw_message: str = ""
    detail: object = attrs.field(default=None, hash=False)

    def __str__(self) -> str:
        text = self.message or self.raw_message or "no reason given"
        return f"{text} (code {self.code})" if self.code else text


@attrs.frozen(kw_only=True)
class Job:
    """One unit of work at the API, as one answer described it.

    Attributes:
        job_id: Its id.
        status: Where it stands.
        raw_status: The API's own word; differs from `status` for `UNKNOWN` and for the watcher's
            verdicts. Empty if the API never spoke of the job.
        task_type: A `TaskType`, or the API's own word for a type this version doesn't know.
        model: The model's name ("midjourney").
        output: What it has produced.
        error: Why it failed, or None.
        usage: What it costs, or None where the API doesn't say.
        created_at: When it was submitted, by the API's clock, in UTC; None if not told.
        started_at: When it began to run; None if not yet.
        ended_at: When it ended; None if not yet.
        logs: What the API logged, progress among it, one text a line.
        raw: The whole body, as decoded from JSON: whatever this class has no name for is there.
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
        factory=dict, converter=_frozen_mapping, eq=False, repr=False
    )
