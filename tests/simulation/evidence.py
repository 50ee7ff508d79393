"""What can be known of a case besides what was told: the requests, the faults they met, the truth."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from legnext_stream import JobStatus
from mockserver import Change, RequestRecord
from mockserver._faults import CONNECTION_FAULTS, HTTP_FAULTS, Fault
from mockserver._faults.fault import Misleads
from mockserver._faults.http import (
    Delay,
    ErrorEnvelope,
    HtmlPage,
    MalformedJson,
    Oversized,
    Truncated,
    WrongContentType,
)
from mockserver._faults.state import (
    AnswerLost,
    Flapping,
    Regression,
    Stale,
    UnknownStatus,
    WrongJob,
)
from tests.simulation.outcome import Outcome, Sat

ENDS: Final = frozenset({"completed", "failed"})
"""The words after which a job never changes."""
NOBODY: Final = "no such job"
"""What stands for the status of a job that doesn't exist."""
# With these faults it can't be known whether, and when, a client has had all of an answer.
_UNSURE: Final[tuple[type[Fault], ...]] = (*CONNECTION_FAULTS, AnswerLost, Delay, Oversized)
# Answers later than this are given up: the library's limit for a request, and for a connection.
_GIVEN_UP: Final = 10.0


class Evidence:
    """Looks through what came of a case.

    Args:
        outcome: What came of it.

    Attributes:
        outcome: The same.
        truth: Job id → its changes, in the words that a client has for them.
        per_job: The status requests of each job, in order.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.truth = {
            job_id: tuple(Change(at, _as_read(word)) for at, word in changes)
            for job_id, changes in outcome.truth.items()
        }
        self.per_job: dict[str, list[RequestRecord]] = defaultdict(list)
        for record in outcome.requests:
            if record.job_id is not None:
                self.per_job[record.job_id].append(record)

    def met(self, record: RequestRecord) -> list[Fault]:
        """The faults that a request met."""
        return [self.outcome.faults[name] for name in record.faults]

    def came_through(self, record: RequestRecord) -> bool:
        """Whether a client that waited has surely had this answer, at the time it was sent."""
        return record.answered_at - record.at < _GIVEN_UP and not any(
            isinstance(fault, _UNSURE) for fault in self.met(record)
        )

    def during(self, sat: Sat) -> Iterator[RequestRecord]:
        """The requests of one watch."""
        return (each for each in self.outcome.requests if sat.began <= each.at <= sat.left)

    # ---------------------------------------------------------------- the truth of one job

    def status(self, job_id: str, at: float) -> str:
        """What a job really was at a time."""
        changes = self.truth.get(job_id)
        if changes is None:
            return NOBODY
        number = bisect_right(changes, at, key=lambda change: change.at)
        return changes[number - 1].status if number else NOBODY

    def ended_at(self, job_id: str) -> float:
        """When a job really ended; infinite if it never did."""
        changes = self.truth.get(job_id, ())
        return changes[-1].at if changes and changes[-1].status in ENDS else math.inf

    @cached_property
    def misled(self) -> Mapping[str, frozenset[type[Fault]]]:
        """Job id → the faults by which something untrue may have been told of it."""
        return {
            job_id: frozenset(
                type(fault)
                for record in records
                for fault in self.met(record)
                if isinstance(fault, Misleads) and not isinstance(fault, WrongJob)
            )
            for job_id, records in self.per_job.items()
        }

    def is_misled(self, job_id: str | None = None) -> bool:
        """Whether answers about a job, or about any, were out of date, or untrue."""
        if job_id is None:
            # What is told of one job also says how the server's clock stands, for all of them.
            return any(map(self.is_misled, self.misled))
        kinds = self.misled.get(job_id, frozenset())
        return not kinds.isdisjoint({Stale, Regression, Flapping, UnknownStatus})

    def is_limited(self, record: RequestRecord) -> bool:
        """Whether a request was refused for the rate's sake, by its status or in its body."""
        envelopes = [fault for fault in self.met(record) if isinstance(fault, ErrorEnvelope)]
        return record.status_code == 429 or any(fault.code == 429 for fault in envelopes)

    def is_trouble(self, record: RequestRecord) -> bool:
        """Whether a request met what may pass, and says nothing about its job."""
        return record.status_code >= 408 or any(
            isinstance(fault, (*HTTP_FAULTS, *CONNECTION_FAULTS, AnswerLost, WrongJob))
            and not isinstance(fault, (Delay, WrongContentType))
            for fault in self.met(record)
        )

    def is_surely_trouble(self, record: RequestRecord) -> bool:
        """Whether nothing else can be made of an answer, provided that it came through."""
        code = record.status_code
        return (
            300 <= code < 400
            or code == 408
            or code >= 500
            or (
                code == 200
                and any(
                    isinstance(fault, (HtmlPage, MalformedJson, Truncated))
                    for fault in self.met(record)
                )
            )
        )

    def invented(self, job_id: str) -> set[str]:
        """The words that were told of a job though they were never true."""
        words: set[str] = set()
        for record in self.per_job.get(job_id, ()):
            for fault in self.met(record):
                match fault:
                    case Regression(to=str() as word) | Flapping(to=str() as word):
                        words.add(word)
                    case UnknownStatus(word=word):
                        words.add(word)
                    case _:
                        pass
        return set(map(_as_read, words))


def _as_read(word: str) -> str:
    """A word as a client reads it, which takes `Processing` for what it must mean."""
    return word.lower() if word.lower() in set(JobStatus) else word
