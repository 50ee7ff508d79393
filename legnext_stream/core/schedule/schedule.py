"""Whom to ask next, and when: the price rule for jobs that run, the line for those that wait.

The price rule (W and F are explained in `runtimes`): a job is asked about when the news of its end
that has been lying undetected is, in expectation, worth the price of a request. It is the classical
inspection rule (Barlow, Hunter and Proschan, "Optimum checking procedures", J. SIAM 11, 1963).

Jobs that wait are minded by the line (see `line`): while its order holds, only its unknown part and
its head are asked about, beside a small sample that tests the order. Jobs that it does not speak for
are asked about by the same price rule, as jobs that may have started when they were last seen.

When requests are scarcer than the price would have it, the job with the most expected undetected
news goes first, and the price rises to what is really being paid for a request.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from itertools import count

from legnext_stream.core.decoding import decode_task_type
from legnext_stream.core.jitter import jitter
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.schedule.durations import Durations
from legnext_stream.core.schedule.line import Line, is_waiting
from legnext_stream.core.schedule.runtimes import RunTimes
from legnext_stream.core.watched import Watched

_NEVER = math.inf
# The first wait after a failed poll, seconds; it doubles with each failure.
_FIRST_RETRY = 1.0
_LONGEST_RETRY = 30.0
# A job that fails to be asked about so often in a row must not hold up the line behind it.
_FAILURES_TO_LEAVE = 3
# How many overdue jobs are compared for the greatest W at a time.
_COMPARED = 8
# How fast the price follows what is really being paid, per poll.
_PRICE_GAIN = 0.05
# The first wait before the head of the line is asked again; it grows while nothing has changed.
_HEAD_WAIT = 2.0
_HEAD_GROWTH = 2.0
# At most this share of the polls goes to a sample of the waiting, and this many up front.
_SAMPLED = 0.05
_SAMPLED_FIRST = 0.02
_MOST_SAMPLES = 100.0
# No two samples are taken within this time, seconds, so that they tell of different moments. While
# nothing is known to run they are taken without regard to their share (see `_sample_gap`).
_SAMPLE_GAP = 1.0
_LEAST_SAMPLE_GAP = 0.1
_SAMPLE_GAP_AT_LAST = 10.0
_MOST_IN_VAIN = 1000
# A job that started this much before the slot it was believed to get is a sign of more slots.
_EARLY = 3.0
# Task types that this version doesn't know: how many are told apart, and how long their names are.
_MOST_TYPES = 64
_LONGEST_TYPE = 64
# Waits up to this, seconds, are not thought over.
_SHORT = 2.0
# How long ago a job that was found in a list may have started, if nothing speaks of it, seconds.
_LONG_AGO = 3600.0
# How likely a waiting job that the line doesn't speak for is taken to have started right after it was
# seen. It trades the requests spent on jobs that wait against the delay of those that start.
_CHANCE = 0.1


class Schedule:
    """The jobs of a watch, by when each is to be polled. Times in seconds on our clock."""

    def __init__(self, pacing: Pacing, durations: Durations) -> None:
        self._pacing = pacing
        self._durations = durations
        self.price: float = pacing.poll_cost
        self.line: Line = Line()
        self._types: set[str] = set()
        self._heap: list[tuple[float, int, Watched]] = []
        self._overdue: list[Watched] = []
        # Chance that is the same in each run: only the order of equals hangs on it.
        self._random = random.Random(0)
        self._order = count()
        # The job asked about on the line's behalf, while it is.
        self._asked: Watched | None = None
        self._head_wait = _HEAD_WAIT
        self._head_asked_at = -math.inf
        self._samples = 0.0
        self._sampled_at = -math.inf
        self._line_retry_at = -math.inf
        self._running = 0
        self._apart = 0
        self._sampled = 0
        self._in_vain = 0

    # -- Coming in

    def add(self, now: float, job: Watched) -> None:
        """Take in a job that has never been polled."""
        job.added_at = now
        if self.line.head is None:
            self._head_wait = _HEAD_WAIT
            if self._apart == 0:
                # Nobody is left of those who came out of turn: new jobs, new trust.
                self.line.trust_again()
        self._samples = min(self._samples + _SAMPLED_FIRST, _MOST_SAMPLES)
        self.line.append(job)
        if not self.line.order_holds:
            self._set_apart(job)
            self._push(now, now, job)

    # -- Whose turn it is

    def next_due(self, now: float) -> float:
        """When to look here again: `now` or before if a job is due.

        Infinite if that can't be told before something is learned.
        """
        self._move_up(now)
        if self._overdue:
            return now
        due = self._heap[0][0] if self._heap else _NEVER
        return min(due, self._line_due())

    def take(self, now: float) -> Watched:
        """Take out the job that is to be polled now; only if one is due."""
        self._samples = min(self._samples + _SAMPLED * self.line.doubt, _MOST_SAMPLES)
        self._move_up(now)
        # Where the line is open one answer tells of many jobs.
        if self._overdue and not (self.line.is_open and self._line_due() <= now):
            return self._take_dearest(now)
        return self._take_from_line(now)

    def _take_dearest(self, now: float) -> Watched:
        """Of the jobs that are overdue, one whose news is expected to have waited long.

        The best of a few drawn at random is nearly the best of all, and costs the same however many
        there are (Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS
        12, 2001). What waits gains worth with time, so nothing starves.
        """
        overdue = self._overdue
        few: Sequence[int] = range(len(overdue))
        if len(overdue) > _COMPARED:
            few = self._random.sample(few, _COMPARED)
        worth, best = max((self._undetected(now, overdue[i]), i) for i in few)
        overdue[best], overdue[-1] = overdue[-1], overdue[best]
        job = overdue.pop()
        cost = self._pacing.poll_cost
        self.price += _PRICE_GAIN * ((max(worth, cost) if overdue else cost) - self.price)
        return job

    def _move_up(self, now: float) -> None:
        """Look at the jobs whose time has come: those that are due go where they are compared.

        A long wait is thought over at its half, and again at the half of what is left: meanwhile
        others have ended, and what was a good time to ask when it was set need not be one now.
        """
        heap = self._heap
        while heap and heap[0][0] <= now:
            job = heapq.heappop(heap)[2]
            if not job.is_minded:
                continue
            if job.due > now:
                job.due = max(self._thought_over(now, job), self._rested(job), now)
            if job.due > now:
                self._enter(now, job)
            else:
                self._overdue.append(job)

    def _thought_over(self, now: float, job: Watched) -> float:
        """When a job that was given a time is to be asked about by what is known now."""
        if job.failures or job.missing_since is not None or job.started_at is None:
            return job.due
        if not job.is_confirmed:
            return min(self._first_look(now, job), job.deadline)
        looked_at = job.added_at if job.seen_at is None else job.seen_at
        wait = self.run_times(job).wait(job.counted, self._pacing.poll_cost)
        return self._bounded(looked_at, wait, job.deadline)

    def _line_due(self) -> float:
        """When the line next wants to know something."""
        line = self.line
        # A head that is minded is being asked about for another reason: that will tell.
        if line.head is None or line.head.is_minded or not line.order_holds:
            return _NEVER
        if self._asked is not None:
            return _NEVER
        return self._line_wants(line.head)[0]

    def _line_wants(self, head: Watched) -> tuple[float, Watched, bool]:
        """When the line next wants to know something, of which job, and whether that is a sample."""
        line = self.line
        if line.is_open:
            # One that is being asked about anyway tells by itself; the head isn't, or we'd not be here.
            job = head if (probe := line.probe()).is_minded else probe
            return max(self._line_retry_at, self._rested(job)), job, False
        wanted = max(self._head_asked_at + self._head_wait, self._line_retry_at)
        due = max(wanted, self._rested(head))
        if self._samples >= 1.0 or self._running == 0:
            sample = line.pick(jitter(head.job_id, self._sampled))
            if sample is not None and not sample.is_minded:
                wanted = max(self._sampled_at + self._sample_gap, self._line_retry_at)
                wanted = max(wanted, self._rested(sample))
                if wanted < due:
                    return wanted, sample, True
        return due, head, False

    @property
    def _sample_gap(self) -> float:
        """Seconds from one sample to the next.

        While nothing is known to run somebody must be, and is looked for faster and faster; until
        as many were asked as there are, or a thousand, and it is clear that nobody is.
        """
        if self._running:
            return _SAMPLE_GAP
        if self._in_vain > min(len(self.line), _MOST_IN_VAIN):
            return _SAMPLE_GAP_AT_LAST
        return max(_SAMPLE_GAP / (1.0 + self._in_vain / 4.0), _LEAST_SAMPLE_GAP)

    def _take_from_line(self, now: float) -> Watched:
        head = self.line.head
        assert head is not None  # noqa: S101 - for the type checker: the line was due
        _, job, is_sample = self._line_wants(head)
        if is_sample:
            self._samples = max(self._samples - 1.0, 0.0)
            self._sampled += 1
            self._sampled_at = now
            self._in_vain = 0 if self._running else self._in_vain + 1
        job.is_minded = True
        self._asked = job
        return job

    # -- What came of it

    def waiting(self, now: float, job: Watched, deadline: float) -> None:
        """A job was seen waiting: the line minds it, or else it is asked again by `deadline`."""
        believed = job.started_at is not None
        self._running -= believed
        self._answered(job)
        head = self.line.head
        if not job.has_left and self.line.waits(job, now) and self.line.order_holds:
            job.is_minded = False
            if job is self.line.head:
                grows = job is head and not believed
                self._head_wait = min(
                    self._head_wait * _HEAD_GROWTH if grows else _HEAD_WAIT,
                    self._pacing.max_interval,
                )
                self._head_asked_at = now
            return
        job.started_at = None
        self._set_apart(job)
        self._again(now, job, self._patience(job), deadline)
        if not self.line.order_holds:
            self._dissolve(now)

    def running(self, now: float, job: Watched, started_at: float, deadline: float) -> None:
        """A job was seen running since `started_at`: ask again by `deadline` at the latest."""
        self._found_started(now, job, started_at)
        runs = self.run_times(job)
        age = max(now - started_at, 0.0)
        for learner in self._learners(job):
            learner.survived(job.counted, age)
        job.counted = max(job.counted, age)
        self._again(now, job, runs.wait(age, self._pacing.poll_cost), deadline)

    def ended(
        self,
        now: float,
        job: Watched,
        started_at: float | None,
        run: tuple[float, float] | None,
        between: tuple[float, float],
    ) -> None:
        """A job was seen to have ended.

        Args:
            now: The time.
            job: The job.
            started_at: When it had started; None if that is not known.
            run: Its run time, seconds, as the least and the most that it can be; None if unknown.
            between: The earliest and the latest time at which it can have ended.
        """
        self._found_started(now, job, -math.inf if started_at is None else started_at)
        if run is not None:
            low, high = run
            if started_at is not None:
                # What was seen narrows what the API's whole seconds leave open.
                seen_low, seen_high = max(low, job.counted), min(high, now - started_at)
                low, high = (seen_low, seen_high) if seen_low <= seen_high else run
            for learner in self._learners(job):
                learner.ended(job.counted, low, high)
        self.gone(job)
        served = self.line.serve(*between)
        if served is not None:
            self._believe(now, served)

    def gone(self, job: Watched) -> None:
        """A job is no longer watched."""
        self._answered(job)
        if job.started_at is not None:
            self._running -= 1
        self._apart -= job.is_apart
        job.is_apart = False
        self.line.leave(job)

    def drop(self, job: Watched) -> None:
        """A job is to be watched no longer, wherever it stands."""
        self.gone(job)
        # In the heap it is passed over when its time comes; taking it out would cost a search.
        job.is_minded = False
        if job in self._overdue:
            self._overdue.remove(job)

    def missing(self, now: float, job: Watched, at: float) -> None:
        """Put back a job that the API did not know; ask again when that can be believed."""
        self._answered(job)
        if is_waiting(job):
            self._set_apart(job)
        self._push(now, max(at, now + self._pacing.min_interval), job)

    def limited(self, now: float, job: Watched) -> None:
        """Put back a job whose poll was refused for the rate's sake: the pace holds it, not we."""
        self._answered(job)
        if is_waiting(job) and job.failures < _FAILURES_TO_LEAVE:
            job.is_minded = False
            return
        if is_waiting(job):
            self._set_apart(job)
        self._push(now, now, job)

    def failed(self, now: float, job: Watched, deadline: float, *, may_hurry: bool) -> None:
        """Put back a job whose poll failed: exponential backoff with jitter, up to `deadline`.

        Args:
            now: The time.
            job: The job.
            deadline: When to ask again at the latest.
            may_hurry: Whether there is budget for an early retry.
        """
        self._answered(job)
        wait = min(_FIRST_RETRY * 2.0 ** min(job.failures - 1, 32), _LONGEST_RETRY)
        wait *= 0.5 + 0.5 * jitter(job.job_id, job.failures)
        if not may_hurry:
            wait = max(wait, _LONGEST_RETRY)
        if is_waiting(job):
            if job.failures < _FAILURES_TO_LEAVE:
                # The line asks again, about this job or another.
                job.is_minded = False
                self._line_retry_at = now + wait
                return
            self._set_apart(job)
        self._again(now, job, wait, deadline)

    def recall(self, now: float) -> None:
        """Ask about every job that waits, at once: the watch is about to give them up."""
        for job in self.line.rest():
            if not job.is_minded:
                self._push(now, now, job)

    # -- What there is to say

    @property
    def remaining(self) -> float | None:
        """Seconds until the last job has ended, roughly; None if there is none.

        The jobs that run are taken to be halfway through, and those that wait to be shared out
        over as many slots as are in use now.
        """
        waiting = len(self.line) + self._apart
        if not self._running and not waiting:
            return None
        mean = self._durations.together.curve.mean_residual(0.0)
        work = mean * (waiting + self._running / 2)
        # The last to end takes its time though the slots beside it are empty.
        return max(work / max(self._running, 1), mean / 2)

    def explain(self, now: float, job: Watched) -> tuple[str, dict[str, float]]:
        """Say why a job is next polled when it is: in a sentence, and in the numbers behind it."""
        runs, cost = self.run_times(job), self._pacing.poll_cost
        curve = runs.curve
        numbers = {"price": self.price, "median_run": curve.quantile(0.5)}
        if job.is_minded:
            numbers["due_in"] = max(job.due - now, 0.0)
        if job is self.line.head and not job.is_minded:
            sentence = (
                "stands first in line; believed to have started as soon as an end is seen to free a"
                " slot, and asked now and then in between"
            )
        elif not job.is_minded:
            ahead = max(job.position - self.line.low - 1, 0)
            numbers["ahead_in_line"] = float(ahead)
            sentence = (
                f"waits with {ahead} jobs ahead of it in line; jobs have been starting in the order"
                " of their submission, so it isn't asked about until its turn comes near"
            )
        elif job.missing_since is not None:
            sentence = "the API did not know it; asked again to make sure"
        elif job.failures:
            numbers["failures"] = float(job.failures)
            sentence = f"the last {job.failures} polls of it failed; asked again after a backoff"
        elif job.started_at is None:
            numbers["patience"] = self._patience(job)
            sentence = (
                "waits, and may start out of turn; asked again when the news would be worth it"
                " if it had started when it was last seen"
            )
        elif job.started_at == -math.inf:
            sentence = (
                "is believed, by its place in line, to have started, nobody knows when; asked as"
                " soon as may be"
            )
        else:
            age = now - job.started_at
            numbers |= {
                "age": age,
                "age_last_seen": job.counted,
                "expected_undetected": self._undetected(now, job),
                "ended_jobs_learned_from": float(runs.ended_jobs),
            }
            how = (
                "has run" if job.is_confirmed else "is believed, by its place in line, to have run"
            )
            sentence = (
                f"{how} for {age:.1f} s of a median of {numbers['median_run']:.0f} s; asked when the"
                f" news of its end, undetected, is expected to have waited {cost:g} s"
            )
        return sentence, numbers

    # -- Helpers

    def run_times(self, job: Watched) -> RunTimes:
        """The run times that a job's are expected to be like."""
        if job.task_type is not None:
            return self._durations.of(job.task_type)
        if len(self._types) == 1:
            return self._durations.of(next(iter(self._types)))
        return self._durations.together

    def _learners(self, job: Watched) -> set[RunTimes]:
        return {self.run_times(job), self._durations.together}

    def name_type(self, job: Watched, word: object) -> None:
        """A job's task type was told."""
        if job.task_type is None and (task_type := decode_task_type(word)):
            # Bounds on what the wire can make us keep; what is cut off is learned with the unknown.
            job.task_type = task_type[:_LONGEST_TYPE]
            if len(self._types) < _MOST_TYPES:
                self._types.add(job.task_type)

    def _found_started(self, now: float, job: Watched, at: float) -> None:
        """A job is seen to have started at a time; others may have started with it."""
        self._answered(job)
        if job.is_confirmed:
            job.started_at = at
            return
        believed = job.started_at
        job.is_confirmed = True
        self._apart -= job.is_apart
        job.is_apart = False
        if believed is None:
            self._running += 1
        if job.has_left:
            job.started_at = at
            return
        surprising = believed is None or -math.inf < at < believed - _EARLY
        between = self.line.started(job, at)
        for earlier in between:
            self._running += 1
            if not earlier.is_minded:
                self._push(now, self._first_look(now, earlier), earlier)
        for served in self.line.serve_kept():
            self._believe(now, served)
        if surprising:
            self._head_wait = _HEAD_WAIT
            self._head_asked_at = -math.inf

    def _believe(self, now: float, job: Watched) -> None:
        """A job is believed to have started, though nobody saw it."""
        self._running += 1
        if not job.is_minded:
            self._push(now, self._first_look(now, job), job)

    def _first_look(self, now: float, job: Watched) -> float:
        """When to ask first about a job that is believed to have started."""
        started_at = job.started_at
        if started_at is None or started_at == -math.inf:
            return now
        wait = self.run_times(job).first_wait(self._pacing.poll_cost, job.position)
        return max(now, started_at + min(wait, self._pacing.max_interval))

    def _set_apart(self, job: Watched) -> None:
        """The line does not speak for a waiting job: it is to be asked about by itself."""
        self.line.leave(job)
        self._apart += not job.is_apart
        job.is_apart = True

    def _dissolve(self, now: float) -> None:
        """The order does not hold: every waiting job is asked about by itself."""
        for job in self.line.rest():
            self._set_apart(job)
            if not job.is_minded:
                due = now
                if job.seen_at is not None:
                    due = max(now, self._bounded(job.seen_at, self._patience(job), math.inf))
                self._push(now, due, job)

    def _patience(self, job: Watched) -> float:
        """How long after it was seen waiting a job that may start unseen is asked about again."""
        return self.run_times(job).wait(0.0, self._pacing.poll_cost / _CHANCE)

    def _undetected(self, now: float, job: Watched) -> float:
        """The news of a job that is expected to have been lying undetected, seconds."""
        curve = self.run_times(job).curve
        if job.started_at is None:
            since = job.added_at if job.seen_at is None else job.seen_at
            return _CHANCE * curve.expected_undetected(0.0, now - since)
        # One that may have started at any time may have ended before the watch began.
        started_at = max(job.started_at, job.added_at - _LONG_AGO)
        return curve.expected_undetected(job.counted, now - started_at)

    def _again(self, now: float, job: Watched, wait: float, deadline: float) -> None:
        job.deadline = deadline
        self._push(now, self._bounded(now, wait, deadline), job)

    def _bounded(self, looked_at: float, wait: float, deadline: float) -> float:
        """A wait since the last look, within the promised bounds."""
        pacing = self._pacing
        due = min(looked_at + min(wait, pacing.max_interval), deadline)
        return max(due, looked_at + pacing.min_interval)

    def _rested(self, job: Watched) -> float:
        """When a job may be asked about again at the earliest."""
        return job.polled_at + self._pacing.min_interval

    def _push(self, now: float, due: float, job: Watched) -> None:
        """Give a job a time of its own."""
        job.is_minded = True
        job.due = max(due, self._rested(job))
        self._enter(now, job)

    def _enter(self, now: float, job: Watched) -> None:
        wait = job.due - now
        at = job.due if wait <= _SHORT else now + wait / 2
        heapq.heappush(self._heap, (at, next(self._order), job))

    def _answered(self, job: Watched) -> None:
        if self._asked is job:
            self._asked = None
            self._line_retry_at = -math.inf
