"""The record of one job that is being watched.

There may be a million of these, so every byte counts. The records are msgspec structs, which hold
nothing but their fields. They are never part of a reference cycle, so the garbage collector skips
them (`gc=False`); otherwise it would stop everything for a third of a second to look at a million.
A float is an object of 32 bytes, so no time is kept that follows from others, and fields that few
jobs need are in a record of their own, `Extra`.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.lifecycle import is_ahead

# What the schedule does with a job (`Watched.where`), unless it is ready to be polled.
BY_QUEUE: Final = -1
IN_TIMERS: Final = -2
IN_FLIGHT: Final = -3
# A job with a new unknown status at each poll would make events, and use memory, without end.
_MOST_WORDS: Final = 32


class Extra(msgspec.Struct, eq=False, gc=False):
    """What few jobs need."""

    words: tuple[str, ...] = ()  # the unknown statuses that have been reported
    # The age up to which the run times have learned from the job. None if that is its age at
    # `counted_at`, as for any job whose start wasn't corrected later.
    counted_to: float | None = None
    failures: int = 0  # how many polls of it have failed since it was last described or missing
    trouble_since: float | None = None  # when these failures began, or None
    missing_since: float | None = None  # when the API began to answer "no such job", or None


class Watched(msgspec.Struct, eq=False, gc=False):
    """What is known of one job. Times are in seconds on the clock of the Trio run."""

    job_id: str
    status: JobStatus | None = None  # the status of the last event, or None
    # The last status that has a place in the order of statuses (see `lifecycle`), or None.
    place: JobStatus | None = None
    extra: Extra | None = None  # what few jobs need, or None
    # When an answer last described it; before the first, when the watch got it.
    looked_at: float = 0.0
    is_seen: bool = False  # whether an answer has described it
    joined_at: float = 0.0  # when the watch got it
    # When a poll of it last ended, except by a 429; -inf before the first.
    polled_at: float = -math.inf
    # When it began to run, as far as is known or inferred; None while it waits.
    started_at: float | None = None
    running_by: float = math.inf  # when it was first seen running; inf before
    # When it was last seen to have started; None while that is only inferred.
    counted_at: float | None = None
    position: int = -1  # its position in the queue order; -1 if it isn't in there
    task_type: str | None = None  # its task type, once it is known
    due: float = 0.0  # when it is next to be polled, if it has a time of its own
    # What the schedule does with it. It leaves the job to the queue probe (`BY_QUEUE`), has set a
    # timer (`IN_TIMERS`), or has a poll in flight (`IN_FLIGHT`). From 0 on, it is the job's index
    # among those that are ready to be polled.
    where: int = BY_QUEUE

    @property
    def is_waiting(self) -> bool:
        """Whether it is in the queue order, and not known or inferred to have started."""
        return self.started_at is None and self.position >= 0

    @property
    def is_detached(self) -> bool:
        """Whether it waits, but not in the queue order."""
        return self.started_at is None and self.position < 0

    @property
    def is_confirmed(self) -> bool:
        """Whether it was seen to have started, as opposed to inferred from other jobs."""
        return self.counted_at is not None

    @property
    def is_in_flight(self) -> bool:
        """Whether a poll of it is in flight."""
        return self.where == IN_FLIGHT

    @property
    def is_scheduled(self) -> bool:
        """Whether it has a time of its own, is ready, or is being polled; the queue has the rest."""
        return self.where != BY_QUEUE

    @property
    def is_left_to_queue(self) -> bool:
        """Whether it waits in the queue order, and nothing else is to happen to it."""
        return self.where == BY_QUEUE and self.is_waiting

    @property
    def seen_at(self) -> float | None:
        """When an answer last described it, or None."""
        return self.looked_at if self.is_seen else None

    @property
    def counted(self) -> float:
        """The age up to which the run times have learned from it, in seconds."""
        if self.extra is not None and self.extra.counted_to is not None:
            return self.extra.counted_to
        if self.counted_at is None or self.started_at is None:
            return 0.0
        age = self.counted_at - self.started_at
        return age if age > 0.0 else 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """The unknown statuses that have been reported."""
        return () if self.extra is None else self.extra.words

    @property
    def failures(self) -> int:
        """Polls of it that have failed since it was last described or missing."""
        return 0 if self.extra is None else self.extra.failures

    @property
    def missing_since(self) -> float | None:
        """When the API began to answer "no such job", or None."""
        return None if self.extra is None else self.extra.missing_since

    def ensure_extra(self) -> Extra:
        """Its `extra`, made if there is none yet."""
        if self.extra is None:
            self.extra = Extra()
        return self.extra

    def is_news(self, status: JobStatus, word: object) -> bool:
        """Whether a status is news for this job, by the API's word for it; if so, it is noted."""
        if status is JobStatus.UNKNOWN:
            if word in self.words or len(self.words) >= _MOST_WORDS:
                return False
            self.ensure_extra().words += (str(word),)
            return True
        if status is self.place or not is_ahead(status, self.place):
            return False
        self.place = status
        return True

    def recovered(self) -> None:
        """Forget past failures: a poll has described it."""
        if (extra := self.extra) is not None:
            extra.failures, extra.trouble_since, extra.missing_since = 0, None, None

    def count_to(self, age: float | None) -> None:
        """Set `counted`; None makes it the age at `counted_at`."""
        if age is not None:
            self.ensure_extra().counted_to = age
        elif self.extra is not None:
            self.extra.counted_to = None
