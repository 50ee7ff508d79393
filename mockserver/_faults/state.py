"""Faults of state: answers that are well formed, and untrue.

They change what a client is told about a job, never the job: the truth stays what really happened.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs
import msgspec

from mockserver._faults.http import Answered, Damages
from mockserver._world import TERMINAL, JobView, World


@attrs.frozen
class Reading:
    """A status request, as it looks from within the world.

    Attributes:
        world: The world that is asked.
        at: When, in seconds since the world's start.
        number: Counts the readings of this job that the fault has met, this one included: 1, 2 …
            It is to be called once, by a fault that counts.
    """

    world: World
    at: float
    number: Callable[[], int]


class Misleads(ABC):
    """A fault that has a status request answered with something else than the job as it is."""

    __slots__ = ()

    @abstractmethod
    def told(self, job: JobView, reading: Reading) -> JobView | None:
        """What is told in the place of `job`; None for "no such job"."""


def _is_duration(_instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more, not {value}")


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

    seconds: float = attrs.field(default=30.0, validator=_is_duration)

    def told(self, job: JobView, reading: Reading) -> JobView:
        """The job as it was."""
        return reading.world.job(job.job_id, max(job.created_at, reading.at - self.seconds))


@attrs.frozen
class Regression(Misleads):
    """Tells of an earlier status than the job's present one.

    Attributes:
        to: The status; None for the one before. The job is told of as it was then, and one that
            never had this status as being in it. A job in its first status is left as it is.
    """

    to: str | None = None

    def told(self, job: JobView, reading: Reading) -> JobView:
        """The job as it was then."""
        return _went_back(job, reading, self.to)


@attrs.frozen
class Flapping(Misleads):
    """After a job's end, tells of the end and of an earlier status in turn; the end comes first.

    Attributes:
        to: The earlier status; None for the one before the end.
    """

    to: str | None = None

    def told(self, job: JobView, reading: Reading) -> JobView:
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

    word: str = attrs.field(default="upscaling", validator=attrs.validators.min_len(1))

    def told(self, job: JobView, reading: Reading) -> JobView:  # noqa: ARG002 - the base has it
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
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    seconds: float | None = attrs.field(default=None, validator=_is_duration)

    def __attrs_post_init__(self) -> None:
        if (self.polls is None) == (self.seconds is None):
            raise ValueError("either polls or seconds must be given, and not both")

    def told(self, job: JobView, reading: Reading) -> JobView | None:
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

    after: float = attrs.field(default=0.0, validator=_is_duration)

    def told(self, job: JobView, reading: Reading) -> JobView | None:
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

    def told(self, job: JobView, reading: Reading) -> JobView:
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
class AnswerLost:
    """The request is served, and the connection ends before its answer.

    For a submit: there is a job then that its client doesn't know of. Select with `route="submit"`.
    """


StateFault: TypeAlias = (
    Stale
    | Regression
    | Flapping
    | UnknownStatus
    | NotYetFound
    | Vanished
    | WrongJob
    | EmptyOutput
    | AnswerLost
)
"""Any of the faults of state."""

STATE_FAULTS: Final = (
    Stale,
    Regression,
    Flapping,
    UnknownStatus,
    NotYetFound,
    Vanished,
    WrongJob,
    EmptyOutput,
    AnswerLost,
)
"""Their classes."""
