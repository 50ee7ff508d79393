"""The tracker: from answers to events, and to the next poll.

Data flows one way: ids come in by `add`, `due` says what to poll now, the answer goes in by `observe`,
and events come out. All that a watch knows is in here. The caller only carries requests and answers,
and tells the time.
"""

from __future__ import annotations

import attrs
import msgspec

from legnext_stream._core.answers import Observation, PollMeaning, signal_of
from legnext_stream._core.arrivals import Arrivals
from legnext_stream._core.host import Host
from legnext_stream._core.membership import Membership
from legnext_stream._core.model.decoding import decode_job, decode_stamp
from legnext_stream._core.model.events import JobEvent, in_queue
from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import VERDICTS, Job, JobError, JobStatus
from legnext_stream._core.model.lifecycle import is_running
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule import Schedule
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.schedule.reasons import Explanation
from legnext_stream._core.schedule.time_left import TimeLeft
from legnext_stream._core.stats import Tally
from legnext_stream._core.timestamps import Timestamps
from legnext_stream._core.watched import Watched
from legnext_stream.errors import UnexpectedAnswerError

_NEVER = float("inf")
# A job may become visible a moment after its submit, so a 404 is believed only when it has been
# repeated over this many seconds.
_MISSING_BELIEVED_AFTER = 5.0
_MISSING_POLLED_AGAIN_AFTER = 2.0
# A job is given up because of failed polls only after this many in a row, however long they took:
# when requests are scarce, a few bad answers can lie far apart.
_FAILURES_TO_GIVE_UP = 3


class Poll(msgspec.Struct, frozen=True, gc=False):
    """One status request to send now. The caller must then call `observe` or `abandon`."""

    job_id: str


class Tracker:
    """Follows many jobs at once. Pure: the caller gives it the time and the answers.

    Args:
        pacing: When and how fast to poll.
        timeout: How long a job may run, and how long the watch may see no change at all while
            jobs wait, in seconds; None for no limit.
        pacer: Decides the account's rate. Trackers of the same account share one.
        durations: The learned run times. Trackers of the same account share them. By default only
            the published ranges are known.

    Attributes:
        tally: What has been counted.
        arrivals: How jobs have come in, and how many are still to come.
    """

    def __init__(
        self,
        *,
        pacing: Pacing,
        timeout: float | None,
        pacer: Pacer,
        durations: Durations | None = None,
    ) -> None:
        self._pacing = pacing
        self._timeout = _NEVER if timeout is None else timeout
        self._pacer = pacer
        self._schedule = Schedule(
            pacing, Durations() if durations is None else durations, self._timeout
        )
        self._members = Membership()
        self._in_flight = 0
        self._next_start = float("-inf")
        # The pacer spaces the account's requests; a watch that is to be slower spaces its own. No two
        # start at the same instant, so that they are answered in the same order in each run.
        slower = pacing.max_rate < pacer.max_rate
        self._gap = 1 / pacing.max_rate if slower else min(0.001, 0.5 / pacing.max_rate)
        self.tally: Tally = Tally()
        self.arrivals: Arrivals = Arrivals()
        # These times are on a clock that stops while the consumer keeps the watch from polling. It is
        # behind by `_paused`.
        self._paused = 0.0
        self._changed_at = float("-inf")
        self._described_at = float("-inf")
        # Whether all waiting jobs are being polled, as the timeout is near.
        self._swept = False
        self._host = Host(self._timeout)
        self._timestamps = Timestamps(self._host.clock)

    def expect_callbacks(self) -> None:
        """Take in callbacks as well as answers: see `observe`, `hint` and `newcomers`.

        It must be called before the first job comes in.
        """
        self._members.expect_callbacks()
        self._schedule.expect_callbacks()

    # -- Membership

    @property
    def active(self) -> int:
        """How many jobs have not ended."""
        return len(self._members.jobs)

    def add(self, now: float, item: str | Job, *, seen_at: float | None = None) -> list[JobEvent]:
        """Watch one more job. One that is or was watched changes nothing.

        If very many jobs have ended, only the last are remembered; see `EndedIds`.

        The status of a `Job` is taken as known and makes no event, unless the job has ended, which is
        reported at once and without a request.

        Args:
            now: The time, in seconds.
            item: The job, or its id.
            seen_at: When the API was asked for what the `Job` says, in seconds, if its status is news:
                then it is reported, whatever it is.

        Raises:
            InvalidJobId: `item` is no `Job` and can't be a job id.
        """
        given = item if isinstance(item, Job) else None
        job_id = check_job_id(item if given is None else given.job_id)
        if job_id in self._members:
            return []
        job = self._take_in(now, job_id)
        events = []
        if given is not None:
            self._schedule.note_task_type(job, given.task_type)
            if given.status in VERDICTS:
                # Another watch gave it up; this one polls it anew.
                self._schedule.add(now, job)
                return []
            if given.status.is_terminal:
                return [self._emit(now, job, given)]
            if given.status is JobStatus.UNKNOWN:
                job.ensure_extra().words = (given.raw_status,)
            else:
                job.place = given.status
            if seen_at is None:
                job.status = given.status
                self.tally.moved(None, given.status)
            else:
                events.append(self._emit(now, job, given))
        self._schedule.add(now, job)
        if seen_at is not None:
            job.looked_at, job.is_seen = seen_at, True
        return in_queue(events, self._schedule.queue.place_of(job))

    def knows(self, job_id: str) -> bool:
        """Whether a job is being watched, or has ended."""
        return job_id in self._members

    @property
    def known(self) -> int:
        """How many jobs are watched or have ended."""
        return len(self._members)

    def restore(
        self,
        now: float,
        job_id: str,
        *,
        status: JobStatus | None,
        place: JobStatus | None,
        words: tuple[str, ...],
    ) -> None:
        """Continue to watch a job of an earlier watch.

        `status` is that of its last event. `place` is the last reported status that has a place in
        the order of statuses; `words` are the unknown ones that were reported.
        """
        job = self._take_in(now, job_id)
        job.status, job.place = status, place
        if words:
            job.ensure_extra().words = words
        if status is not None:
            self.tally.moved(None, status)
        self._schedule.add(now, job)

    def restore_ended(self, job_id: str) -> None:
        """Remember a job that ended in an earlier watch: it is never polled again."""
        self._members.ended.add(job_id)

    def remove(self, job_id: str) -> None:
        """Stop watching a job. It makes no more events, and may be added again.

        Raises:
            KeyError: It isn't watched: it never was, or has ended.
        """
        job = self._members.jobs.pop(job_id)
        self.tally.left(job.status)
        if job.is_in_flight:
            self._members.leave_in_flight(job)
        else:
            self._schedule.drop(job)

    def _take_in(self, now: float, job_id: str) -> Watched:
        self.arrivals.came(now)
        job = self._members.join(job_id)
        self.tally.unseen += 1
        self._changed_at = max(self._changed_at, now - self._paused)
        self._swept = False
        return job

    def newcomers(self) -> list[str]:
        """The jobs that have come in since the last call; none where no callbacks are expected."""
        return self._members.newcomers()

    # -- Polls and their answers

    def due(self, now: float) -> Poll | float:
        """The poll to send now, or else the time at which to call again, in seconds.

        It is inf if only a new job or the end of a request can change the answer.
        """
        stalled_at = _NEVER if self._swept else self._stalled_at
        if now >= stalled_at:
            self._swept = True
            self._schedule.poll_waiting(now)
        at = self._schedule.next_due(now)
        if at > now:
            later = at if at < stalled_at or self._swept else stalled_at
            return later if self.active else _NEVER
        if self._in_flight >= self._pacing.max_in_flight:
            return _NEVER
        at = self._pacer.ready_at(now)
        if at < self._next_start:
            at = self._next_start
        if at > now:
            return at
        job = self._schedule.take(now)
        self._pacer.start(now)
        self._next_start = now + self._gap
        self._in_flight += 1
        return Poll(job.job_id)

    def abandon(self, now: float, poll: Poll) -> None:
        """A poll was cancelled before its answer came: the job is due again."""
        self._in_flight -= 1
        self._pacer.abandon()
        left = self._members.take_left(poll.job_id)
        if left is not None:
            self._drop(left)
            return
        self._schedule.limited(now, self._members.jobs[poll.job_id])

    def observe(self, now: float, seen: Observation) -> list[JobEvent]:
        """Take in the answer to a poll, or a callback; return the events that it makes, in order.

        Raises:
            ApiError: The API refuses in a way that concerns every job (401, 402, 403), or the
                host isn't the API.
            ConfigurationError: The host's certificate can't be verified.
            HostUnreachableError: The host has given no answer at all for the whole timeout.
        """
        if seen.is_reported:
            return self._on_callback(now, seen)
        left = self._members.take_left(seen.job_id)
        job = self._members.jobs[seen.job_id] if left is None else left
        self._in_flight -= 1
        meaning = seen.meaning
        limited = meaning is PollMeaning.LIMITED
        self._pacer.finish(now, signal_of(seen.answer, limited=limited))
        if not limited:
            job.polled_at = now
        self.tally.count(seen, is_retry=job.failures > 0)
        self._host.check(seen)
        self._host.observe(now - self._paused, seen)
        if left is not None:
            self._drop(left)
            return []
        if meaning is PollMeaning.SEEN:
            return self._on_seen(now, job, seen)
        if meaning is PollMeaning.MISSING:
            return self._on_missing(now, job, seen)
        return self._on_failure(now, job, seen)

    def hint(self, now: float, job_id: str) -> None:
        """An unverified callback says that a job has changed: poll it soon, if it is watched."""
        if (job := self._members.jobs.get(job_id)) is not None:
            self._schedule.hint(now, job)

    def resume(self, paused: float) -> None:
        """The consumer kept the watch from polling for this many seconds: they don't count."""
        self._paused += paused

    def _drop(self, left: Watched) -> None:
        """The last poll has ended of a job that isn't watched any more."""
        if left.status is None or not left.status.is_terminal:
            self._schedule.drop(left)

    # -- What there is to say

    @property
    def price(self) -> float:
        """What is really being paid for a request now, in seconds of delay."""
        return self._schedule.price

    @property
    def server_speed(self) -> float:
        """How many seconds pass on the server's clock while one passes on ours."""
        return self._host.clock.speed

    def time_left(self, now: float | None = None) -> TimeLeft | None:
        """The time until the end of the last job is reported; None if no job is watched.

        Without a time, it is as of the last answer.
        """
        if not self.active:
            return None
        if now is None:
            now = max(self._described_at + self._paused, 0.0)
        coming = self.arrivals.coming(self.known, self.tally)
        left = self._schedule.time_left(now, self._members.jobs.values(), coming)
        if coming:
            # They come at most as fast as so far, and the last of them has yet to run.
            left = left.at_least(self.arrivals.seconds_for(coming) + self._schedule.usual_run)
        # Each job has to be polled at least once more, at a rate that may change.
        return left.at_least((self.active + coming) / self._pacer.rate)

    def explain(self, now: float, job_id: str) -> Explanation:
        """Why a job is next polled when it is.

        Raises:
            KeyError: The job is not watched.
        """
        if job_id in self._members.ended:
            return Explanation(job_id, None, "it has ended, and is never polled again", {})
        job = self._members.jobs[job_id]
        place = self._schedule.queue.place_of(job)
        if job.is_in_flight:
            return Explanation(job_id, now, "it is being polled at this moment", {}, place)
        sentence, numbers = self._schedule.explain(now, job)
        due = job.due if job.is_scheduled else None
        if due is not None and due <= now:
            sentence += f"; it is due, and the pace ({self._pacer.why.value}) holds it back"
        return Explanation(job_id, due, sentence, numbers, place)

    # -- What each kind of answer does

    def _on_callback(self, now: float, seen: Observation) -> list[JobEvent]:
        """Take in a verified callback; a poll of the job may be in flight."""
        status, job = seen.status, self._members.jobs.get(seen.job_id)
        assert status is not None  # noqa: S101 - for the type checker: SEEN comes with it
        if job is not None:
            events = self._on_seen(now, job, seen)
            if status.is_terminal:
                self.tally.ended_by_callback += 1
                if job.is_in_flight:
                    self._members.leave_in_flight(job)
            return events
        if status.is_terminal:
            self._schedule.callback_repeated(now, seen.job_id)
        return []

    def _on_seen(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        body, status = seen.body, seen.status
        assert body is not None and status is not None  # noqa: S101, PT018 - SEEN comes with both
        attentive = now - self._paused
        self._described_at = attentive
        job.recovered()
        events = []
        if job.is_news(status, body["status"]):
            self._changed_at = attentive
            self._swept = False
            between = self._timestamps.changed_between(now, job, status, body)
            if status.is_terminal:
                self._schedule.note_task_type(job, body.get("task_type"))
                reported_at = seen.answer.received_at if seen.is_reported else None
                end = self._timestamps.end(now, job, body)
                has_run = status is JobStatus.COMPLETED or end[0] is not None
                self._schedule.ended(now, job, *end, has_run=has_run, reported_at=reported_at)
            state = decode_job(body, job.job_id)
            events.append(self._emit(now, job, state, between))
            if status.is_terminal:
                return events
        seen_before, looked_before = job.seen_at, job.looked_at
        if seen.is_reported:
            # A callback may be late, so it doesn't say how the job is now. A poll in flight will.
            if events and is_running(status) and not job.is_in_flight:
                stamp = decode_stamp(body, "started_at")
                started_at = self._timestamps.started_at(now, job, stamp, seen_before)
                self._schedule.reported_running(now, job, started_at)
            return events
        if status is JobStatus.UNKNOWN or status is job.place:
            # It was true when the request was sent. What is behind the job's place is out of date.
            job.looked_at, job.is_seen = seen.answer.sent_at, True
        self._schedule.note_task_type(job, body.get("task_type"))
        stamp = decode_stamp(body, "started_at")
        runs = stamp is not None or (job.place is not None and is_running(job.place))
        if runs:
            started_at = self._timestamps.started_at(now, job, stamp, seen_before)
            deadline = started_at + self._timeout
        else:
            # A staged job no longer waits, but its run has yet to begin.
            started_at = now
            deadline = self._stalled_at
        if now >= deadline:
            long = f"{self._timeout:g} s"
            stalled = f"no job of this watch has changed for {long}"
            reason = f"still running {long} after its start" if runs else stalled
            last = decode_job(body, job.job_id)
            events.append(self._give_up(now, job, last, JobStatus.TIMED_OUT, 0, reason))
        elif runs or job.place is JobStatus.STAGED:
            self._schedule.running(now, job, started_at, looked_before)
        else:
            self._schedule.waiting(now, job, deadline, looked_before)
            events = in_queue(events, self._schedule.queue.place_of(job))
        return events

    @property
    def _stalled_at(self) -> float:
        """When waiting jobs will have waited too long without any change of any job."""
        if self._timeout == _NEVER:
            return _NEVER
        return self._changed_at + self._timeout + self._paused

    def _on_missing(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        self._described_at = now - self._paused
        missing_since = job.missing_since
        job.recovered()
        job.ensure_extra().missing_since = now if missing_since is None else missing_since
        if missing_since is None:
            self._schedule.missing(now, job, now + _MISSING_POLLED_AGAIN_AFTER)
            return []
        believed_at = missing_since + _MISSING_BELIEVED_AFTER
        if now < believed_at:
            self._schedule.missing(now, job, believed_at)
            return []
        error = seen.error
        assert error is not None  # noqa: S101 - for the type checker: MISSING comes with it
        if not self._host.is_api:
            # The same page for every job, and nothing that the API would say: it isn't the API.
            message = f"what answers is not the API; is the base URL right? ({error})"
            raise UnexpectedAnswerError(message, status_code=404, content=error.content)
        last, code = Job(job_id=job.job_id), error.status_code or 404
        return [self._give_up(now, job, last, JobStatus.NOT_FOUND, code, str(error))]

    def _on_failure(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        extra = job.ensure_extra()
        extra.failures += 1
        if extra.trouble_since is None:
            extra.trouble_since = now - self._paused
        # A 429 says nothing about this job. It counts against a job only while no job at all gets
        # an answer.
        limited = seen.meaning is PollMeaning.LIMITED
        since = max(extra.trouble_since, self._described_at) if limited else extra.trouble_since
        deadline = since + self._timeout + self._paused
        if now >= deadline and extra.failures >= _FAILURES_TO_GIVE_UP:
            reason = f"no usable answer for {self._timeout:g} s; the last: {seen.error}"
            last = Job(job_id=job.job_id)
            return [self._give_up(now, job, last, JobStatus.TIMED_OUT, 0, reason)]
        if limited:
            self._schedule.limited(now, job)
        else:
            may_hurry = self._pacer.allow_retry()
            self._schedule.failed(now, job, deadline, may_hurry=may_hurry)
        return []

    def _give_up(
        self, now: float, job: Watched, last: Job, verdict: JobStatus, code: int, reason: str
    ) -> JobEvent:
        """End a job that can't be followed, with a verdict of the watch's own."""
        error = JobError(code=code, message=reason)
        self._schedule.removed(job)
        return self._emit(now, job, attrs.evolve(last, status=verdict, error=error))

    def _emit(
        self,
        now: float,
        job: Watched,
        state: Job,
        between: tuple[float | None, float] | None = None,
    ) -> JobEvent:
        """Make the event of a change; the only place that does. A terminal one ends the watching."""
        self.tally.events += 1
        self.tally.moved(job.status, state.status)
        event = JobEvent(
            job_id=job.job_id,
            status=state.status,
            previous=job.status,
            job=state,
            observed_at=now,
            changed_between=(job.seen_at, now) if between is None else between,
        )
        job.status = state.status
        if state.status.is_terminal:
            self._members.end(job)
        return event
