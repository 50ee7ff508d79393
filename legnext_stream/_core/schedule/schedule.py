"""Which job to poll next, and when.

Jobs that run are polled by the price rule (see `price_rule`).

Jobs that wait are left to the queue order (see `queue_order`). While it is trusted, only its unknown
part and its head are polled, and a small sample that tests the order (see `queue_probe`). Waiting
jobs outside the queue order are polled by the price rule.

When requests are scarcer than the price assumes, the job with the most expected undetected news is
polled first (see `ready`), and `Schedule.price` rises to what is really being paid for a request.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Final

from legnext_stream._core import backoff
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.callbacks import Callbacks
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.schedule.hints import Hints
from legnext_stream._core.schedule.price_rule import PriceRule
from legnext_stream._core.schedule.queue_order import QueueOrder
from legnext_stream._core.schedule.queue_probe import QueueProbe
from legnext_stream._core.schedule.ready import Ready
from legnext_stream._core.schedule.reasons import reason_for
from legnext_stream._core.schedule.time_left import Estimator, TimeLeft
from legnext_stream._core.schedule.timers import Timers
from legnext_stream._core.watched import BY_QUEUE, IN_FLIGHT, IN_TIMERS, Watched

# A waiting job whose polls fail this often in a row leaves the queue order: others must not wait for it.
_FAILURES_TO_LEAVE: Final = 3
# How fast the price follows what is really being paid, for each poll.
_PRICE_GAIN: Final = 0.05
# A job that started this much before the slot it was inferred to get shows that there are more slots.
_EARLY: Final = 3.0
# How many jobs are looked at in one go; the rest when the caller comes back. A million at once would
# block everything else for seconds.
_SLICE: Final = 500
# Waiting jobs are not looked at until so long after a poll that was refused or failed, in seconds.
_CALM_AFTER: Final = 10.0
# Waits up to this are not revised, in seconds.
_SHORT: Final = 2.0
# With callbacks every wait is revised after this time, in seconds, so that an outage can shorten it;
# more rarely if otherwise more than this many jobs a second would be revised.
_REVISED_AFTER: Final = 5.0
_REVISIONS: Final = 100.0


class Schedule:
    """The jobs of a watch, by when each is to be polled. Times are in seconds on our clock.

    A running job is polled `timeout` seconds after its start at the latest.
    """

    def __init__(self, pacing: Pacing, durations: Durations, timeout: float = math.inf) -> None:
        self._pacing = pacing
        self._rule = PriceRule(pacing, durations, timeout)
        self._timeout = timeout
        # What is really being paid for a request, in seconds of delay.
        self.price: float = pacing.poll_cost
        self.queue: QueueOrder = QueueOrder()
        self._probe = QueueProbe(pacing, self.queue)
        self._timers = Timers()
        self._ready = Ready()
        # Jobs in the queue order whose look for a failure is due, earliest first. One that isn't
        # waiting there any more is passed over.
        self._looks: deque[Watched] = deque()
        self._calm_from = -math.inf
        # Set by `expect_callbacks`; without callbacks neither costs anything.
        self._callbacks: Callbacks | None = None
        self._hints: Hints | None = None
        # Jobs that are known or inferred to run, and jobs that wait outside the queue order.
        self._running = 0
        self._detached = 0
        self._estimator = Estimator(timeout)
        # Where `poll_waiting` is to continue; None if it is done.
        self._sweep_from: int | None = None
        self._is_dissolving = False

    def expect_callbacks(self) -> None:
        """Learn how reliable callbacks are, and poll less while they come; see `callbacks`."""
        self._callbacks = self._rule.callbacks = Callbacks()
        self._hints = Hints(self._pacing.min_interval)

    def add(self, now: float, job: Watched) -> None:
        """Take in a job that has never been polled."""
        job.looked_at = job.joined_at = now
        if self.queue.head is None:
            self._probe.begin()
            if self._detached == 0:
                # No job is left of those that started out of order: new jobs are trusted anew.
                self.queue.reset_evidence()
        self._probe.joined()
        self.queue.append(job)
        if not self.queue.is_trusted:
            self._detach(job)
            self._push(now, now, job)
        else:
            self._look_later(now, job)

    # -- Which job is next

    def next_due(self, now: float) -> float:
        """When to look here again; `now` or earlier if a job is to be polled.

        It is inf if something must be learned before that can be told.
        """
        has_more = self._collect_ready(now)
        if self._ready or self._first_look(now) is not None:
            return now
        if has_more:
            # At once, but after other tasks have had a turn.
            return math.nextafter(now, math.inf)
        planned, wanted = self._timers.first, self._probe.due(self._running)
        if planned > wanted:
            planned = wanted
        if self._looks and planned > self._calm_from:
            planned = self._calm_from
        return planned if self._hints is None else min(planned, self._hints.due(now))

    def take(self, now: float) -> Watched:
        """Take out the job to poll now; only when `next_due` says that there is one."""
        self._probe.polled()
        hints = self._hints
        if hints is not None and hints.due(now) <= now:
            job = hints.take()
            self._unschedule(job)
            job.where = IN_FLIGHT
            return job
        # While the queue order has an unknown part, one answer tells about many jobs.
        look = self._first_look(now)
        is_open = self.queue.is_open and self._probe.due(self._running) <= now
        if is_open or (look is None and not self._ready):
            job = self._probe.take(now, self._running)
        else:
            job = self._take_best(now, look)
        if hints is not None:
            hints.polled(job)
        return job

    def _take_best(self, now: float, look: Watched | None) -> Watched:
        """Of the jobs that are ready, and this look, take one with much expected undetected news."""
        job, worth = self._ready.take_best(partial(self._rule.undetected, now), look)
        job.where = IN_FLIGHT
        if job is look:
            self._probe.looked()
        cost = self._pacing.poll_cost
        self.price += _PRICE_GAIN * ((worth if worth > cost else cost) - self.price)
        return job

    def _collect_ready(self, now: float) -> bool:
        """Move the jobs whose time has come to those that are ready; return whether there is more.

        A long wait is revised at its half, and at the half of what is then left: meanwhile other
        jobs have ended, and the run times are known better than when it was set.
        """
        if has_more := self._has_more:
            self._catch_up(now)
            has_more = self._has_more
        rule = self._rule
        for _ in range(_SLICE):
            if (job := self._timers.pop(now)) is None:
                return has_more
            if job.where != IN_TIMERS:
                # It was removed meanwhile, or polled before its time; or it waits, and may have failed.
                if job.is_left_to_queue and job.due <= now:
                    self._look_later(now, job)
                continue
            if job.due > now:
                job.due = max(rule.revised(now, job), rule.rested(job), now)
            if job.due > now:
                self._set_timer(now, job)
            else:
                self._ready.add(job)
        return True

    def _look_later(self, now: float, job: Watched) -> None:
        """Leave a job to the queue order, but look at it when it may have failed; the head is anyway."""
        job.where = BY_QUEUE
        job.due = max(self._rule.look(now, job), self._rule.rested(job))
        if job is self.queue.head:
            return
        if job.due > now:
            self._timers.put(now, job.due, job)
        else:
            self._looks.append(job)

    def _first_look(self, now: float) -> Watched | None:
        """The job whose look for a failure is due for the longest time; none while there is trouble."""
        looks = self._looks
        if now < self._calm_from:
            return None
        while looks and not (looks[0].is_left_to_queue and looks[0].due <= now):
            looks.popleft()
        return looks[0] if looks else None

    @property
    def _has_more(self) -> bool:
        """Whether there is anything left for `_catch_up`."""
        return self.queue.has_inferred or self._is_dissolving or self._sweep_from is not None

    def _catch_up(self, now: float) -> None:
        """Continue with what concerns very many jobs, a slice at a time."""
        for job in self.queue.inferred():
            self._infer_start(now, job)
        if self._sweep_from is not None:
            waiting, self._sweep_from = self.queue.waiting_from(self._sweep_from, _SLICE)
            for job in waiting:
                if not job.is_scheduled:
                    self._push(now, now, job)
        if self._is_dissolving:
            self._dissolve(now)

    # -- What a poll or a callback told

    def waiting(self, now: float, job: Watched, deadline: float, since: float) -> None:
        """A job was seen waiting, as before at `since`; outside the queue order, poll by `deadline`."""
        self._rule.survived_waiting(job, since, now)
        was_running, was_detached = job.started_at is not None, job.is_detached
        self._running -= was_running
        self._probe.answered(job)
        # Whatever was inferred: it isn't running.
        job.counted_at = None
        job.count_to(None)
        head = self.queue.head
        if job.position >= 0 and self.queue.found_waiting(job, now) and self.queue.is_trusted:
            self._look_later(now, job)
            if job is self.queue.head:
                self._probe.head_waits(now, still=job is head and not was_running)
            return
        job.started_at = None
        if not was_detached:
            self._detach(job)
        rule = self._rule
        self._push(now, rule.bounded(now, rule.patience(now, job), deadline), job)
        if not self.queue.is_trusted:
            self._dissolve(now)

    def running(self, now: float, job: Watched, started_at: float, since: float) -> None:
        """A job was seen running since `started_at`, and last described before that at `since`."""
        if not job.is_confirmed:
            self._rule.survived_waiting(job, since, started_at)
        # By what was taken for its start until now.
        counted = job.counted
        self._found_started(now, job, started_at)
        rule = self._rule
        age = now - started_at if now > started_at else 0.0
        for learner in rule.learners(rule.run_times(job)):
            learner.survived(counted, age, among=self._running)
        job.count_to(counted if counted > age else None)
        self._push(now, rule.next_poll(now, job, age, started_at + self._timeout), job)

    def reported_running(self, now: float, job: Watched, started_at: float) -> None:
        """A callback reported that a job has begun to run. Whether it still does isn't known."""
        self._unschedule(job)
        self._found_started(now, job, started_at)
        job.counted_at = None
        self._push(now, self._rule.first_poll(now, job), job)

    def ended(
        self,
        now: float,
        job: Watched,
        started_at: float | None,
        run: tuple[float, float] | None,
        between: tuple[float, float],
        *,
        has_run: bool,
        reported_at: float | None = None,
    ) -> None:
        """A job was seen to have ended.

        Args:
            now: The time.
            job: The job.
            started_at: When it started; None if that isn't known.
            run: The least and the most that its run time can be, in seconds; None if not known.
            between: The earliest and the latest time at which it can have ended.
            has_run: Whether it is known to have run; else it has failed while it waited.
            reported_at: When a callback reported it; None if a poll found it.
        """
        # An end from before the job was watched says nothing about callbacks.
        if reported_at is not None:
            if not job.is_in_flight:
                self._unschedule(job)
            if self._callbacks is not None and between[1] >= job.looked_at:
                self._callbacks.came_first(now, reported_at - between[1])
        elif self._callbacks is not None and between[0] >= job.looked_at:
            self._callbacks.poll_came_first(now, job.job_id)
        if not has_run:
            self._failed_waiting(now, job, between)
            return
        counted = job.counted
        if not job.is_confirmed and started_at is not None:
            self._rule.survived_waiting(job, job.looked_at, started_at)
        self._found_started(now, job, -math.inf if started_at is None else started_at)
        if run is not None:
            low, high = run
            if started_at is not None:
                # What was seen narrows what the API's whole seconds leave open.
                seen_low, seen_high = max(low, counted), min(high, now - started_at)
                low, high = (seen_low, seen_high) if seen_low <= seen_high else run
            for learner in self._rule.learners(self._rule.run_times(job)):
                learner.ended(counted, low, high)
        self.removed(job)
        self._slot_freed(now, between)

    def _slot_freed(self, now: float, between: tuple[float, float]) -> None:
        """A job's end has freed a slot between two times."""
        if (next_job := self.queue.slot_freed(*between)) is not None:
            self._infer_start(now, next_job)
        else:
            self._estimator.slot_freed(now, self._running, len(self.queue) + self._detached)

    def _failed_waiting(self, now: float, job: Watched, between: tuple[float, float]) -> None:
        """A job has failed before it had a slot, which says nothing about the order of the queue."""
        self._rule.failed_waiting(job, between[0])
        inferred = job.started_at
        self.removed(job)
        if inferred is not None:
            # The slot that it was inferred to get was for another.
            self._slot_freed(now, (max(inferred, between[0]), max(inferred, between[1])))

    def callback_repeated(self, now: float, job_id: str) -> None:
        """A callback reported the end of a job that had ended already."""
        if self._callbacks is not None:
            self._callbacks.came_second(now, job_id)

    def hint(self, now: float, job: Watched) -> None:
        """A job may have changed: poll it soon."""
        if self._hints is not None:
            self._hints.add(now, job)

    def missing(self, now: float, job: Watched, at: float) -> None:
        """The API didn't know a job: poll it again at this time, to be sure."""
        self._probe.answered(job)
        if job.is_waiting:
            self._detach(job)
        self._push(now, max(at, now + self._pacing.min_interval), job)

    def limited(self, now: float, job: Watched) -> None:
        """A poll was refused with 429: it is due at once, as soon as the pacer allows it."""
        self._calm_from = now + _CALM_AFTER
        self._probe.answered(job)
        if job.is_waiting and job.failures < _FAILURES_TO_LEAVE:
            self._look_later(now, job)
            return
        if job.is_waiting:
            self._detach(job)
        self._push(now, now, job)

    def failed(self, now: float, job: Watched, deadline: float, *, may_hurry: bool) -> None:
        """A poll has failed: poll again after a backoff, and by `deadline` at the latest.

        Without budget for an early retry (`may_hurry`) the backoff is the longest.
        """
        self._calm_from = now + _CALM_AFTER
        self._probe.answered(job)
        wait = backoff.POLLS.longest
        if may_hurry:
            wait = backoff.POLLS.wait(job.failures, job.job_id)
        if job.is_waiting:
            if job.failures < _FAILURES_TO_LEAVE:
                self._look_later(now, job)
                self._probe.failed(now + wait)
                return
            self._detach(job)
        self._push(now, self._rule.bounded(now, wait, deadline), job)

    def removed(self, job: Watched) -> None:
        """A job is no longer watched."""
        self._probe.answered(job)
        if job.started_at is not None:
            self._running -= 1
        self._detached -= job.is_detached
        if self._hints is not None:
            self._hints.forget(job)
        self.queue.leave(job)

    def drop(self, job: Watched) -> None:
        """Stop watching a job that isn't being polled."""
        self.removed(job)
        self._unschedule(job)

    def poll_waiting(self, now: float) -> None:
        """Poll every waiting job at once: the watch is about to give them up."""
        self._sweep_from = 0
        self._catch_up(now)

    # -- What there is to say

    def note_task_type(self, job: Watched, word: object) -> None:
        """Take in a job's task type, as the API gave it."""
        self._rule.note_task_type(job, word)

    def time_left(self, now: float, jobs: Iterable[Watched], coming: int) -> TimeLeft:
        """The time to completion of these jobs: all that are left, in the order they came in.

        As many more are `coming`. If jobs are known to wait, they will wait behind those.
        """
        waiting = len(self.queue) + self._detached
        if self.queue.high < math.inf or self._detached:
            waiting += coming
        return self._estimator.time_left(
            now, jobs, like=self._rule.usual, running=self._running, waiting=waiting
        )

    @property
    def usual_run(self) -> float:
        """How long a job usually runs, in seconds."""
        return self._rule.usual.curve.quantile(0.5)

    def explain(self, now: float, job: Watched) -> tuple[str, dict[str, float]]:
        """Why a job is next polled when it is: a sentence, and the numbers behind it."""
        cost = self._pacing.poll_cost
        reason, numbers = reason_for(now, job, queue=self.queue, rule=self._rule, cost=cost)
        return reason, {"price": self.price, **numbers}

    def _found_started(self, now: float, job: Watched, at: float) -> None:
        """A job was found to have started at a time; others may have started with it."""
        self._probe.answered(job)
        was_confirmed, job.counted_at = job.is_confirmed, now
        if was_confirmed:
            job.started_at = at
            return
        inferred = job.started_at
        self._detached -= job.is_detached
        if inferred is None:
            self._count_start()
        if job.position < 0:
            job.started_at = at
            return
        surprising = inferred is None or -math.inf < at < inferred - _EARLY
        for earlier in self.queue.found_started(job, at):
            self._infer_start(now, earlier)
        for next_job in self.queue.fill_kept_slots():
            self._infer_start(now, next_job)
        if surprising:
            self._probe.hurry()

    def _infer_start(self, now: float, job: Watched) -> None:
        """A job must have started, though no answer said so."""
        self._count_start()
        if not job.is_scheduled:
            self._push(now, self._rule.first_poll(now, job), job)

    def _count_start(self) -> None:
        self._running += 1
        self._estimator.start_found()

    def _detach(self, job: Watched) -> None:
        """A waiting job leaves the queue order, and is polled for its own sake."""
        self.queue.leave(job)
        self._detached += 1

    def _dissolve(self, now: float) -> None:
        """The order isn't trusted: every waiting job leaves it."""
        for _ in range(_SLICE):
            job = self.queue.head
            if job is None:
                self._is_dissolving = False
                return
            self._detach(job)
            if not job.is_scheduled:
                due = now
                if job.is_seen:
                    patience = self._rule.patience(now, job)
                    due = max(now, self._rule.bounded(job.looked_at, patience, math.inf))
                self._push(now, due, job)
        self._is_dissolving = True

    def _unschedule(self, job: Watched) -> None:
        """Take back a job's time."""
        if job.where >= 0:
            self._ready.remove(job)
        # A timer is ignored when its time comes; removing it would cost a search.
        job.where = BY_QUEUE

    def _push(self, now: float, due: float, job: Watched) -> None:
        """Give a job a time of its own."""
        job.where = IN_TIMERS
        rested = self._rule.rested(job)
        job.due = due if due > rested else rested
        self._set_timer(now, job)

    def _set_timer(self, now: float, job: Watched) -> None:
        """Look at a job when its time comes; earlier, to revise that, if it is far off."""
        wait = job.due - now
        if wait > _SHORT:
            half = wait / 2
            if self._callbacks is not None:
                half = min(half, max(_REVISED_AFTER, self._running / _REVISIONS))
            self._timers.put(now, now + half, job)
        else:
            self._timers.put(now, job.due, job)
