"""The evidence about a case apart from its events: the requests, the faults that affected them, the truth."""

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
from tests.simulation.outcome import Outcome, SessionResult

ENDS: Final = frozenset({"completed", "failed"})
"""The statuses after which a job never changes."""
NO_SUCH_JOB: Final = "no such job"
"""The status of a job that doesn't exist."""
# With these faults it is uncertain whether and when a client has received a complete answer.
_UNCERTAIN: Final[tuple[type[Fault], ...]] = (*CONNECTION_FAULTS, AnswerLost, Delay, Oversized)
# The library's timeout for a request, and for a connection, seconds.
_REQUEST_TIMEOUT: Final = 10.0


class Evidence:
    """Answers the judges' questions about the outcome of a case.

    Args:
        outcome: The outcome.

    Attributes:
        outcome: The outcome.
        truth: Job id → its changes, with statuses as clients see them.
        per_job: The status requests for each job, in order.
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
        """The faults that affected a request."""
        return [self.outcome.faults[name] for name in record.faults]

    def was_received(self, record: RequestRecord) -> bool:
        """Whether a client that waited has certainly received this answer when it was sent."""
        return record.answered_at - record.at < _REQUEST_TIMEOUT and not any(
            isinstance(fault, _UNCERTAIN) for fault in self.met(record)
        )

    def during(self, result: SessionResult) -> Iterator[RequestRecord]:
        """The requests made during one watch."""
        return (each for each in self.outcome.requests if result.began <= each.at <= result.left)

    # ---------------------------------------------------------------- the truth of one job

    def status(self, job_id: str, at: float) -> str:
        """The true status of a job at a time."""
        changes = self.truth.get(job_id)
        if changes is None:
            return NO_SUCH_JOB
        number = bisect_right(changes, at, key=lambda change: change.at)
        return changes[number - 1].status if number else NO_SUCH_JOB

    def ended_at(self, job_id: str) -> float:
        """When a job really ended; infinite if it never did."""
        changes = self.truth.get(job_id, ())
        return changes[-1].at if changes and changes[-1].status in ENDS else math.inf

    @cached_property
    def misled(self) -> Mapping[str, frozenset[type[Fault]]]:
        """Job id → the faults that may have reported something untrue about it."""
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
        """Whether any answer about a job, or about any job, was outdated or untrue."""
        if job_id is None:
            # The times of one job also affect the estimate of the server's clock, for all jobs.
            return any(map(self.is_misled, self.misled))
        kinds = self.misled.get(job_id, frozenset())
        return not kinds.isdisjoint({Stale, Regression, Flapping, UnknownStatus})

    def is_limited(self, record: RequestRecord) -> bool:
        """Whether a request was refused because of the rate, by its status code or in its body."""
        envelopes = [fault for fault in self.met(record) if isinstance(fault, ErrorEnvelope)]
        return record.status_code == 429 or any(fault.code == 429 for fault in envelopes)

    def is_trouble(self, record: RequestRecord) -> bool:
        """Whether a request failed temporarily, so that its answer says nothing about the job."""
        return record.status_code >= 408 or any(
            isinstance(fault, (*HTTP_FAULTS, *CONNECTION_FAULTS, AnswerLost, WrongJob))
            and not isinstance(fault, (Delay, WrongContentType))
            for fault in self.met(record)
        )

    def is_surely_trouble(self, record: RequestRecord) -> bool:
        """Whether an answer, if it was received, can only count as a temporary error."""
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
        """The statuses that were reported for a job without ever being true."""
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
    """Return a status as a client reads it: `Processing` counts as `processing`."""
    return word.lower() if word.lower() in set(JobStatus) else word
