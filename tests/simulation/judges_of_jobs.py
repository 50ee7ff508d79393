"""Judges of clauses 1 to 3 of the contract: the events of jobs, and how jobs end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from legnext_stream import JobStatus
from legnext_stream.errors import (
    AuthenticationError,
    HostUnreachableError,
    InsufficientCreditsError,
    JournalError,
    PermissionDeniedError,
    UnexpectedAnswerError,
)
from tests.simulation.evidence import ENDS, Evidence
from tests.simulation.findings import CUT, SLACK, Clauses, Finding, by_job, check, sequences
from tests.simulation.outcome import Outcome, SessionResult

# A job counts as missing only after it has not been found for this many seconds.
_BELIEVED_MISSING: Final = 5.0
_VERDICTS: Final = frozenset({JobStatus.TIMED_OUT, JobStatus.NOT_FOUND})
# The order of statuses in a lifecycle. Unknown statuses have no place in it.
_PLACES: Final = {
    JobStatus.PENDING: 0,
    JobStatus.STAGED: 1,
    JobStatus.PROCESSING: 2,
    JobStatus.RETRY: 3,
    JobStatus.COMPLETED: 4,
    JobStatus.FAILED: 4,
    JobStatus.TIMED_OUT: 4,
    JobStatus.NOT_FOUND: 4,
}
_ACCOUNT_WIDE: Final = {
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
}

CLAUSES: Final = Clauses()
"""The clauses by name: their number in the contract, and what they say."""

# ---------------------------------------------------------------- 1: true, in order, once


@CLAUSES.clause("1 true and in order")
def true_in_order(evidence: Evidence) -> Iterator[Finding]:
    """The events are a subsequence of the true statuses, in true order."""
    for job_id, received in sequences(evidence.outcome):
        changes = evidence.truth.get(job_id, ())
        reported = [each for each in received if each.event.status not in _VERDICTS]
        if not reported:
            continue
        words = [each.word for each in reported]
        if evidence.is_misled(job_id):
            # With outdated answers, earlier statuses can't be told from the present one. But all must be true at
            # some time.
            right = {change.status for change in changes} | evidence.invented(job_id)
            yield check(
                set(words) <= right, f"received {words}, but the truth is {changes}", job_id
            )
            continue
        rest = iter(change.status for change in changes)
        is_ok = all(word in rest for word in words)
        yield check(is_ok, f"received {words}, but the truth is {changes}", job_id)


@CLAUSES.clause("1 not before it happened")
def never_early(evidence: Evidence) -> Iterator[Finding]:
    """A change is reported after it has happened, and within the bounds that the event gives."""
    for job_id, received in sequences(evidence.outcome):
        changes = evidence.truth.get(job_id, ())
        invented = evidence.invented(job_id)
        for each in received:
            event = each.event
            if event.status in _VERDICTS or each.word in invented:
                continue
            if evidence.is_misled():
                times = [at for at, word in changes if word == each.word]
                is_ok = bool(times) and times[0] <= event.observed_at + SLACK <= each.at + 1.0
                yield check(is_ok, f"{each.word} was received before it was true", job_id)
                continue
            after, until = event.changed_between
            times = [at for at, word in changes if word == each.word]
            if not times:
                continue  # It was never true, which violates another clause.
            is_ok = any(
                (after is None or after - SLACK <= at) and at <= until + SLACK for at in times
            )
            is_ok = is_ok and until <= event.observed_at <= each.at + SLACK
            said = f"{each.word} happened at {times}, reported as {event.changed_between}"
            yield check(is_ok, f"{said}, observed at {event.observed_at}", job_id)


@CLAUSES.clause("1 no repeats")
def no_repeats(evidence: Evidence) -> Iterator[Finding]:
    """A reader receives no status of a job twice."""
    for job_id, received in sequences(evidence.outcome):
        words = [each.word for each in received]
        yield check(len(set(words)) == len(words), f"received {words}", job_id)


@CLAUSES.clause("1 never backwards")
def never_back(evidence: Evidence) -> Iterator[Finding]:
    """A job never goes back to an earlier stage of its lifecycle."""
    for job_id, received in sequences(evidence.outcome):
        places = [_PLACES[each.event.status] for each in received if each.event.status in _PLACES]
        is_ok = all(later > earlier for earlier, later in itertools.pairwise(places))
        yield check(is_ok, f"received {[each.word for each in received]}", job_id)


@CLAUSES.clause("1 each event follows from the last")
def events_follow(evidence: Evidence) -> Iterator[Finding]:
    """`previous` is the status of the event before; `sequence` counts; the event has the right job."""
    known: dict[str, JobStatus] = {}
    for result in evidence.outcome.results:
        for reading in result.readings:
            for number, each in enumerate(reading.received, 1):
                event, job = each.event, each.event.job
                is_ok = event.sequence == number and job.job_id == event.job_id
                is_ok = is_ok and job.status is event.status
                yield check(is_ok, f"{event} is number {number}", event.job_id)
            for job_id, received in by_job(reading.received).items():
                last = known.get(job_id)
                before = [last, *(each.event.status for each in received)]
                previous = [each.event.previous for each in received]
                is_ok = previous == before[:-1]
                # After an interrupted acknowledgement, the previous status is uncertain.
                if not is_ok and last is None and _is_uncertain(evidence.outcome, result, job_id):
                    continue
                yield check(is_ok, f"previous {previous}, after {before}", job_id)
        for each in result.main.received:
            if each.acked != "no":
                known[each.event.job_id] = each.event.status
            if each.acked == "perhaps":
                known.pop(each.event.job_id, None)


def _is_uncertain(outcome: Outcome, result: SessionResult, job_id: str) -> bool:
    return any(
        each.acked == "perhaps" and each.event.job_id == job_id
        for earlier in outcome.results[: result.number]
        for each in earlier.main.received
    )


# ---------------------------------------------------------------- 2: one terminal event


@CLAUSES.clause("2 one terminal event, then nothing")
def one_end(evidence: Evidence) -> Iterator[Finding]:
    """A job has at most one terminal event, and it is the last one."""
    for job_id, received in sequences(evidence.outcome):
        ends = [each for each in received if each.event.status.is_terminal]
        if ends:
            words = [each.word for each in received]
            yield check(ends == received[-1:], f"received {words}", job_id)


@CLAUSES.clause("2 every job ends")
def all_end(evidence: Evidence) -> Iterator[Finding]:
    """A reader that reached the end of a stream has received the end of each job, now or in an earlier watch."""
    outcome = evidence.outcome
    over: set[str] = set()
    for result in outcome.results:
        for reading in result.readings:
            if not reading.has_ended:
                continue
            received = {
                each.event.job_id for each in reading.received if each.event.status.is_terminal
            }
            added = [job_id for job_id in result.asked if job_id not in result.removed]
            for job_id in added:
                is_ok = job_id in received or job_id in over
                yield check(is_ok, f"{reading.name} received no end", job_id)
        over |= {
            each.event.job_id
            for each in result.main.received
            if each.event.status.is_terminal and each.acked != "no"
        }


@CLAUSES.clause("2 the stream ends")
def stream_ends(evidence: Evidence) -> Iterator[Finding]:
    """A watch ends by itself, for each reader, when all of its jobs have ended."""
    for result in evidence.outcome.results:
        yield check(not result.never_ended, f"watch {result.number} has not ended within a day")
        for reading in result.readings[1:]:
            is_ok = reading.has_ended or reading.error is not None
            yield check(is_ok, f"{reading.name} has not ended")


@CLAUSES.clause("2 the right terminal status")
def true_end(evidence: Evidence) -> Iterator[Finding]:
    """A terminal event has the job's true final status, and comes after the job has ended."""
    for job_id, received in sequences(evidence.outcome):
        end = received[-1]
        if end.word in ENDS:
            changes = evidence.truth.get(job_id, ())
            is_ok = bool(changes) and changes[-1].status == end.word
            is_ok = is_ok and changes[-1].at <= end.event.observed_at + SLACK
            yield check(is_ok, f"received {end.word}, but the truth is {changes}", job_id)


# ---------------------------------------------------------------- 3: jobs that can't be followed


@CLAUSES.clause("3 not_found is justified")
def not_found_is_justified(evidence: Evidence) -> Iterator[Finding]:
    """`not_found` is reported only for a job that the API repeatedly said it doesn't know."""
    for job_id, received in sequences(evidence.outcome):
        end = received[-1].event
        if end.status is JobStatus.NOT_FOUND:
            missing = [
                record.answered_at
                for record in evidence.per_job[job_id]
                if record.status_code == 404 and record.answered_at <= end.observed_at + SLACK
            ]
            is_ok = len(missing) > 1
            is_ok = is_ok and end.observed_at - missing[0] >= _BELIEVED_MISSING - SLACK
            yield check(is_ok, f"gave up after 404s at {missing}", job_id)
        elif end.status.is_terminal:
            is_ok = job_id in evidence.truth or end.status is JobStatus.TIMED_OUT
            yield check(is_ok, f"received {end.status} for a job that doesn't exist", job_id)


@CLAUSES.clause("3 timed_out is justified")
def timed_out_is_justified(evidence: Evidence) -> Iterator[Finding]:
    """`timed_out` is reported only for a job that didn't end within the timeout."""
    case = evidence.outcome.case
    for job_id, received in sequences(evidence.outcome):
        end = received[-1].event
        if end.status is not JobStatus.TIMED_OUT:
            continue
        changes = evidence.truth.get(job_id, ())
        made_at = changes[0].at if changes else 0.0
        is_ok = end.observed_at >= made_at + case.timeout - 2 * CUT
        yield check(is_ok, f"gave up at {end.observed_at}; the job was made at {made_at}", job_id)
        if case.is_patient:
            ended_at = evidence.ended_at(job_id)
            is_ok = end.observed_at <= ended_at
            yield check(is_ok, f"gave up at {end.observed_at}; the job ended at {ended_at}", job_id)


@CLAUSES.clause("3 account-wide errors are raised")
def account_wide_errors(evidence: Evidence) -> Iterator[Finding]:
    """401, 402, 403 and an unreachable host end a watch with one clear error; nothing else does."""
    outage = evidence.outcome.case.outage
    for result in evidence.outcome.results:
        denied = {
            record.status_code: record
            for record in evidence.during(result)
            if record.status_code in _ACCOUNT_WIDE and record.answered_at <= result.left
        }
        came = [record for record in denied.values() if evidence.was_received(record)]
        for reading in result.readings:
            error = reading.error
            if came and (reading is result.main or error is not None):
                kind = _ACCOUNT_WIDE[came[0].status_code]
                yield check(isinstance(error, kind), f"raised {error!r}, not {kind.__name__}")
            match error:
                case None:
                    continue
                case HostUnreachableError():
                    case = evidence.outcome.case
                    is_ok = not case.is_patient and result.left - result.began >= case.timeout
                    yield check(is_ok, f"{error!r} after {result.left - result.began} s")
                case JournalError():
                    yield check(outage is not None and outage.kind == "disk", f"{error!r}")
                case UnexpectedAnswerError():
                    # Allowed only if no answer could be recognised as the API's.
                    is_ok = not any(not record.faults for record in evidence.during(result))
                    yield check(is_ok, f"{error!r} without a reason")
                case _ if reading is result.main or type(error).__name__ != "StreamClosedError":
                    is_ok = any(type(error) is _ACCOUNT_WIDE[code] for code in denied)
                    yield check(is_ok, f"{error!r} without a reason")
