"""Faults of state: answers that are well formed, but wrong.

They change what is reported about a job, never the job itself: the truth stays what happened.
"""

from __future__ import annotations

from typing import ClassVar, Final

import attrs
import msgspec

from mockserver._faults.fault import (
    Answered,
    ConnectionFault,
    Damages,
    Effect,
    End,
    Misleads,
    Reading,
    kinds_in,
)
from mockserver._world.checks import is_seconds
from mockserver._world.jobs import JobView
from mockserver._world.kinds import Range, tried
from mockserver._world.scripts import TERMINAL

_EARLIER: Final = tried(None, "pending", "staged", "processing", "retry")
UNDOCUMENTED: Final = ("queued-elsewhere", "paused", "Processing", "…")
"""Undocumented statuses, which a client must treat as "not finished"."""


def _went_back(job: JobView, reading: Reading, to: str | None) -> JobView:
    """The job as it was when it last had an earlier status: `to`, or its previous one."""
    *earlier, _ = reading.world.changes(job.job_id, reading.at)
    for at, status in reversed(earlier):
        if to in {None, status}:
            return reading.world.job(job.job_id, at)
    if to is None or not earlier:
        return job
    return attrs.evolve(job, status=to, ended_at=None, failure=None)


@attrs.frozen
class Stale(Misleads):
    """Reports the job as it was some time ago, like a replica that lags behind.

    Attributes:
        seconds: How long ago, in the world's seconds. A younger job is reported as it was when it
            was new.
    """

    seconds: float = attrs.field(default=30.0, validator=is_seconds, metadata=tried(Range(0, 300)))

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The job as it was."""
        return reading.world.job(job.job_id, max(job.created_at, reading.at - self.seconds))


@attrs.frozen
class Regression(Misleads):
    """Reports an earlier status than the job's present one.

    Attributes:
        to: The status; None for the previous one. The job is reported as it was then; if it never
            had this status, only its status is replaced. A job in its first status is reported as
            it is.
    """

    to: str | None = attrs.field(default=None, metadata=_EARLIER)

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The job as it was then."""
        return _went_back(job, reading, self.to)


@attrs.frozen
class Flapping(Misleads):
    """After a job's end, reports the end and an earlier status in turn, the end first.

    Attributes:
        to: The earlier status; None for the last one before the end.
    """

    to: str | None = attrs.field(default=None, metadata=_EARLIER)

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The job as it is, or as it was."""
        if job.status in TERMINAL and reading.number() % 2 == 0:
            return _went_back(job, reading, self.to)
        return job


@attrs.frozen
class UnknownStatus(Misleads):
    """Reports an undocumented status, without an end or a failure.

    Attributes:
        word: The status.
    """

    word: str = attrs.field(
        default="upscaling",
        validator=attrs.validators.min_len(1),
        metadata=tried(*UNDOCUMENTED),
    )

    def reported(self, job: JobView, reading: Reading) -> JobView:  # noqa: ARG002 - the base has it
        """The job with that status."""
        return attrs.evolve(job, status=self.word, ended_at=None, failure=None)


@attrs.frozen
class NotYetFound(Misleads):
    """A job isn't found at first, as if the request had outrun replication.

    Attributes:
        polls: The number of status requests for each job that don't find it.
        seconds: Or how long each job isn't found after it was made, in the world's seconds.

    Raises:
        ValueError: Both or neither are given.
    """

    polls: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=tried(Range(1, 5)),
    )
    seconds: float | None = attrs.field(
        default=None, validator=is_seconds, metadata=tried(Range(0, 300))
    )

    def __attrs_post_init__(self) -> None:
        if (self.polls is None) == (self.seconds is None):
            raise ValueError("either polls or seconds must be given, and not both")

    def reported(self, job: JobView, reading: Reading) -> JobView | None:
        """The job, once it is found."""
        if self.polls is not None:
            return None if reading.number() <= self.polls else job
        return None if reading.at < job.created_at + (self.seconds or 0.0) else job


@attrs.frozen
class Vanished(Misleads):
    """A job isn't found any more.

    Attributes:
        after: When, in the world's seconds after it was made.
    """

    after: float = attrs.field(default=0.0, validator=is_seconds, metadata=tried(Range(0, 300)))

    def reported(self, job: JobView, reading: Reading) -> JobView | None:
        """The job, until then."""
        return job if reading.at < job.created_at + self.after else None


@attrs.frozen
class WrongJob(Misleads):
    """Reports another job than the one that was asked for.

    Attributes:
        job_id: The other job; None for the first of the world's other jobs, or if there is none,
            for one that doesn't exist.
    """

    job_id: str | None = None

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The other job."""
        world, at = reading.world, reading.at
        candidates = world.job_ids() if self.job_id is None else iter((self.job_id,))
        for other in candidates:
            if other != job.job_id and other in world and world.status(other, at) is not None:
                return world.job(other, at)
        # The jobs of a world are numbered from 0, so no job has this id.
        return attrs.evolve(job, job_id=self.job_id or world.randomness.job_id(-1))


@attrs.frozen
class EmptyOutput(Damages):
    """A completed job's output is empty: empty strings, lists and objects."""

    def damage(self, answered: Answered) -> Answered:
        """The answer without the output's content, if it is a completed job."""
        try:
            job = msgspec.json.decode(answered.body)
        except msgspec.DecodeError:
            return answered
        match job:
            case {"status": "completed", "output": {} as output}:
                job["output"] = {
                    name: type(value)() if isinstance(value, (str, list, dict)) else value
                    for name, value in output.items()
                }
                return attrs.evolve(answered, body=msgspec.json.encode(job))
            case _:
                return answered


@attrs.frozen
class AnswerLost(ConnectionFault):
    """The request is served, and the connection is closed before its answer.

    After a submit (`route="submit"`) there is a job that its client doesn't know of.
    """

    needs_request: ClassVar[bool] = True

    @property
    def effect(self) -> Effect:
        """The connection is closed."""
        return Effect(End("close"))


STATE_FAULTS: Final = kinds_in(__name__)
"""The kinds of faults of state."""
