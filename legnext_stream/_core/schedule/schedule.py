"""Whom to ask next, and when: the price rule for jobs that run, the line for those that wait.

The price rule (W and F are explained in `runtimes`): a job is asked about when the news of its end
that has been lying undetected is, in expectation, worth the price of a request. It is the classical
inspection rule (Barlow, Hunter and Proschan, "Optimum checking procedures", J. SIAM 11, 1963).

Jobs that wait are minded by the line (see `line`): while its order holds, only its unknown part and
its head are asked about, beside a small sample that tests the order (see `inquiry`). Jobs that it
does not speak for are asked about by the same price rule, as jobs that may have started when they
were last seen.

When requests are scarcer than the price would have it, the job with the most expected undetected
news goes first (see `overdue`), and the price rises to what is really being paid for a request.

Where the API tells of ends by callback, a request is worth only what the callback may fail to tell:
the same rule, with the chance of that in it (see `callbacks` and `Curve.wait_untold`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Final

from legnext_stream._core import backoff
from legnext_stream._core.model.tasks import find_task_type
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.callbacks import Callbacks
from legnext_stream._core.schedule.durations import OTHER, Durations
from legnext_stream._core.schedule.hints import Hints
from legnext_stream._core.schedule.queue_order import Line
from legnext_stream._core.schedule.queue_probe import Inquiry
from legnext_stream._core.schedule.ready import Overdue
from legnext_stream._core.schedule.reasons import reason_for
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.schedule.time_left import Outlook, TimeLeft
from legnext_stream._core.schedule.timers import Agenda
from legnext_stream._core.watched import ASKED, BY_LINE, IN_AGENDA, Watched

# A job that fails to be asked about so often in a row must not hold up the line behind it.
_FAILURES_TO_LEAVE: Final = 3
# How fast the price follows what is really being paid, per poll.
_PRICE_GAIN: Final = 0.05
# A job that started this much before the slot it was believed to get is a sign of more slots.
_EARLY: Final = 3.0
# Task types that this version doesn't know: how many are told apart, and how long their names are.
_MOST_TYPES: Final = 64
_LONGEST_TYPE: Final = 64
# So many jobs are looked at in one go; of more, the others when the caller comes back. A million at
# once would keep everybody else waiting for seconds.
_SLICE: Final = 500
# Waits up to this, seconds, are not thought over.
_SHORT: Final = 2.0
# How long ago a job that was found in a list may have started, if nothing speaks of it, seconds.
_LONG_AGO: Final = 3600.0
# With callbacks no wait goes on for longer without being thought over, seconds, so that an outage can
# shorten it; longer only if otherwise more than so many jobs a second would be thought over.
_THOUGHT_OVER: Final = 5.0
_THOUGHTS: Final = 100.0
# How likely a waiting job that the line doesn't speak for is taken to have started right after it was
# seen. It trades the requests spent on jobs that wait against the delay of those that start.
_CHANCE: Final = 0.1


class Schedule:
    """The jobs of a watch, by when each is to be polled. Times in seconds on our clock.

    Args:
        pacing: When to ask.
        durations: What is known of run times.
        timeout: How long after its start a job that runs is asked about at the latest, seconds.
    """

    def __init__(self, pacing: Pacing, durations: Durations, timeout: float = math.inf) -> None:
        self._pacing = pacing
        self._durations = durations
        self._timeout = timeout
        self.price: float = pacing.poll_cost
        self.line: Line = Line()
        self._inquiry = Inquiry(pacing, self.line)
        self._agenda = Agenda()
        self._overdue = Overdue()
        # Set by `expect_callbacks`: without callbacks neither costs anything.
        self._callbacks: Callbacks | None = None
        self._hints: Hints | None = None
        # Names of task types; each is kept once, however many jobs have it.
        self._types: dict[str, str] = {}
        self._running = 0
        self._apart = 0
        self._outlook = Outlook(timeout)
        # Where in the line to go on asking about everybody, if that is wanted: see `recall`.
        self._recalling: int | None = None
        self._is_dissolving = False

    def expect_callbacks(self) -> None:
        """Learn how reliably callbacks come, and poll less while they do; see `callbacks`."""
        self._callbacks = Callbacks()
        self._hints = Hints(self._pacing.min_interval)

    # -- Coming in

    def add(self, now: float, job: Watched) -> None:
        """Take in a job that has never been polled."""
        job.looked_at = now
        if self.line.head is None:
            self._inquiry.begin()
            if self._apart == 0:
                # Nobody is left of those who came out of turn: new jobs, new trust.
                self.line.trust_again()
        self._inquiry.joined()
        self.line.append(job)
        if not self.line.order_holds:
            self._set_apart(job)
            self._push(now, now, job)

    # -- Whose turn it is

    def next_due(self, now: float) -> float:
        """When to look here again: `now` or before if a job is due.

        Infinite if that can't be told before something is learned.
        """
        has_more = self._move_up(now)
        if self._overdue:
            return now
        if has_more:
            # At once, but not before others had their turn.
            return math.nextafter(now, math.inf)
        planned, wanted = self._agenda.first, self._inquiry.due(self._running)
        if planned > wanted:
            planned = wanted
        return planned if self._hints is None else min(planned, self._hints.due(now))

    def take(self, now: float) -> Watched:
        """Take out the job that is to be polled now; only if `next_due` has just said that one is."""
        self._inquiry.polled()
        hints = self._hints
        if hints is not None and hints.due(now) <= now:
            # Its entry in the agenda, if any, is passed over when it is asked about again at the latest.
            job = hints.take()
            self._withdraw(job)
            job.seat = ASKED
            return job
        # Where the line is open one answer tells of many jobs.
        if self._overdue and not (self.line.is_open and self._inquiry.due(self._running) <= now):
            job = self._take_dearest(now)
        else:
            job = self._inquiry.take(now, self._running)
        if hints is not None:
            hints.answered(job)
        return job

    def _take_dearest(self, now: float) -> Watched:
        """Of the jobs that are overdue, take one whose news is expected to have waited long."""
        job, worth = self._overdue.take_dearest(partial(self._undetected, now))
        job.seat = ASKED
        cost = self._pacing.poll_cost
        self.price += _PRICE_GAIN * ((worth if worth > cost else cost) - self.price)
        return job

    def _move_up(self, now: float) -> bool:
        """Look at the jobs whose time has come: those that are due go where they are compared.

        Returns whether there is more to look at.

        A long wait is thought over at its half, and again at the half of what is left: meanwhile
        others have ended, and what was a good time to ask when it was set need not be one now.
        """
        has_more = self._has_more
        if has_more:
            self._catch_up(now)
            has_more = self._has_more
        for _ in range(_SLICE):
            if (job := self._agenda.pop(now)) is None:
                return has_more
            if job.seat != IN_AGENDA:
                # It was dropped meanwhile, or asked about before its time.
                continue
            if job.due > now:
                job.due = max(self._thought_over(now, job), self._rested(job), now)
            if job.due > now:
                self._enter(now, job)
            else:
                self._overdue.add(job)
        return True

    @property
    def _has_more(self) -> bool:
        """Whether there is anything left for `_catch_up`."""
        return self.line.has_untold or self._is_dissolving or self._recalling is not None

    def _catch_up(self, now: float) -> None:
        """Go on with what concerns very many jobs, in slices."""
        for job in self.line.believed():
            self._believe(now, job)
        if self._recalling is not None:
            waiting, self._recalling = self.line.rest(self._recalling, _SLICE)
            for job in waiting:
                if not job.is_minded:
                    self._push(now, now, job)
        if self._is_dissolving:
            self._dissolve(now)

    def _thought_over(self, now: float, job: Watched) -> float:
        """When a job that was given a time is to be asked about by what is known now."""
        started_at = job.started_at
        if started_at is None or job.failures or job.missing_since is not None:
            return job.due
        if not job.is_confirmed:
            return self._first_look(now, job)
        wait = self.run_times(job).wait(job.counted, self._pacing.poll_cost, self._doubt(now))
        return self._bounded(job.looked_at, wait, started_at + self._timeout)

    # -- What came of it

    def waiting(self, now: float, job: Watched, deadline: float) -> None:
        """A job was seen waiting: the line minds it, or else it is asked again by `deadline`."""
        believed, was_apart = job.started_at is not None, job.is_apart
        self._running -= believed
        self._inquiry.answered(job)
        # Whatever was thought of it: it doesn't run.
        job.counted_at = None
        job.count_to(None)
        head = self.line.head
        if job.position >= 0 and self.line.waits(job, now) and self.line.order_holds:
            job.seat = BY_LINE
            if job is self.line.head:
                self._inquiry.head_waits(now, still=job is head and not believed)
            return
        job.started_at = None
        if not was_apart:
            self._set_apart(job)
        self._again(now, job, self._patience(now, job), deadline)
        if not self.line.order_holds:
            self._dissolve(now)

    def running(self, now: float, job: Watched, started_at: float) -> None:
        """A job was seen running since `started_at`: ask again when the price is right."""
        # As far as it was learned from by what its start was taken for until now.
        counted = job.counted
        self._found_started(now, job, started_at)
        runs = self.run_times(job)
        age = now - started_at if now > started_at else 0.0
        for learner in self._learners(runs):
            learner.survived(counted, age, among=self._running)
        job.count_to(counted if counted > age else None)
        wait = runs.wait(age, self._pacing.poll_cost, self._doubt(now))
        self._again(now, job, wait, started_at + self._timeout)

    def told_running(self, now: float, job: Watched, started_at: float) -> None:
        """A callback said that a job has begun to run: that it still does nobody has seen."""
        self._withdraw(job)
        self._found_started(now, job, started_at)
        job.counted_at = None
        self._push(now, self._first_look(now, job), job)

    def ended(
        self,
        now: float,
        job: Watched,
        started_at: float | None,
        run: tuple[float, float] | None,
        between: tuple[float, float],
        *,
        told_at: float | None = None,
    ) -> None:
        """A job was seen to have ended.

        Args:
            now: The time.
            job: The job.
            started_at: When it had started; None if that is not known.
            run: Its run time, seconds, as the least and the most that it can be; None if unknown.
            between: The earliest and the latest time at which it can have ended.
            told_at: When a callback said so; None if an answer did.
        """
        # Nothing is learned about callbacks from what may have ended before it came in here.
        if told_at is not None:
            if not job.is_asked:
                self._withdraw(job)
            if self._callbacks is not None and between[1] >= job.looked_at:
                self._callbacks.told(now, told_at - between[1])
        elif self._callbacks is not None and between[0] >= job.looked_at:
            self._callbacks.found(now, job.job_id)
        counted = job.counted
        self._found_started(now, job, -math.inf if started_at is None else started_at)
        if run is not None:
            low, high = run
            if started_at is not None:
                # What was seen narrows what the API's whole seconds leave open.
                seen_low, seen_high = max(low, counted), min(high, now - started_at)
                low, high = (seen_low, seen_high) if seen_low <= seen_high else run
            for learner in self._learners(self.run_times(job)):
                learner.ended(counted, low, high)
        self.gone(job)
        served = self.line.serve(*between)
        if served is not None:
            self._believe(now, served)
        else:
            self._outlook.freed(now, self._running, len(self.line) + self._apart)

    def gone(self, job: Watched) -> None:
        """A job is no longer watched."""
        self._inquiry.answered(job)
        if job.started_at is not None:
            self._running -= 1
        self._apart -= job.is_apart
        if self._hints is not None:
            self._hints.forget(job)
        self.line.leave(job)

    def drop(self, job: Watched) -> None:
        """A job is to be watched no longer, wherever it stands."""
        self.gone(job)
        self._withdraw(job)

    def ended_unasked(self, now: float, job_id: str) -> None:
        """A callback told of the end of a job that had ended already."""
        if self._callbacks is not None:
            self._callbacks.repeated(now, job_id)

    def hint(self, now: float, job: Watched) -> None:
        """Something may have become of a job: ask about it soon."""
        if self._hints is not None:
            self._hints.add(now, job)

    def missing(self, now: float, job: Watched, at: float) -> None:
        """Put back a job that the API did not know; ask again when that can be believed."""
        self._inquiry.answered(job)
        if job.is_waiting:
            self._set_apart(job)
        self._push(now, max(at, now + self._pacing.min_interval), job)

    def limited(self, now: float, job: Watched) -> None:
        """Put back a job whose poll was refused for the rate's sake: the pace holds it, not we."""
        self._inquiry.answered(job)
        if job.is_waiting and job.failures < _FAILURES_TO_LEAVE:
            job.seat = BY_LINE
            return
        if job.is_waiting:
            self._set_apart(job)
        self._push(now, now, job)

    def failed(self, now: float, job: Watched, deadline: float, *, may_hurry: bool) -> None:
        """Put back a job whose poll failed, and ask again after a backoff.

        Args:
            now: The time.
            job: The job.
            deadline: When to ask again at the latest.
            may_hurry: Whether there is budget for an early retry.
        """
        self._inquiry.answered(job)
        wait = backoff.POLLS.longest
        if may_hurry:
            wait = backoff.POLLS.wait(job.failures, job.job_id)
        if job.is_waiting:
            if job.failures < _FAILURES_TO_LEAVE:
                # The line asks again, about this job or another.
                job.seat = BY_LINE
                self._inquiry.failed(now + wait)
                return
            self._set_apart(job)
        self._again(now, job, wait, deadline)

    def recall(self, now: float) -> None:
        """Ask about every job that waits, at once: the watch is about to give them up."""
        self._recalling = 0
        self._catch_up(now)

    # -- What there is to say

    def time_left(self, now: float, jobs: Iterable[Watched]) -> TimeLeft:
        """When the last of these jobs will have ended; they are all there are, as they came in."""
        return self._outlook.time_left(
            now,
            jobs,
            like=self._usual,
            running=self._running,
            waiting=len(self.line) + self._apart,
        )

    def explain(self, now: float, job: Watched) -> tuple[str, dict[str, float]]:
        """Say why a job is next polled when it is: in a sentence, and in the numbers behind it."""
        runs = self.run_times(job)
        reason, numbers = reason_for(
            now,
            job,
            line=self.line,
            runs=runs,
            cost=self._pacing.poll_cost,
            patience=self._patience(now, job),
            undetected=self._undetected(now, job),
            doubt=None if self._callbacks is None else self._doubt(now),
        )
        return reason, {"price": self.price, **numbers}

    # -- Helpers

    def _doubt(self, now: float) -> float:
        """The chance that the end of a job isn't told by itself."""
        return 1.0 if self._callbacks is None else self._callbacks.doubt(now)

    def _withdraw(self, job: Watched) -> None:
        """Take a job from where it waits for its time."""
        if job.seat >= 0:
            self._overdue.remove(job)
        # In the agenda it is passed over when its time comes; taking it out would cost a search.
        job.seat = BY_LINE

    def run_times(self, job: Watched) -> RunTimes:
        """The run times that a job's are expected to be like."""
        if job.task_type is not None:
            return self._durations.of(job.task_type)
        return self._usual

    @property
    def _usual(self) -> RunTimes:
        """The run times that those of a job are expected to be like whose type isn't known."""
        if len(self._types) == 1:
            return self._durations.of(next(iter(self._types)))
        return self._durations.together

    def _learners(self, runs: RunTimes) -> tuple[RunTimes, ...]:
        together = self._durations.together
        return (runs,) if runs is together else (runs, together)

    def name_type(self, job: Watched, word: object) -> None:
        """A job's task type was told."""
        if job.task_type is not None or not isinstance(word, str):
            return
        name = self._types.get(word)
        if name is None:
            known = find_task_type(word)
            name = word[:_LONGEST_TYPE] if known is None else known.value
            if not name:
                return
            # Bounds on what the wire can make us keep; what is cut off is learned with the unknown.
            if known is not None or len(self._types) < _MOST_TYPES:
                name = self._types.setdefault(name, name)
            else:
                name = OTHER
        job.task_type = name

    def _found_started(self, now: float, job: Watched, at: float) -> None:
        """A job is seen to have started at a time; others may have started with it."""
        self._inquiry.answered(job)
        was_confirmed, job.counted_at = job.is_confirmed, now
        if was_confirmed:
            job.started_at = at
            return
        believed = job.started_at
        self._apart -= job.is_apart
        if believed is None:
            self._count_start()
        if job.position < 0:
            job.started_at = at
            return
        surprising = believed is None or -math.inf < at < believed - _EARLY
        for earlier in self.line.started(job, at):
            self._believe(now, earlier)
        for served in self.line.serve_kept():
            self._believe(now, served)
        if surprising:
            self._inquiry.hurry()

    def _believe(self, now: float, job: Watched) -> None:
        """A job is believed to have started, though nobody saw it."""
        self._count_start()
        if not job.is_minded:
            self._push(now, self._first_look(now, job), job)

    def _count_start(self) -> None:
        """One more is known to run."""
        self._running += 1
        self._outlook.found()

    def _first_look(self, now: float, job: Watched) -> float:
        """When to ask first about a job that is believed to have started."""
        started_at = job.started_at
        if started_at is None or started_at == -math.inf:
            return now
        doubt = self._doubt(now)
        wait = self.run_times(job).first_wait(self._pacing.poll_cost, job.position, doubt)
        return max(now, started_at + min(wait, self._pacing.max_interval))

    def _set_apart(self, job: Watched) -> None:
        """The line does not speak for a waiting job: it is to be asked about by itself."""
        self.line.leave(job)
        self._apart += 1

    def _dissolve(self, now: float) -> None:
        """The order does not hold: every waiting job is asked about by itself."""
        for _ in range(_SLICE):
            job = self.line.head
            if job is None:
                self._is_dissolving = False
                return
            self._set_apart(job)
            if not job.is_minded:
                due = now
                if job.is_seen:
                    patience = self._patience(now, job)
                    due = max(now, self._bounded(job.looked_at, patience, math.inf))
                self._push(now, due, job)
        self._is_dissolving = True

    def _patience(self, now: float, job: Watched) -> float:
        """How long after it was seen waiting a job that may start unseen is asked about again."""
        price = self._pacing.poll_cost / _CHANCE
        return self.run_times(job).wait_from_start(price, self._doubt(now))

    def _undetected(self, now: float, job: Watched) -> float:
        """The news of a job that is expected to have been lying undetected, seconds."""
        curve, doubt = self.run_times(job).curve, self._doubt(now)
        if job.started_at is None:
            return _CHANCE * curve.expected_undetected(0.0, now - job.looked_at, doubt)
        started_at = job.started_at
        if not job.is_confirmed:
            # One that may have started at any time may have ended before the watch began.
            started_at = max(started_at, job.looked_at - _LONG_AGO)
        return curve.expected_undetected(job.counted, now - started_at, doubt)

    def _again(self, now: float, job: Watched, wait: float, deadline: float) -> None:
        self._push(now, self._bounded(now, wait, deadline), job)

    def _bounded(self, looked_at: float, wait: float, deadline: float) -> float:
        """A wait since the last look, within the promised bounds."""
        pacing = self._pacing
        due = looked_at + (wait if wait < pacing.max_interval else pacing.max_interval)
        if due > deadline:
            due = deadline
        least = looked_at + pacing.min_interval
        return due if due > least else least

    def _rested(self, job: Watched) -> float:
        """When a job may be asked about again at the earliest."""
        return job.polled_at + self._pacing.min_interval

    def _push(self, now: float, due: float, job: Watched) -> None:
        """Give a job a time of its own."""
        job.seat = IN_AGENDA
        rested = self._rested(job)
        job.due = due if due > rested else rested
        self._enter(now, job)

    def _enter(self, now: float, job: Watched) -> None:
        wait = job.due - now
        if wait > _SHORT:
            half = wait / 2
            if self._callbacks is not None:
                half = min(half, max(_THOUGHT_OVER, self._running / _THOUGHTS))
            self._agenda.put(now, now + half, job)
        else:
            self._agenda.put(now, job.due, job)
