"""Clauses 4 to 8 of the contract: how a watch behaves; and those of journal, membership and pace."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from legnext_stream.errors import (
    JournalError,
)
from mockserver import RequestRecord
from tests.simulation.backlogs import Backlog, Span, common, union
from tests.simulation.cases import PATIENT
from tests.simulation.evidence import Evidence
from tests.simulation.findings import CUT, SLACK, Clauses, Finding, found, of_jobs, readings
from tests.simulation.outcome import Sat, Told

# The longest that a hint is obeyed, seconds.
_LONGEST_HINT: Final = 300.0
# A job in trouble is asked about again within so many seconds: less than the timeout, after which all
# jobs are asked about.
_LONGEST_WAIT: Final = PATIENT - 10.0
# A reader that was full for so long in all, seconds, would have kept a watch from polls that were due.
_FULL_FOR_LONG: Final = 40.0
# By default a job is asked about no more often than this, seconds.
_LEAST_INTERVAL: Final = 1.0

CLAUSES: Final = Clauses()
"""The clauses by name: their number in the contract (or J for the journal, M for membership, R for
several readers, P for the pace) and what they say."""

# ---------------------------------------------------------------- 4: trouble is seen in numbers only


@CLAUSES.clause("4 temporary errors are counted")
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
        yield found(
            stats.rate_limited >= limited and stats.troubles >= troubled,
            f"{said}, but there were {limited} and {troubled}",
        )
        is_well = all(not each.faults and evidence.came_through(each) for each in records)
        if is_well and not evidence.outcome.refused:
            most = sum(record.status_code == 429 for record in records)
            is_so = stats.troubles == 0 and limited <= stats.rate_limited <= most
            yield found(is_so, f"{said}, but there were {limited} and no faults")


@CLAUSES.clause("4 temporary errors are retried")
def trouble_retried(evidence: Evidence) -> Iterator[Finding]:
    """A job whose poll met trouble is asked about again before long, or told to have ended."""
    case = evidence.outcome.case
    for sat in evidence.outcome.sats:
        readers = (sat.sitting.reader, *sat.sitting.others)
        # By readers that are all behind. (The stream's own has no policy: it is taken for a slow one.)
        is_held_up = case.room < len(evidence.truth) and all(reader.pause for reader in readers)
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
    return found(seconds < _LONGEST_WAIT, f"not asked about for {seconds} s", job_id)


# ---------------------------------------------------------------- 5: bounded


@CLAUSES.clause("5 one undelivered change per job")
def one_undelivered(evidence: Evidence) -> Iterator[Finding]:
    """What is told after another event of the job was not yet there when that one was told."""
    for _, reading in readings(evidence.outcome):
        for job_id, told in of_jobs(reading.told).items():
            for earlier, later in itertools.pairwise(told):
                is_so = later.event.observed_at >= earlier.at - SLACK
                yield found(is_so, f"{earlier.word} and {later.word} were both held", job_id)


@CLAUSES.clause("5 a slow consumer slows polling")
def bounded_backlog(evidence: Evidence) -> Iterator[Finding]:
    """One reader at least has no more undelivered than there is room for, and in flight."""
    case = evidence.outcome.case
    for sat in evidence.outcome.sats:
        is_endless = any(other.policy == "latest" for other in sat.sitting.others)
        backlogs = [Backlog(reading, sat.began) for reading in sat.readings]
        if is_endless or max(map(len, backlogs)) <= case.room:
            continue
        most = max(
            min(backlog.at(moment) for backlog in backlogs)
            for moment in {told.event.observed_at for told in sat.main.told}
        )
        allowed = case.room + case.max_in_flight
        yield found(most <= allowed, f"{most} events were held, with room for {case.room}")


@CLAUSES.clause("5 a slow consumer does not delay others")
def nobody_held_up(evidence: Evidence) -> Iterator[Finding]:
    """While one reader has room jobs are asked about, however far behind the others are."""
    room = evidence.outcome.case.room
    for sat in evidence.outcome.sats:
        readers = list(zip(sat.readings, (sat.sitting.reader, *sat.sitting.others), strict=True))
        # Who needs no time for an event has always room, and so has who wants the latest only.
        has_room = [
            not reader.pause or (reader.policy == "latest" and reading is not sat.main)
            for reading, reader in readers
        ]
        slow = [reading for (reading, _), has in zip(readers, has_room, strict=True) if not has]
        if not any(has_room) or not slow or not _is_calm(evidence, sat):
            continue
        under_way = union(_times_under_way(evidence, sat))
        for reading in slow:
            full = common(Backlog(reading, sat.began).full(room), under_way)
            seconds = sum(end - begin for begin, end in full)
            if seconds < _FULL_FOR_LONG:
                continue
            asked = any(
                begin + SLACK < record.at < end - SLACK
                for begin, end in full
                for record in evidence.during(sat)
            )
            yield found(
                asked, f"{reading.name} was full for {seconds} s, and nobody was asked about"
            )


def _is_calm(evidence: Evidence, sat: Sat) -> bool:
    """Whether nothing but readers can have kept a watch from polling."""
    return not evidence.outcome.refused and not any(
        evidence.is_trouble(record)
        or evidence.is_limited(record)
        or record.retry_after
        or not evidence.came_through(record)
        for record in evidence.during(sat)
    )


def _times_under_way(evidence: Evidence, sat: Sat) -> Iterator[Span]:
    """When a job was known and ran: such a one is asked about once a minute, and more often."""
    for job_id, told in of_jobs(sat.main.told).items():
        starts = [at for at, word in evidence.truth.get(job_id, ()) if word != "pending"]
        if starts and job_id not in sat.removed:
            yield max(starts[0], told[0].event.observed_at), evidence.ended_at(job_id)


@CLAUSES.clause("5 requests in flight stay within the limit")
def bounded_connections(evidence: Evidence) -> Iterator[Finding]:
    """There are never more connections than requests may be in flight."""
    for sat in evidence.outcome.sats:
        if sat.most_open:
            is_so = sat.most_open <= evidence.outcome.case.max_in_flight
            yield found(is_so, f"{sat.most_open} connections at once")


# ---------------------------------------------------------------- 6: leaving


@CLAUSES.clause("6 leaving stops polling")
def polling_stops(evidence: Evidence) -> Iterator[Finding]:
    """However a stream is left, there is no request after that."""
    sats = evidence.outcome.sats
    for sat, after in zip(sats, [*sats[1:], None], strict=True):
        until = evidence.outcome.seconds + 1 if after is None else after.began
        late = [each for each in evidence.outcome.requests if sat.left < each.at < until]
        yield found(not late, f"asked after it was left by {sat.sitting.leave}: {late[:1]}")


@CLAUSES.clause("6 leaving leaks nothing")
def nothing_leaks(evidence: Evidence) -> Iterator[Finding]:
    """No task and no connection is left over, and nothing is warned of."""
    outcome = evidence.outcome
    for sat in outcome.sats:
        left = f"{sat.open_after} connections and {sat.tasks_after} tasks"
        yield found(not (sat.open_after or sat.tasks_after), f"{left} after {sat.sitting.leave}")
    yield found(not outcome.warnings, f"warned of {outcome.warnings}")


@CLAUSES.clause("6 an exception in the body comes out unchanged")
def body_error(evidence: Evidence) -> Iterator[Finding]:
    """The error of the body comes out as it was; and none comes out of a body that raised none."""
    for sat in evidence.outcome.sats:
        yield found(sat.came_out is None, f"{sat.came_out} came out")


@CLAUSES.clause("6 a cancelled wait loses nothing")
def cancelled_wait(evidence: Evidence) -> Iterator[Finding]:
    """Who cancels the wait for the next event again and again is told the ends of all jobs."""
    for sat in evidence.outcome.sats:
        if sat.sitting.reader.impatience is None or not sat.main.has_ended:
            continue
        for told in of_jobs(sat.main.told).values():
            event = told[-1].event
            if event.job_id not in sat.removed:
                yield found(event.status.is_terminal, "its end was lost", event.job_id)


# ---------------------------------------------------------------- 7 and 8: the loop's manners


@CLAUSES.clause("7 errors are raised again, closed streams stay closed")
def manners(evidence: Evidence) -> Iterator[Finding]:
    """After its end there is the end again, after an error that error, after `aclose` it is closed."""
    for sat in evidence.outcome.sats:
        for what, met in sat.again.items():
            allowed = {
                "ended": {"the end"} if sat.main.has_ended else {"the error"},
                "closed": {"StreamClosedError"},
                "add": {"StreamClosedError"},
            }[what]
            yield found(met in allowed, f"{what}: asked once more, met {met}")


@CLAUSES.clause("8 one reader at a time")
def one_at_a_time(evidence: Evidence) -> Iterator[Finding]:
    """A second task that asks for the next event gets an error."""
    for sat in evidence.outcome.sats:
        for met in sat.intrusions:
            yield found(met == "BusyResourceError", f"the second task met {met}")


# ---------------------------------------------------------------- J: the journal


@CLAUSES.clause("J acknowledged events never come again")
def acknowledged_once(evidence: Evidence) -> Iterator[Finding]:
    """What was acknowledged is not delivered by any later watch."""
    acknowledged: set[tuple[str, str]] = set()
    for sat in evidence.outcome.sats:
        for each in sat.main.told:
            key = (each.event.job_id, each.word)
            if acknowledged and sat.number:
                said = f"{each.word} was told again by watch {sat.number}"
                yield found(key not in acknowledged, said, each.event.job_id)
        acknowledged |= {
            (each.event.job_id, each.word) for each in sat.main.told if each.acked == "yes"
        }


@CLAUSES.clause("J unacknowledged events come again")
def unacknowledged_again(evidence: Evidence) -> Iterator[Finding]:
    """What was delivered and not acknowledged is delivered by a later watch, if it is still so then."""
    outcome = evidence.outcome
    for sat in outcome.sats[:-1]:
        later = outcome.sats[sat.number + 1 :]
        if not any(each.main.has_ended for each in later):
            continue
        for each in sat.main.told:
            event = each.event
            if each.acked != "no" or any(event.job_id in one.removed for one in (sat, *later)):
                continue
            again = [
                (one, other)
                for one in later
                for other in one.main.told
                if other.event.job_id == event.job_id
            ]
            if event.status.is_terminal:
                is_so = any(other.event.status is event.status for _, other in again)
                yield found(is_so, f"{each.word} was not acknowledged, and lost", event.job_id)
            elif not again:
                yield found(is_right=False, said=f"{each.word} was lost", job_id=event.job_id)
            elif _was_seen_again(evidence, each, *again[0]):
                first = again[0][1].word
                said = f"{each.word} was not acknowledged, and {first} was told next"
                yield found(first == each.word, said, event.job_id)


def _was_seen_again(evidence: Evidence, lost: Told, sat: Sat, told: Told) -> bool:
    """Whether a watch must have told this once more, before the first that it told of the job.

    It must if an answer said so, and the reader took each event at once, so that none was merged with
    what came after.
    """
    event = told.event
    if sat.sitting.reader.pause or evidence.is_misled(event.job_id):
        return False
    return any(
        sat.began <= record.at
        and record.answered_at <= event.observed_at + SLACK
        and record.status_code == 200
        and not evidence.is_trouble(record)
        and evidence.came_through(record)
        and evidence.status(event.job_id, record.at)
        == evidence.status(event.job_id, record.answered_at)
        == lost.word
        for record in evidence.per_job[event.job_id]
    )


@CLAUSES.clause("J ended jobs are not polled")
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
                    if event.observed_at + SLACK < record.at <= until
                ]
                yield found(not late, f"asked at {late[:3]}, after its end", event.job_id)


# ---------------------------------------------------------------- M, R, P


@CLAUSES.clause("M no events for removed jobs")
def removed_is_silent(evidence: Evidence) -> Iterator[Finding]:
    """After its removal no reader is told anything of a job."""
    for sat, reading in readings(evidence.outcome):
        for job_id, order in sat.removed.items():
            late = [
                each for each in reading.told if each.event.job_id == job_id and each.order > order
            ]
            yield found(not late, f"{reading.name} was told after its removal", job_id)


@CLAUSES.clause("R consumers agree")
def readers_agree(evidence: Evidence) -> Iterator[Finding]:
    """All readers of a watch are told the same end of a job."""
    for sat in evidence.outcome.sats:
        ends: dict[str, Counter[str]] = {}
        for reading in sat.readings if sat.others else ():
            for each in reading.told:
                if each.event.status.is_terminal:
                    ends.setdefault(each.event.job_id, Counter())[each.word] += 1
        for job_id, words in ends.items():
            yield found(len(words) == 1, f"told {dict(words)}", job_id)


@CLAUSES.clause("P Retry-After is obeyed")
def retry_after_obeyed(evidence: Evidence) -> Iterator[Finding]:
    """Who is told to wait starts no request until then."""
    # Other forms than whole seconds are rounded, by the mock or by its journal.
    is_exact = evidence.outcome.case.scenario.hints.retry_after == "seconds"
    cut = SLACK if is_exact else CUT
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
                if told.answered_at + SLACK < later.at < until
            ]
            said = f"told at {told.answered_at} to wait {wait} s, asked at {early[:3]}"
            yield found(not early, said, told.job_id)


@CLAUSES.clause("P no job is polled too often")
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
            is_so = record.at - before.at >= _LEAST_INTERVAL - SLACK
            yield found(is_so, f"asked at {before.at} and at {record.at}", job_id)
