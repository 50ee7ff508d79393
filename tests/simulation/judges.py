"""The judges: each clause of the contract as a function, which holds a case against the truth.

A judge says of what it has looked at something of the kind, job by job, and what it found wrong. What
was not looked at proves nothing, so both are counted.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import attrs

from legnext_stream import JobStatus
from legnext_stream.core.lifecycle import _PLACE
from legnext_stream.errors import (
    AuthenticationError,
    HostUnreachableError,
    InsufficientCreditsError,
    JournalError,
    PermissionDeniedError,
    UnexpectedAnswerError,
)
from mockserver import RequestRecord
from tests.simulation.cases import PATIENT
from tests.simulation.evidence import ENDS, Evidence
from tests.simulation.outcome import Outcome, Reading, Sat, Told

# Times that two sides have computed may differ by so much, seconds.
_SLACK: Final = 1e-3
# A job's time stamps are cut to the second, and so are dates of HTTP.
_CUT: Final = 1.0
# The longest that a hint is obeyed, seconds.
_LONGEST_HINT: Final = 300.0
# A job in trouble is asked about again within so many seconds: less than the timeout, after which all
# jobs are asked about.
_LONGEST_WAIT: Final = PATIENT - 10.0
# So long a job has not to be found before that is believed, seconds.
_BELIEVED_MISSING: Final = 5.0
# By default a job is asked about no more often than this, seconds.
_LEAST_INTERVAL: Final = 1.0
_VERDICTS: Final = frozenset({JobStatus.TIMED_OUT, JobStatus.NOT_FOUND})
_CONCERNS_ALL: Final = {
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
}


@attrs.frozen
class Looked:
    """Something that a clause speaks about was there to be looked at, and was as it must be.

    Attributes:
        job_id: The job, or None if it is about the watch as a whole.
    """

    job_id: str | None = None


@attrs.frozen
class Wrong:
    """Something was not as it must be.

    Attributes:
        said: What was wrong.
        job_id: Of which job, or None if it is about the watch as a whole.
    """

    said: str
    job_id: str | None = None


Finding: TypeAlias = Looked | Wrong
Judge: TypeAlias = Callable[[Evidence], Iterator[Finding]]

CLAUSES: Final[dict[str, Judge]] = {}
"""The clauses by name: the number in the contract (or J for the journal, M for membership, R for
several readers, P for the pace) and what it says."""


def _clause(name: str) -> Callable[[Judge], Judge]:
    def register(judge: Judge) -> Judge:
        CLAUSES[name] = judge
        return judge

    return register


def _found(is_right: bool, said: str, job_id: str | None = None) -> Finding:  # noqa: FBT001 - a verdict
    return Looked(job_id) if is_right else Wrong(said, job_id)


# ---------------------------------------------------------------- what was told, sorted


def _of_jobs(told: Sequence[Told]) -> dict[str, list[Told]]:
    """What was told, job by job."""
    jobs: dict[str, list[Told]] = {}
    for each in told:
        jobs.setdefault(each.event.job_id, []).append(each)
    return jobs


def _readings(outcome: Outcome) -> Iterator[tuple[Sat, Reading]]:
    for sat in outcome.sats:
        for reading in sat.readings:
            yield sat, reading


def _stories(outcome: Outcome) -> Iterator[tuple[str, list[Told]]]:
    """All that was told of a job to one reader, and over all watches what was acknowledged."""
    for _, reading in _readings(outcome):
        yield from _of_jobs(reading.told).items()
    if outcome.case.has_journal:
        kept = [each for sat in outcome.sats for each in sat.main.told if each.acked == "yes"]
        yield from _of_jobs(kept).items()


# ---------------------------------------------------------------- 1: true, in order, once


@_clause("1 true, in order")
def true_in_order(evidence: Evidence) -> Iterator[Finding]:
    """Events are a subsequence of the true statuses, in true order."""
    for job_id, told in _stories(evidence.outcome):
        changes = evidence.truth.get(job_id, ())
        said = [each for each in told if each.event.status not in _VERDICTS]
        if not said:
            continue
        words = [each.word for each in said]
        if evidence.is_misled(job_id):
            # The past can't be told from the present by who is lied to; but it must be the past.
            right = {change.status for change in changes} | evidence.invented(job_id)
            yield _found(set(words) <= right, f"told {words}, but it was {changes}", job_id)
            continue
        rest = iter(change.status for change in changes)
        is_so = all(word in rest for word in words)
        yield _found(is_so, f"told {words}, but it was {changes}", job_id)


@_clause("1 never before it happened")
def never_early(evidence: Evidence) -> Iterator[Finding]:
    """A change is told after it has happened, within the bounds that the event gives."""
    for job_id, told in _stories(evidence.outcome):
        changes = evidence.truth.get(job_id, ())
        invented = evidence.invented(job_id)
        for each in told:
            event = each.event
            if event.status in _VERDICTS or each.word in invented:
                continue
            if evidence.is_misled():
                times = [at for at, word in changes if word == each.word]
                is_so = bool(times) and times[0] <= event.observed_at + _SLACK <= each.at + 1.0
                yield _found(is_so, f"{each.word} was told before it was so", job_id)
                continue
            after, until = event.changed_between
            times = [at for at, word in changes if word == each.word]
            if not times:
                continue  # it was never so: that is another clause's
            is_so = any(
                (after is None or after - _SLACK <= at) and at <= until + _SLACK for at in times
            )
            is_so = is_so and until <= event.observed_at <= each.at + _SLACK
            said = f"{each.word} at {times}, told for {event.changed_between}"
            yield _found(is_so, f"{said} at {event.observed_at}", job_id)


@_clause("1 without repeats")
def no_repeats(evidence: Evidence) -> Iterator[Finding]:
    """No status of a job is told twice to one reader."""
    for job_id, told in _stories(evidence.outcome):
        words = [each.word for each in told]
        yield _found(len(set(words)) == len(words), f"told {words}", job_id)


@_clause("1 never back")
def never_back(evidence: Evidence) -> Iterator[Finding]:
    """A job is never told to be at a place on its way that it has left."""
    for job_id, told in _stories(evidence.outcome):
        places = [_PLACE[each.event.status] for each in told if each.event.status in _PLACE]
        is_so = all(later > earlier for earlier, later in itertools.pairwise(places))
        yield _found(is_so, f"told {[each.word for each in told]}", job_id)


@_clause("1 one event leads to the next")
def chained(evidence: Evidence) -> Iterator[Finding]:
    """`previous` is what the event before said; `sequence` counts; the job is the event's."""
    known: dict[str, JobStatus] = {}
    for sat in evidence.outcome.sats:
        for reading in sat.readings:
            for number, each in enumerate(reading.told, 1):
                event, job = each.event, each.event.job
                is_so = event.sequence == number and job.job_id == event.job_id
                is_so = is_so and job.status is event.status
                yield _found(is_so, f"{event} is number {number}", event.job_id)
            for job_id, told in _of_jobs(reading.told).items():
                last = known.get(job_id)
                before = [last, *(each.event.status for each in told)]
                previous = [each.event.previous for each in told]
                is_so = previous == before[:-1]
                # Where an acknowledgement was broken off, nobody knows from what it goes on.
                if not is_so and last is None and _is_unsure(evidence.outcome, sat, job_id):
                    continue
                yield _found(is_so, f"previous {previous}, after {before}", job_id)
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


@_clause("2 one end, and nothing after it")
def one_end(evidence: Evidence) -> Iterator[Finding]:
    """There is at most one terminal event of a job, and it is the last."""
    for job_id, told in _stories(evidence.outcome):
        ends = [each for each in told if each.event.status.is_terminal]
        if ends:
            words = [each.word for each in told]
            yield _found(ends == told[-1:], f"told {words}", job_id)


@_clause("2 each job ends")
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
                yield _found(is_so, f"no end was told to {reading.name}", job_id)
        over |= {
            each.event.job_id
            for each in sat.main.told
            if each.event.status.is_terminal and each.acked != "no"
        }


@_clause("2 the stream ends")
def stream_ends(evidence: Evidence) -> Iterator[Finding]:
    """A watch ends by itself, for each reader, when all of its jobs have."""
    for sat in evidence.outcome.sats:
        yield _found(not sat.never_ended, f"watch {sat.number} has not ended within a day")
        for reading in sat.readings[1:]:
            is_so = reading.has_ended or reading.error is not None
            yield _found(is_so, f"{reading.name} has met no end")


@_clause("2 the true end")
def true_end(evidence: Evidence) -> Iterator[Finding]:
    """A job that ended is told with its own end, after it has ended."""
    for job_id, told in _stories(evidence.outcome):
        end = told[-1]
        if end.word in ENDS:
            changes = evidence.truth.get(job_id, ())
            is_so = bool(changes) and changes[-1].status == end.word
            is_so = is_so and changes[-1].at <= end.event.observed_at + _SLACK
            yield _found(is_so, f"told {end.word}, but it was {changes}", job_id)


# ---------------------------------------------------------------- 3: what can't be followed


@_clause("3 not_found is deserved")
def deserved_not_found(evidence: Evidence) -> Iterator[Finding]:
    """`not_found` is told of a job that the API kept saying it doesn't know, and of no other."""
    for job_id, told in _stories(evidence.outcome):
        end = told[-1].event
        if end.status is JobStatus.NOT_FOUND:
            missing = [
                record.answered_at
                for record in evidence.per_job[job_id]
                if record.status_code == 404 and record.answered_at <= end.observed_at + _SLACK
            ]
            is_so = len(missing) > 1
            is_so = is_so and end.observed_at - missing[0] >= _BELIEVED_MISSING - _SLACK
            yield _found(is_so, f"given up after answers 404 at {missing}", job_id)
        elif end.status.is_terminal:
            is_so = job_id in evidence.truth or end.status is JobStatus.TIMED_OUT
            yield _found(is_so, f"told {end.status} of nobody", job_id)


@_clause("3 timed_out is deserved")
def deserved_timed_out(evidence: Evidence) -> Iterator[Finding]:
    """`timed_out` is told of a job that didn't end for the whole timeout, and of no other."""
    case = evidence.outcome.case
    for job_id, told in _stories(evidence.outcome):
        end = told[-1].event
        if end.status is not JobStatus.TIMED_OUT:
            continue
        changes = evidence.truth.get(job_id, ())
        made_at = changes[0].at if changes else 0.0
        is_so = end.observed_at >= made_at + case.timeout - 2 * _CUT
        yield _found(is_so, f"given up at {end.observed_at}, made at {made_at}", job_id)
        if case.is_patient:
            ended_at = evidence.ended_at(job_id)
            is_so = end.observed_at <= ended_at
            yield _found(is_so, f"given up at {end.observed_at}, ended at {ended_at}", job_id)


@_clause("3 what concerns all is raised")
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
                yield _found(isinstance(error, kind), f"met {error!r}, not {kind.__name__}")
            match error:
                case None:
                    continue
                case HostUnreachableError():
                    case = evidence.outcome.case
                    is_so = not case.is_patient and sat.left - sat.began >= case.timeout
                    yield _found(is_so, f"{error!r} after {sat.left - sat.began} s")
                case JournalError():
                    yield _found(doom is not None and doom.kind == "disk", f"{error!r}")
                case UnexpectedAnswerError():
                    # Allowed where nothing that the API said could be recognised as its own.
                    is_so = not any(not record.faults for record in evidence.during(sat))
                    yield _found(is_so, f"{error!r} for no reason")
                case _ if reading is sat.main or type(error).__name__ != "StreamClosedError":
                    is_so = any(type(error) is _CONCERNS_ALL[code] for code in denied)
                    yield _found(is_so, f"{error!r} for no reason")


# ---------------------------------------------------------------- 4: trouble is seen in numbers only


@_clause("4 trouble is counted")
def trouble_counted(evidence: Evidence) -> Iterator[Finding]:
    """What is transient is seen in `stats`: no less than the server knows of, and not without it."""
    for sat in evidence.outcome.sats:
        stats, records = sat.stats, list(evidence.during(sat))
        if stats is None:
            continue
        sure = [
            record
            for record in records
            if record.answered_at < sat.left and evidence.came_through(record)
        ]
        limited = sum(record.status_code == 429 for record in sure)
        troubled = sum(map(evidence.is_surely_trouble, sure))
        said = f"{stats.rate_limited} limited and {stats.troubles} troubles"
        yield _found(
            stats.rate_limited >= limited and stats.troubles >= troubled,
            f"{said}, but there were {limited} and {troubled}",
        )
        is_well = all(not each.faults and evidence.came_through(each) for each in records)
        if is_well and not evidence.outcome.refused:
            most = sum(record.status_code == 429 for record in records)
            is_so = stats.troubles == 0 and limited <= stats.rate_limited <= most
            yield _found(is_so, f"{said}, but there were {limited} and no faults")


@_clause("4 trouble is retried")
def trouble_retried(evidence: Evidence) -> Iterator[Finding]:
    """A job whose poll met trouble is asked about again before long, or told to have ended."""
    case = evidence.outcome.case
    for sat in evidence.outcome.sats:
        readers = (sat.sitting.reader, *sat.sitting.others)
        is_held_up = case.room < len(evidence.truth) and any(reader.pause for reader in readers)
        # Of a host that is silent for good, one job is asked about now and then, and not each. And
        # who is told again and again to come back in three centuries comes every five minutes.
        is_put_off = case.scenario.hints.retry_after == "absurd"
        if is_held_up or is_put_off or not case.is_patient:
            continue
        over = dict.fromkeys(sat.removed, sat.left)
        for each in sat.main.told:
            if each.event.status.is_terminal:
                over[each.event.job_id] = each.event.observed_at
        waiting: dict[str, float] = {}
        for record in evidence.during(sat):
            job_id = record.job_id or ""
            if job_id in waiting:
                yield _waited(record.at - waiting.pop(job_id), job_id)
            # A job that waits behind others need not be asked about before the line has moved.
            if evidence.is_trouble(record) and evidence.status(job_id, record.at) != "pending":
                waiting[job_id] = record.answered_at
        for job_id, since in waiting.items():
            if job_id not in sat.removed:
                yield _waited(over.get(job_id, sat.left) - since, job_id)


def _waited(seconds: float, job_id: str) -> Finding:
    return _found(seconds < _LONGEST_WAIT, f"not asked about for {seconds} s", job_id)


# ---------------------------------------------------------------- 5: bounded


@_clause("5 one undelivered change a job")
def one_undelivered(evidence: Evidence) -> Iterator[Finding]:
    """What is told after another event of the job was not yet there when that one was told."""
    for _, reading in _readings(evidence.outcome):
        for job_id, told in _of_jobs(reading.told).items():
            for earlier, later in itertools.pairwise(told):
                is_so = later.event.observed_at >= earlier.at - _SLACK
                yield _found(is_so, f"{earlier.word} and {later.word} were both held", job_id)


@_clause("5 a slow reader slows polling")
def bounded_backlog(evidence: Evidence) -> Iterator[Finding]:
    """Where there is one reader, no more is undelivered than there is room for, and in flight."""
    case = evidence.outcome.case
    for sat in evidence.outcome.sats:
        told = [each for each in sat.main.told if each.event.observed_at >= sat.began - _SLACK]
        if sat.others or len(told) <= case.room:
            continue
        begins = sorted(each.event.observed_at for each in told)
        most = max(
            sum(begin < each.at - _SLACK for begin in begins) - number
            for number, each in enumerate(told)
        )
        allowed = case.room + case.max_in_flight
        yield _found(most <= allowed, f"{most} events were held, with room for {case.room}")


@_clause("5 no more at once than allowed")
def bounded_connections(evidence: Evidence) -> Iterator[Finding]:
    """There are never more connections than requests may be in flight."""
    for sat in evidence.outcome.sats:
        if sat.most_open:
            is_so = sat.most_open <= evidence.outcome.case.max_in_flight
            yield _found(is_so, f"{sat.most_open} connections at once")


# ---------------------------------------------------------------- 6: leaving


@_clause("6 leaving stops polling")
def polling_stops(evidence: Evidence) -> Iterator[Finding]:
    """However a stream is left, there is no request after that."""
    sats = evidence.outcome.sats
    for sat, after in zip(sats, [*sats[1:], None], strict=True):
        until = evidence.outcome.seconds + 1 if after is None else after.began
        late = [each for each in evidence.outcome.requests if sat.left < each.at < until]
        yield _found(not late, f"asked after it was left by {sat.sitting.leave}: {late[:1]}")


@_clause("6 leaving leaks nothing")
def nothing_leaks(evidence: Evidence) -> Iterator[Finding]:
    """No task and no connection is left over, and nothing is warned of."""
    outcome = evidence.outcome
    for sat in outcome.sats:
        left = f"{sat.open_after} connections and {sat.tasks_after} tasks"
        yield _found(not (sat.open_after or sat.tasks_after), f"{left} after {sat.sitting.leave}")
    yield _found(not outcome.warnings, f"warned of {outcome.warnings}")


@_clause("6 what a body raises comes out")
def body_error(evidence: Evidence) -> Iterator[Finding]:
    """The error of the body comes out as it was; and none comes out of a body that raised none."""
    for sat in evidence.outcome.sats:
        yield _found(sat.came_out is None, f"{sat.came_out} came out")


@_clause("6 a cancelled wait loses nothing")
def cancelled_wait(evidence: Evidence) -> Iterator[Finding]:
    """Who cancels the wait for the next event again and again is told the ends of all jobs."""
    for sat in evidence.outcome.sats:
        if sat.sitting.reader.impatience is None or not sat.main.has_ended:
            continue
        for told in _of_jobs(sat.main.told).values():
            event = told[-1].event
            if event.job_id not in sat.removed:
                yield _found(event.status.is_terminal, "its end was lost", event.job_id)


# ---------------------------------------------------------------- 7 and 8: the loop's manners


@_clause("7 an error is raised again, a closed stream is closed")
def manners(evidence: Evidence) -> Iterator[Finding]:
    """After its end there is the end again, after an error that error, after `aclose` it is closed."""
    for sat in evidence.outcome.sats:
        for what, met in sat.again.items():
            allowed = {
                "ended": {"the end"} if sat.main.has_ended else {"the error"},
                "closed": {"StreamClosedError"},
                "add": {"StreamClosedError"},
            }[what]
            yield _found(met in allowed, f"{what}: asked once more, met {met}")


@_clause("8 one at a time")
def one_at_a_time(evidence: Evidence) -> Iterator[Finding]:
    """A second task that asks for the next event gets an error."""
    for sat in evidence.outcome.sats:
        for met in sat.intrusions:
            yield _found(met == "BusyResourceError", f"the second task met {met}")


# ---------------------------------------------------------------- J: the journal


@_clause("J acknowledged, never again")
def acknowledged_once(evidence: Evidence) -> Iterator[Finding]:
    """What was acknowledged is not delivered by any later watch."""
    acknowledged: set[tuple[str, str]] = set()
    for sat in evidence.outcome.sats:
        for each in sat.main.told:
            key = (each.event.job_id, each.word)
            if acknowledged and sat.number:
                said = f"{each.word} was told again by watch {sat.number}"
                yield _found(key not in acknowledged, said, each.event.job_id)
        acknowledged |= {
            (each.event.job_id, each.word) for each in sat.main.told if each.acked == "yes"
        }


@_clause("J not acknowledged, told again")
def unacknowledged_again(evidence: Evidence) -> Iterator[Finding]:
    """An end that was delivered and not acknowledged is delivered by a later watch."""
    outcome = evidence.outcome
    for sat in outcome.sats[:-1]:
        later = outcome.sats[sat.number + 1 :]
        if not any(each.main.has_ended for each in later):
            continue
        for each in sat.main.told:
            event = each.event
            gone = any(event.job_id in other.removed for other in (sat, *later))
            if each.acked != "no" or not event.status.is_terminal or gone:
                continue
            again = [
                other
                for another in later
                for other in another.main.told
                if other.event.job_id == event.job_id and other.event.status is event.status
            ]
            yield _found(bool(again), f"{each.word} was not acknowledged, and lost", event.job_id)


@_clause("J an ended job is not asked about")
def never_asked_again(evidence: Evidence) -> Iterator[Finding]:
    """Once its end has been told, there is no request about a job."""
    for sat in evidence.outcome.sats:
        # What a full disk didn't take nobody can know of after a restart.
        until = sat.left if isinstance(sat.main.error, JournalError) else math.inf
        for each in sat.main.told:
            event = each.event
            if event.status.is_terminal:
                late = [
                    record.at
                    for record in evidence.per_job.get(event.job_id, ())
                    if event.observed_at + _SLACK < record.at <= until
                ]
                yield _found(not late, f"asked at {late[:3]}, after its end", event.job_id)


# ---------------------------------------------------------------- M, R, P


@_clause("M nothing is told of a removed job")
def removed_is_silent(evidence: Evidence) -> Iterator[Finding]:
    """After its removal no reader is told anything of a job."""
    for sat, reading in _readings(evidence.outcome):
        for job_id, order in sat.removed.items():
            late = [
                each for each in reading.told if each.event.job_id == job_id and each.order > order
            ]
            yield _found(not late, f"{reading.name} was told after its removal", job_id)


@_clause("R readers agree")
def readers_agree(evidence: Evidence) -> Iterator[Finding]:
    """All readers of a watch are told the same end of a job."""
    for sat in evidence.outcome.sats:
        ends: dict[str, Counter[str]] = {}
        for reading in sat.readings if sat.others else ():
            for each in reading.told:
                if each.event.status.is_terminal:
                    ends.setdefault(each.event.job_id, Counter())[each.word] += 1
        for job_id, words in ends.items():
            yield _found(len(words) == 1, f"told {dict(words)}", job_id)


@_clause("P Retry-After is obeyed")
def retry_after_obeyed(evidence: Evidence) -> Iterator[Finding]:
    """Who is told to wait starts no request until then."""
    # Other forms than whole seconds are rounded, by the mock or by its journal.
    is_exact = evidence.outcome.case.scenario.hints.retry_after == "seconds"
    cut = _SLACK if is_exact else _CUT
    for sat in evidence.outcome.sats:
        records = list(evidence.during(sat))
        for number, told in enumerate(records):
            wait = min(told.retry_after or 0.0, _LONGEST_HINT)
            if told.status_code not in {429, 503} or wait <= cut:
                continue
            if not evidence.came_through(told):
                continue
            until = told.answered_at + wait - cut
            early = [
                later.at
                for later in records[number + 1 :]
                if told.answered_at + _SLACK < later.at < until
            ]
            said = f"told at {told.answered_at} to wait {wait} s, asked at {early[:3]}"
            yield _found(not early, said, told.job_id)


@_clause("P a job is not asked about too often")
def not_too_often(evidence: Evidence) -> Iterator[Finding]:
    """No job is asked about twice within a second, unless the first was refused for the rate."""
    for sat in evidence.outcome.sats:
        last: dict[str, RequestRecord] = {}
        for record in evidence.during(sat):
            job_id = record.job_id or ""
            before = last.get(job_id)
            last[job_id] = record
            if before is None or evidence.is_limited(before) or job_id not in evidence.truth:
                continue
            is_so = record.at - before.at >= _LEAST_INTERVAL - _SLACK
            yield _found(is_so, f"asked at {before.at} and at {record.at}", job_id)
