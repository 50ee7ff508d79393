"""Judges of clauses 4 to 8 of the contract, and of the journal, membership and pace."""

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
from tests.simulation.findings import CUT, SLACK, Clauses, Finding, by_job, check, readings
from tests.simulation.outcome import Received, SessionResult

# A `Retry-After` is obeyed for at most this many seconds.
_LONGEST_HINT: Final = 300.0
# A job whose poll failed is polled again within this many seconds. That is less than the timeout, after
# which all jobs are polled.
_LONGEST_WAIT: Final = PATIENT - 10.0
# If a reader's buffer was full for this many seconds in total, polls must have been due in that time.
_FULL_FOR_LONG: Final = 40.0
# The default minimum interval between polls of a job, seconds.
_LEAST_INTERVAL: Final = 1.0

CLAUSES: Final = Clauses()
"""The clauses by name: their number in the contract (or J for the journal, M for membership, R for several readers,
P for the pace), and what they say.
"""

# ---------------------------------------------------------------- 4: temporary errors are only visible in numbers


@CLAUSES.clause("4 temporary errors are counted")
def errors_are_counted(evidence: Evidence) -> Iterator[Finding]:
    """`stats` counts at least the temporary errors that the server knows of, and none without a cause."""
    for result in evidence.outcome.results:
        stats, records = result.stats, list(evidence.during(result))
        if stats is None:
            continue
        sure = [
            record
            for record in records
            if record.answered_at < result.left and evidence.was_received(record)
        ]
        limited = sum(record.status_code == 429 for record in sure)
        troubled = sum(map(evidence.is_surely_trouble, sure))
        said = f"{stats.rate_limited} limited and {stats.troubles} troubles"
        yield check(
            stats.rate_limited >= limited and stats.troubles >= troubled,
            f"{said}, but there were {limited} and {troubled}",
        )
        is_well = all(not each.faults and evidence.was_received(each) for each in records)
        if is_well and not evidence.outcome.refused:
            most = sum(record.status_code == 429 for record in records)
            is_ok = stats.troubles == 0 and limited <= stats.rate_limited <= most
            yield check(is_ok, f"{said}, but there were {limited} and no faults")


@CLAUSES.clause("4 temporary errors are retried")
def errors_are_retried(evidence: Evidence) -> Iterator[Finding]:
    """A job whose poll failed temporarily is polled again before long, or its end is reported."""
    case = evidence.outcome.case
    for result in evidence.outcome.results:
        readers = (result.session.reader, *result.session.others)
        # All readers are slow. (The main reader has no policy, so it is assumed to be slow.)
        is_held_up = case.capacity < len(evidence.truth) and all(reader.pause for reader in readers)
        # An unreachable host is only probed with one job now and then. And a client that is told to
        # come back in three centuries polls every five minutes.
        is_put_off = case.scenario.hints.retry_after == "absurd"
        if is_held_up or is_put_off or not case.is_patient:
            continue
        over = dict.fromkeys(result.removed, result.left)
        for each in result.main.received:
            if each.event.status.is_terminal:
                over[each.event.job_id] = each.event.observed_at
        waiting: dict[str, float] = {}
        for record in evidence.during(result):
            job_id = record.job_id or ""
            if job_id in waiting:
                yield _waited(record.at - waiting.pop(job_id), job_id)
            # A queued job need not be polled before the queue has moved.
            if evidence.is_trouble(record) and evidence.status(job_id, record.at) != "pending":
                waiting[job_id] = record.answered_at
        for job_id, since in waiting.items():
            if job_id not in result.removed:
                yield _waited(over.get(job_id, result.left) - since, job_id)


def _waited(seconds: float, job_id: str) -> Finding:
    return check(seconds < _LONGEST_WAIT, f"not polled for {seconds} s", job_id)


# ---------------------------------------------------------------- 5: memory is bounded


@CLAUSES.clause("5 one undelivered change per job")
def one_undelivered(evidence: Evidence) -> Iterator[Finding]:
    """An event is observed only after the previous event of the job was delivered."""
    for _, reading in readings(evidence.outcome):
        for job_id, received in by_job(reading.received).items():
            for earlier, later in itertools.pairwise(received):
                is_ok = later.event.observed_at >= earlier.at - SLACK
                yield check(is_ok, f"{earlier.word} and {later.word} were both held", job_id)


@CLAUSES.clause("5 a slow consumer slows polling")
def bounded_backlog(evidence: Evidence) -> Iterator[Finding]:
    """At least one reader has no more undelivered events than its capacity and the requests in flight."""
    case = evidence.outcome.case
    for result in evidence.outcome.results:
        is_endless = any(other.policy == "latest" for other in result.session.others)
        backlogs = [Backlog(reading, result.began) for reading in result.readings]
        if is_endless or max(map(len, backlogs)) <= case.capacity:
            continue
        most = max(
            min(backlog.at(moment) for backlog in backlogs)
            for moment in {received.event.observed_at for received in result.main.received}
        )
        allowed = case.capacity + case.max_in_flight
        yield check(most <= allowed, f"{most} events were held, with a capacity of {case.capacity}")


@CLAUSES.clause("5 a slow consumer does not delay others")
def others_not_delayed(evidence: Evidence) -> Iterator[Finding]:
    """While one reader has capacity, jobs are polled, however slow the others are."""
    capacity = evidence.outcome.case.capacity
    for result in evidence.outcome.results:
        readers = list(
            zip(result.readings, (result.session.reader, *result.session.others), strict=True)
        )
        # A reader that takes no time for an event always has capacity, and so has one that only wants the
        # latest events.
        has_capacity = [
            not reader.pause or (reader.policy == "latest" and reading is not result.main)
            for reading, reader in readers
        ]
        slow = [reading for (reading, _), has in zip(readers, has_capacity, strict=True) if not has]
        if not any(has_capacity) or not slow or not _is_calm(evidence, result):
            continue
        active_times = union(_active_times(evidence, result))
        for reading in slow:
            full = common(Backlog(reading, result.began).full(capacity), active_times)
            seconds = sum(end - begin for begin, end in full)
            if seconds < _FULL_FOR_LONG:
                continue
            asked = any(
                begin + SLACK < record.at < end - SLACK
                for begin, end in full
                for record in evidence.during(result)
            )
            yield check(
                asked, f"the buffer of {reading.name} was full for {seconds} s, without a poll"
            )


def _is_calm(evidence: Evidence, result: SessionResult) -> bool:
    """Whether nothing but slow readers can have kept a watch from polling."""
    return not evidence.outcome.refused and not any(
        evidence.is_trouble(record)
        or evidence.is_limited(record)
        or record.retry_after
        or not evidence.was_received(record)
        for record in evidence.during(result)
    )


def _active_times(evidence: Evidence, result: SessionResult) -> Iterator[Span]:
    """When a known job was running; such a job is polled at least once a minute."""
    for job_id, received in by_job(result.main.received).items():
        starts = [at for at, word in evidence.truth.get(job_id, ()) if word != "pending"]
        if starts and job_id not in result.removed:
            yield max(starts[0], received[0].event.observed_at), evidence.ended_at(job_id)


@CLAUSES.clause("5 requests in flight stay within the limit")
def bounded_connections(evidence: Evidence) -> Iterator[Finding]:
    """There are never more connections than requests may be in flight."""
    for result in evidence.outcome.results:
        if result.most_open:
            is_ok = result.most_open <= evidence.outcome.case.max_in_flight
            yield check(is_ok, f"{result.most_open} connections at once")


# ---------------------------------------------------------------- 6: leaving


@CLAUSES.clause("6 leaving stops polling")
def polling_stops(evidence: Evidence) -> Iterator[Finding]:
    """However a stream is left, no request follows."""
    results = evidence.outcome.results
    for result, after in zip(results, [*results[1:], None], strict=True):
        until = evidence.outcome.seconds + 1 if after is None else after.began
        late = [each for each in evidence.outcome.requests if result.left < each.at < until]
        yield check(not late, f"polled after {result.session.leave}: {late[:1]}")


@CLAUSES.clause("6 leaving leaks nothing")
def nothing_leaks(evidence: Evidence) -> Iterator[Finding]:
    """No task and no connection is left over, and there are no warnings."""
    outcome = evidence.outcome
    for result in outcome.results:
        left = f"{result.open_after} connections and {result.tasks_after} tasks"
        yield check(
            not (result.open_after or result.tasks_after), f"{left} after {result.session.leave}"
        )
    yield check(not outcome.warnings, f"warnings: {outcome.warnings}")


@CLAUSES.clause("6 an exception in the body comes out unchanged")
def body_error(evidence: Evidence) -> Iterator[Finding]:
    """An exception in the body comes out unchanged, and otherwise none comes out."""
    for result in evidence.outcome.results:
        yield check(result.came_out is None, f"{result.came_out} came out of the body")


@CLAUSES.clause("6 a cancelled wait loses nothing")
def cancelled_wait(evidence: Evidence) -> Iterator[Finding]:
    """A reader that repeatedly cancels its wait receives the ends of all jobs."""
    for result in evidence.outcome.results:
        if result.session.reader.impatience is None or not result.main.has_ended:
            continue
        for received in by_job(result.main.received).values():
            event = received[-1].event
            if event.job_id not in result.removed:
                yield check(event.status.is_terminal, "its end was lost", event.job_id)


# ---------------------------------------------------------------- 7 and 8: errors, closing and serial reads


@CLAUSES.clause("7 errors are raised again, closed streams stay closed")
def after_the_end(evidence: Evidence) -> Iterator[Finding]:
    """After the end comes the end again, after an error that error, after `aclose` a `StreamClosedError`."""
    for result in evidence.outcome.results:
        for what, met in result.again.items():
            allowed = {
                "ended": {"the end"} if result.main.has_ended else {"the error"},
                "closed": {"StreamClosedError"},
                "add": {"StreamClosedError"},
            }[what]
            yield check(met in allowed, f"{what}: the next call gave {met}")


@CLAUSES.clause("8 one reader at a time")
def one_reader_at_a_time(evidence: Evidence) -> Iterator[Finding]:
    """A second task that asks for the next event gets an error."""
    for result in evidence.outcome.results:
        for met in result.intrusions:
            yield check(met == "BusyResourceError", f"the second task got {met}")


# ---------------------------------------------------------------- J: the journal


@CLAUSES.clause("J acknowledged events never come again")
def acknowledged_once(evidence: Evidence) -> Iterator[Finding]:
    """No later watch delivers an acknowledged event."""
    acknowledged: set[tuple[str, str]] = set()
    for result in evidence.outcome.results:
        for each in result.main.received:
            key = (each.event.job_id, each.word)
            if acknowledged and result.number:
                said = f"watch {result.number} delivered {each.word} again"
                yield check(key not in acknowledged, said, each.event.job_id)
        acknowledged |= {
            (each.event.job_id, each.word) for each in result.main.received if each.acked == "yes"
        }


@CLAUSES.clause("J unacknowledged events come again")
def unacknowledged_again(evidence: Evidence) -> Iterator[Finding]:
    """A later watch delivers each event that was not acknowledged, if it is still true then."""
    outcome = evidence.outcome
    for result in outcome.results[:-1]:
        later = outcome.results[result.number + 1 :]
        if not any(each.main.has_ended for each in later):
            continue
        for each in result.main.received:
            event = each.event
            if each.acked != "no" or any(event.job_id in one.removed for one in (result, *later)):
                continue
            again = [
                (one, other)
                for one in later
                for other in one.main.received
                if other.event.job_id == event.job_id
            ]
            if event.status.is_terminal:
                is_ok = any(other.event.status is event.status for _, other in again)
                yield check(is_ok, f"{each.word} was not acknowledged, and lost", event.job_id)
            elif not again:
                yield check(is_right=False, said=f"{each.word} was lost", job_id=event.job_id)
            elif _was_seen_again(evidence, each, *again[0]):
                first = again[0][1].word
                said = f"{each.word} was not acknowledged, and {first} was received next"
                yield check(first == each.word, said, event.job_id)


def _was_seen_again(
    evidence: Evidence, lost: Received, result: SessionResult, received: Received
) -> bool:
    """Whether a watch must have delivered this event again, before its first event for the job.

    It must if an answer reported that status, and the reader took each event at once, so that no events
    were merged.
    """
    event = received.event
    if result.session.reader.pause or evidence.is_misled(event.job_id):
        return False
    return any(
        result.began <= record.at
        and record.answered_at <= event.observed_at + SLACK
        and record.status_code == 200
        and not evidence.is_trouble(record)
        and evidence.was_received(record)
        and evidence.status(event.job_id, record.at)
        == evidence.status(event.job_id, record.answered_at)
        == lost.word
        for record in evidence.per_job[event.job_id]
    )


@CLAUSES.clause("J ended jobs are not polled")
def ended_jobs_not_polled(evidence: Evidence) -> Iterator[Finding]:
    """A job is not polled after its end has been reported."""
    for result in evidence.outcome.results:
        # Ends that a full disk prevented from being stored are unknown after a restart.
        until = result.left if isinstance(result.main.error, JournalError) else math.inf
        for each in result.main.received:
            event = each.event
            if event.status.is_terminal:
                late = [
                    record.at
                    for record in evidence.per_job.get(event.job_id, ())
                    if event.observed_at + SLACK < record.at <= until
                ]
                yield check(not late, f"polled at {late[:3]}, after its end", event.job_id)


# ---------------------------------------------------------------- M, R, P


@CLAUSES.clause("M no events for removed jobs")
def no_events_after_removal(evidence: Evidence) -> Iterator[Finding]:
    """No reader receives an event for a job after its removal."""
    for result, reading in readings(evidence.outcome):
        for job_id, order in result.removed.items():
            late = [
                each
                for each in reading.received
                if each.event.job_id == job_id and each.order > order
            ]
            yield check(not late, f"{reading.name} received an event after the removal", job_id)


@CLAUSES.clause("R consumers agree")
def readers_agree(evidence: Evidence) -> Iterator[Finding]:
    """All readers of a watch receive the same end for a job."""
    for result in evidence.outcome.results:
        ends: dict[str, Counter[str]] = {}
        for reading in result.readings if result.others else ():
            for each in reading.received:
                if each.event.status.is_terminal:
                    ends.setdefault(each.event.job_id, Counter())[each.word] += 1
        for job_id, words in ends.items():
            yield check(len(words) == 1, f"received {dict(words)}", job_id)


@CLAUSES.clause("P Retry-After is obeyed")
def retry_after_obeyed(evidence: Evidence) -> Iterator[Finding]:
    """After an answer with a `Retry-After`, no request starts until that time."""
    # Values that aren't whole seconds are rounded, by the mock or by its journal.
    is_exact = evidence.outcome.case.scenario.hints.retry_after == "seconds"
    cut = SLACK if is_exact else CUT
    for result in evidence.outcome.results:
        records = list(evidence.during(result))
        for number, received in enumerate(records):
            wait = min(received.retry_after or 0.0, _LONGEST_HINT)
            if received.status_code not in {429, 503} or wait <= cut:
                continue
            if not evidence.was_received(received):
                continue
            until = received.answered_at + wait - cut
            early = [
                later.at
                for later in records[number + 1 :]
                if received.answered_at + SLACK < later.at < until
            ]
            said = (
                f"answered at {received.answered_at} with a wait of {wait} s, polled at {early[:3]}"
            )
            yield check(not early, said, received.job_id)


@CLAUSES.clause("P no job is polled too often")
def not_too_often(evidence: Evidence) -> Iterator[Finding]:
    """No job is polled twice within a second, unless the first poll was refused because of the rate."""
    for result in evidence.outcome.results:
        last: dict[str, RequestRecord] = {}
        for record in evidence.during(result):
            job_id = record.job_id or ""
            before = last.get(job_id)
            last[job_id] = record
            if before is None or evidence.is_limited(before) or job_id not in evidence.truth:
                continue
            is_ok = record.at - before.at >= _LEAST_INTERVAL - SLACK
            yield check(is_ok, f"polled at {before.at} and at {record.at}", job_id)
