"""The record of one job that is being watched.

There may be a million of these, so each byte counts. The records are msgspec's structs, which hold
nothing but their fields; they are known to be in no reference cycle, so the garbage collector passes
over them: it would otherwise stop everything for a third of a second to look at a million of them.
A float is an object of 32 bytes: no time is kept that follows from others, and what few jobs have
is in a record of its own.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from legnext_stream._core.model.jobs import JobStatus

#: Where the schedule has a job (`Watched.seat`), if it is not among the overdue.
BY_LINE: Final = -1
IN_AGENDA: Final = -2
ASKED: Final = -3


class Oddities(msgspec.Struct, eq=False, gc=False):
    """What is remembered of few jobs.

    Attributes:
        words: The unknown words already told.
        counted_to: The age up to which the run times have learned from it, if it isn't that at
            `counted_at`, since its start was found to be later than believed; or None.
        failures: How many polls of it have failed since it was last described or missing.
        trouble_since: When those began, or None.
        missing_since: When the present run of "no such job" began, or None.
    """

    words: tuple[str, ...] = ()
    counted_to: float | None = None
    failures: int = 0
    trouble_since: float | None = None
    missing_since: float | None = None


class Watched(msgspec.Struct, eq=False, gc=False):
    """What is remembered of one job. Times in seconds on the clock of the Trio run.

    Attributes:
        job_id: Its id.
        status: What the last event said, or None.
        place: The last status with a place on the line (see `lifecycle`), or None.
        odd: What is odd about it, or None.
        looked_at: When an answer last described it; before the first, when it came in.
        is_seen: Whether an answer has described it.
        polled_at: When a poll of it last ended, other than by a refusal for the rate's sake; -inf
            before the first.
        started_at: When it began to run, as far as is known or believed; None while it waits.
        running_by: When it was first seen running; infinite before.
        counted_at: When it was last seen to have started; None before, even if it is believed.
        position: Its place in the line; -1 if the line doesn't speak for it.
        task_type: Its task type, once it is known.
        due: When it is next to be polled, if it has a time of its own.
        seat: Where the schedule has it: the line minds it (`BY_LINE`), it has a time of its own
            (`IN_AGENDA`), a poll of it is under way (`ASKED`), or else it is overdue, and this is
            its place among the overdue, from 0 on.
    """

    job_id: str
    status: JobStatus | None = None
    place: JobStatus | None = None
    odd: Oddities | None = None
    looked_at: float = 0.0
    is_seen: bool = False
    polled_at: float = -math.inf
    started_at: float | None = None
    running_by: float = math.inf
    counted_at: float | None = None
    position: int = -1
    task_type: str | None = None
    due: float = 0.0
    seat: int = BY_LINE

    @property
    def is_waiting(self) -> bool:
        """Whether it stands in the line and is not believed to have started."""
        return self.started_at is None and self.position >= 0

    @property
    def is_apart(self) -> bool:
        """Whether it waits without the line speaking for it."""
        return self.started_at is None and self.position < 0

    @property
    def is_confirmed(self) -> bool:
        """Whether it was seen to have started, and that not only concluded from others."""
        return self.counted_at is not None

    @property
    def is_asked(self) -> bool:
        """Whether a poll of it is under way."""
        return self.seat == ASKED

    @property
    def is_minded(self) -> bool:
        """Whether it has a time of its own, or is being polled; the line minds the others."""
        return self.seat != BY_LINE

    @property
    def seen_at(self) -> float | None:
        """When an answer last described it, or None."""
        return self.looked_at if self.is_seen else None

    @property
    def counted(self) -> float:
        """The age up to which the run times have learned from it, seconds."""
        if self.odd is not None and self.odd.counted_to is not None:
            return self.odd.counted_to
        if self.counted_at is None or self.started_at is None:
            return 0.0
        age = self.counted_at - self.started_at
        return age if age > 0.0 else 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """The unknown words already told."""
        return () if self.odd is None else self.odd.words

    @property
    def failures(self) -> int:
        """Polls of it that have failed since it was last described or missing."""
        return 0 if self.odd is None else self.odd.failures

    @property
    def missing_since(self) -> float | None:
        """When the present run of "no such job" began, or None."""
        return None if self.odd is None else self.odd.missing_since

    def oddities(self) -> Oddities:
        """What is odd about it, to be added to."""
        if self.odd is None:
            self.odd = Oddities()
        return self.odd

    def recovered(self) -> None:
        """A poll has described it: whatever trouble there was is over."""
        if (odd := self.odd) is not None:
            odd.failures, odd.trouble_since, odd.missing_since = 0, None, None

    def count_to(self, age: float | None) -> None:
        """Set what `counted` is, or that it is the age at `counted_at`."""
        if age is not None:
            self.oddities().counted_to = age
        elif self.odd is not None:
            self.odd.counted_to = None
