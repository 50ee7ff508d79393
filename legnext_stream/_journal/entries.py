"""What a journal takes in, and what it gives back at a restart. Plain values; times since 1970."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from legnext_stream._core.model.jobs import JobStatus


@attrs.frozen
class Taken:
    """An id has come in.

    Attributes:
        job_id: The job.
        at: When, in seconds since 1970.
        status: What was known of it already (a `Job` was given), or None.
        raw_status: The API's word for that.
    """

    job_id: str
    at: float
    status: JobStatus | None = None
    raw_status: str = ""


@attrs.frozen(kw_only=True)
class KeptEvent:
    """An event, as it stands on disk.

    Attributes:
        job_id: The job.
        status: What it was then.
        raw_status: The API's own word.
        previous: What the event before it said, or None.
        observed_at: When the answer came in, in seconds since 1970.
        changed_between: The change happened after the first (None: not known) and not after the
            second of these, in seconds since 1970.
        body: The job object of the answer, as decoded from JSON; empty if the API gave none.
        code: The code of the watcher's own verdict, or 0.
        reason: The reason of the watcher's own verdict, or empty.
    """

    job_id: str
    status: JobStatus
    raw_status: str
    previous: JobStatus | None
    observed_at: float
    changed_between: tuple[float | None, float]
    body: Mapping[str, object]
    code: int = 0
    reason: str = ""


@attrs.frozen
class Observed:
    """A job was seen to have ended; until that is acknowledged it is owed to the consumer.

    Other changes needn't be kept: the next poll finds them again, or what came after them.
    """

    event: KeptEvent


@attrs.frozen
class Acknowledged:
    """The consumer is done with an event.

    Attributes:
        event: The event, as it was delivered.
        at: When, in seconds since 1970.
    """

    event: KeptEvent
    at: float


@attrs.frozen
class Removed:
    """A job is watched no longer.

    Attributes:
        job_id: The job.
    """

    job_id: str


@attrs.frozen
class Learned:
    """What polling has taught, to begin with at a restart.

    Attributes:
        name: `"pace"` or `"durations"`.
        state: Plain data that JSON can hold.
    """

    name: str
    state: Mapping[str, object]


@attrs.frozen(kw_only=True)
class KeptJob:
    """A job of an earlier watch that is not finished with.

    Attributes:
        job_id: The job.
        status: What the consumer last acknowledged, or None.
        words: The unknown words that the consumer has acknowledged.
        place: The last acknowledged status with a place in the order, or None.
        owed: A terminal that was observed and not acknowledged, or None.
    """

    job_id: str
    status: JobStatus | None
    words: tuple[str, ...]
    place: JobStatus | None
    owed: KeptEvent | None
