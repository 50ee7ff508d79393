"""Faults of state: answers that are well formed, and untrue.

They change what a client is told about a job, never the job: the truth stays what really happened.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from mockserver._world import TERMINAL, JobView
from mockserver._world.checks import is_seconds
from mockserver._world.kinds import Range, tried

_EARLIER: Final = tried(None, "pending", "staged", "processing", "retry")
UNDOCUMENTED: Final = ("queued-elsewhere", "paused", "Processing", "…")
"""Words for statuses that no documentation has: a client must take them for "not finished"."""


def _went_back(job: JobView, reading: Reading, to: str | None) -> JobView:
    """The job as it was when it last had an earlier status: `to`, or the one before its present."""
    *earlier, _ = reading.world.changes(job.job_id, reading.at)
    for at, status in reversed(earlier):
        if to in {None, status}:
            return reading.world.job(job.job_id, at)
    if to is None or not earlier:
        return job
    return attrs.evolve(job, status=to, ended_at=None, failure=None)


@attrs.frozen
class Stale(Misleads):
    """Tells of the job as it was a while ago, as a replica does that lags behind.

    Attributes:
        seconds: How long ago, in the world's seconds; a job that is younger is told of as it was
            when it was new.
    """

    seconds: float = attrs.field(default=30.0, validator=is_seconds, metadata=tried(Range(0, 300)))

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The job as it was."""
        return reading.world.job(job.job_id, max(job.created_at, reading.at - self.seconds))


@attrs.frozen
class Regression(Misleads):
    """Tells of an earlier status than the job's present one.

    Attributes:
        to: The status; None for the one before. The job is told of as it was then, and one that
            never had this status as being in it. A job in its first status is left as it is.
    """

    to: str | None = attrs.field(default=None, metadata=_EARLIER)

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The job as it was then."""
        return _went_back(job, reading, self.to)


@attrs.frozen
class Flapping(Misleads):
    """After a job's end, tells of the end and of an earlier status in turn; the end comes first.

    Attributes:
        to: The earlier status; None for the one before the end.
    """

    to: str | None = attrs.field(default=None, metadata=_EARLIER)

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The job as it is, or as it was."""
        if job.status in TERMINAL and reading.number() % 2 == 0:
            return _went_back(job, reading, self.to)
        return job


@attrs.frozen
class UnknownStatus(Misleads):
    """Tells of a status that no documentation knows, in a job that hasn't ended by its times.

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
    """A job isn't found at first, as where the request outruns the replication.

    Attributes:
        polls: For so many status requests of each job.
        seconds: Or for so many of the world's seconds from when it was made.

    Raises:
        ValueError: Both are given, or none.
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
        after: So many of the world's seconds after it was made.
    """

    after: float = attrs.field(default=0.0, validator=is_seconds, metadata=tried(Range(0, 300)))

    def reported(self, job: JobView, reading: Reading) -> JobView | None:
        """The job, until then."""
        return job if reading.at < job.created_at + self.after else None


@attrs.frozen
class WrongJob(Misleads):
    """Tells of another job than the one that was asked for.

    Attributes:
        job_id: The other job; None for the first of the world's other jobs, or where there is none,
            one that isn't there at all.
    """

    job_id: str | None = None

    def reported(self, job: JobView, reading: Reading) -> JobView:
        """The other job."""
        world, at = reading.world, reading.at
        candidates = world.job_ids() if self.job_id is None else iter((self.job_id,))
        for other in candidates:
            if other != job.job_id and other in world and world.status(other, at) is not None:
                return world.job(other, at)
        # The jobs of a world are numbered from 0, so this id is nobody's.
        return attrs.evolve(job, job_id=self.job_id or world.randomness.job_id(-1))


@attrs.frozen
class EmptyOutput(Damages):
    """A job is completed, but its output has nothing in it: empty texts, lists and tables."""

    def damage(self, answered: Answered) -> Answered:
        """The same without the output's content, where it is a completed job's."""
        try:
            job = msgspec.json.decode(answered.body)
        except msgspec.DecodeError:
            return answered
        match job:
            case {"status": "completed", "output": {} as output}:
                job["output"] = {name: _emptied(value) for name, value in output.items()}
                return attrs.evolve(answered, body=msgspec.json.encode(job))
            case _:
                return answered


def _emptied(value: object) -> object:
    match value:
        case str():
            return ""
        case list():
            return []
        case Mapping():
            return {}
        case _:
            return value


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
