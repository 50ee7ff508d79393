"""Clauses 1 to 3 of the contract: what is told of jobs, and how each of them ends."""

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
from tests.simulation.findings import CUT, SLACK, Clauses, Finding, found, of_jobs, stories
from tests.simulation.outcome import Outcome, Sat

# So long a job has not to be found before that is believed, seconds.
_BELIEVED_MISSING: Final = 5.0
_VERDICTS: Final = frozenset({JobStatus.TIMED_OUT, JobStatus.NOT_FOUND})
# How far along its way a job is; a word that nobody knows has no place on it.
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
_CONCERNS_ALL: Final = {
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
}

CLAUSES: Final = Clauses()
"""The clauses by name: their number in the contract and what they say."""

# ---------------------------------------------------------------- 1: true, in order, once


@CLAUSES.clause("1 true and in order")
def true_in_order(evidence: Evidence) -> Iterator[Finding]:
    """Events are a subsequence of the true statuses, in true order."""
    for job_id, told in stories(evidence.outcome):
        changes = evidence.truth.get(job_id, ())
        said = [each for each in told if each.event.status not in _VERDICTS]
        if not said:
            continue
        words = [each.word for each in said]
        if evidence.is_misled(job_id):
            # The past can't be told from the present by who is lied to; but it must be the past.
            right = {change.status for change in changes} | evidence.invented(job_id)
            yield found(set(words) <= right, f"told {words}, but it was {changes}", job_id)
            continue
        rest = iter(change.status for change in changes)
        is_so = all(word in rest for word in words)
        yield found(is_so, f"told {words}, but it was {changes}", job_id)


@CLAUSES.clause("1 not before it happened")
def never_early(evidence: Evidence) -> Iterator[Finding]:
    """A change is told after it has happened, within the bounds that the event gives."""
    for job_id, told in stories(evidence.outcome):
        changes = evidence.truth.get(job_id, ())
        invented = evidence.invented(job_id)
        for each in told:
            event = each.event
            if event.status in _VERDICTS or each.word in invented:
                continue
            if evidence.is_misled():
                times = [at for at, word in changes if word == each.word]
                is_so = bool(times) and times[0] <= event.observed_at + SLACK <= each.at + 1.0
                yield found(is_so, f"{each.word} was told before it was so", job_id)
                continue
            after, until = event.changed_between
            times = [at for at, word in changes if word == each.word]
            if not times:
                continue  # it was never so: that is another clause's
            is_so = any(
                (after is None or after - SLACK <= at) and at <= until + SLACK for at in times
            )
            is_so = is_so and until <= event.observed_at <= each.at + SLACK
            said = f"{each.word} at {times}, told for {event.changed_between}"
            yield found(is_so, f"{said} at {event.observed_at}", job_id)


@CLAUSES.clause("1 no repeats")
def no_repeats(evidence: Evidence) -> Iterator[Finding]:
    """No status of a job is told twice to one reader."""
    for job_id, told in stories(evidence.outcome):
        words = [each.word for each in told]
        yield found(len(set(words)) == len(words), f"told {words}", job_id)


@CLAUSES.clause("1 never backwards")
def never_back(evidence: Evidence) -> Iterator[Finding]:
    """A job is never told to be at a place on its way that it has left."""
    for job_id, told in stories(evidence.outcome):
        places = [_PLACES[each.event.status] for each in told if each.event.status in _PLACES]
        is_so = all(later > earlier for earlier, later in itertools.pairwise(places))
        yield found(is_so, f"told {[each.word for each in told]}", job_id)


@CLAUSES.clause("1 each event follows from the last")
def chained(evidence: Evidence) -> Iterator[Finding]:
    """`previous` is what the event before said; `sequence` counts; the job is the event's."""
    known: dict[str, JobStatus] = {}
    for sat in evidence.outcome.sats:
        for reading in sat.readings:
            for number, each in enumerate(reading.told, 1):
                event, job = each.event, each.event.job
                is_so = event.sequence == number and job.job_id == event.job_id
                is_so = is_so and job.status is event.status
                yield found(is_so, f"{event} is number {number}", event.job_id)
            for job_id, told in of_jobs(reading.told).items():
                last = known.get(job_id)
                before = [last, *(each.event.status for each in told)]
                previous = [each.event.previous for each in told]
                is_so = previous == before[:-1]
                # Where an acknowledgement was broken off, nobody knows from what it goes on.
                if not is_so and last is None and _is_unsure(evidence.outcome, sat, job_id):
                    continue
                yield found(is_so, f"previous {previous}, after {before}", job_id)
        for each in sat.main.told:
            if each.acked != "no":
                known[each.event.job_id] = each.event.status
            if each.acked == "perhaps":
                known.pop(each.event.job_id, None)


def _is_unsure(outcome: Outcome, sat: Sat, job_id: str) -> bool:
    return any(
        each.acked == "perhaps" and each.event.job_id == job_id
        for earlier in outcome.sats[: sat.number]
        for each in earlier.main.told
    )


# ---------------------------------------------------------------- 2: one end


@CLAUSES.clause("2 one terminal event, then nothing")
def one_end(evidence: Evidence) -> Iterator[Finding]:
    """There is at most one terminal event of a job, and it is the last."""
    for job_id, told in stories(evidence.outcome):
        ends = [each for each in told if each.event.status.is_terminal]
        if ends:
            words = [each.word for each in told]
            yield found(ends == told[-1:], f"told {words}", job_id)


@CLAUSES.clause("2 every job ends")
def all_end(evidence: Evidence) -> Iterator[Finding]:
    """Who has read a stream to its end has been told the end of each job, in this watch or before."""
    outcome = evidence.outcome
    over: set[str] = set()
    for sat in outcome.sats:
        for reading in sat.readings:
            if not reading.has_ended:
                continue
            told = {each.event.job_id for each in reading.told if each.event.status.is_terminal}
            brought = [job_id for job_id in sat.asked if job_id not in sat.removed]
            for job_id in brought:
                is_so = job_id in told or job_id in over
                yield found(is_so, f"no end was told to {reading.name}", job_id)
        over |= {
            each.event.job_id
            for each in sat.main.told
            if each.event.status.is_terminal and each.acked != "no"
        }


@CLAUSES.clause("2 the stream ends")
def stream_ends(evidence: Evidence) -> Iterator[Finding]:
    """A watch ends by itself, for each reader, when all of its jobs have."""
    for sat in evidence.outcome.sats:
        yield found(not sat.never_ended, f"watch {sat.number} has not ended within a day")
        for reading in sat.readings[1:]:
            is_so = reading.has_ended or reading.error is not None
            yield found(is_so, f"{reading.name} has met no end")


@CLAUSES.clause("2 the right terminal status")
def true_end(evidence: Evidence) -> Iterator[Finding]:
    """A job that ended is told with its own end, after it has ended."""
    for job_id, told in stories(evidence.outcome):
        end = told[-1]
        if end.word in ENDS:
            changes = evidence.truth.get(job_id, ())
            is_so = bool(changes) and changes[-1].status == end.word
            is_so = is_so and changes[-1].at <= end.event.observed_at + SLACK
            yield found(is_so, f"told {end.word}, but it was {changes}", job_id)


# ---------------------------------------------------------------- 3: what can't be followed


@CLAUSES.clause("3 not_found is justified")
def deserved_not_found(evidence: Evidence) -> Iterator[Finding]:
    """`not_found` is told of a job that the API kept saying it doesn't know, and of no other."""
    for job_id, told in stories(evidence.outcome):
        end = told[-1].event
        if end.status is JobStatus.NOT_FOUND:
            missing = [
                record.answered_at
                for record in evidence.per_job[job_id]
                if record.status_code == 404 and record.answered_at <= end.observed_at + SLACK
            ]
            is_so = len(missing) > 1
            is_so = is_so and end.observed_at - missing[0] >= _BELIEVED_MISSING - SLACK
            yield found(is_so, f"given up after answers 404 at {missing}", job_id)
        elif end.status.is_terminal:
            is_so = job_id in evidence.truth or end.status is JobStatus.TIMED_OUT
            yield found(is_so, f"told {end.status} of nobody", job_id)


@CLAUSES.clause("3 timed_out is justified")
def deserved_timed_out(evidence: Evidence) -> Iterator[Finding]:
    """`timed_out` is told of a job that didn't end for the whole timeout, and of no other."""
    case = evidence.outcome.case
    for job_id, told in stories(evidence.outcome):
        end = told[-1].event
        if end.status is not JobStatus.TIMED_OUT:
            continue
        changes = evidence.truth.get(job_id, ())
        made_at = changes[0].at if changes else 0.0
        is_so = end.observed_at >= made_at + case.timeout - 2 * CUT
        yield found(is_so, f"given up at {end.observed_at}, made at {made_at}", job_id)
        if case.is_patient:
            ended_at = evidence.ended_at(job_id)
            is_so = end.observed_at <= ended_at
            yield found(is_so, f"given up at {end.observed_at}, ended at {ended_at}", job_id)


@CLAUSES.clause("3 account-wide errors are raised")
def concerns_all(evidence: Evidence) -> Iterator[Finding]:
    """401, 402, 403 and a host that is silent end a watch by one clear error; nothing else does."""
    doom = evidence.outcome.case.doom
    for sat in evidence.outcome.sats:
        denied = {
            record.status_code: record
            for record in evidence.during(sat)
            if record.status_code in _CONCERNS_ALL and record.answered_at <= sat.left
        }
        came = [record for record in denied.values() if evidence.came_through(record)]
        for reading in sat.readings:
            error = reading.error
            if came and (reading is sat.main or error is not None):
                kind = _CONCERNS_ALL[came[0].status_code]
                yield found(isinstance(error, kind), f"met {error!r}, not {kind.__name__}")
            match error:
                case None:
                    continue
                case HostUnreachableError():
                    case = evidence.outcome.case
                    is_so = not case.is_patient and sat.left - sat.began >= case.timeout
                    yield found(is_so, f"{error!r} after {sat.left - sat.began} s")
                case JournalError():
                    yield found(doom is not None and doom.kind == "disk", f"{error!r}")
                case UnexpectedAnswerError():
                    # Allowed where nothing that the API said could be recognised as its own.
                    is_so = not any(not record.faults for record in evidence.during(sat))
                    yield found(is_so, f"{error!r} for no reason")
                case _ if reading is sat.main or type(error).__name__ != "StreamClosedError":
                    is_so = any(type(error) is _CONCERNS_ALL[code] for code in denied)
                    yield found(is_so, f"{error!r} for no reason")
