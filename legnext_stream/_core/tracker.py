"""The tracker: from observations to events, and the next poll.

Data flows one way: ids come in by `add`, `due` says what to ask now, what came of it goes in by
`observe`, and events come out. All of a watch's knowledge is in here; whoever drives it only carries
requests and answers, and tells the time.
"""

from __future__ import annotations

import attrs
import msgspec

from legnext_stream._core.answers import Observation, PollMeaning, signal_of
from legnext_stream._core.ended import EndedIds
from legnext_stream._core.host import Host
from legnext_stream._core.model.decoding import Body, decode_job, decode_stamp
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.explanation import Explanation
from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import VERDICTS, Job, JobError, JobStatus
from legnext_stream._core.model.lifecycle import is_ahead, is_running
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule import Schedule
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.schedule.time_left import TimeLeft
from legnext_stream._core.stats import Tally
from legnext_stream._core.timestamps import Stamps
from legnext_stream._core.watched import Watched
from legnext_stream.errors import UnexpectedAnswerError

_NEVER = float("inf")
# A job may become visible a moment after its submit, so a 404 is believed only when it has been
# repeated over this many seconds.
_MISSING_BELIEVED_AFTER = 5.0
_MISSING_ASKED_AGAIN_AFTER = 2.0
# A job is given up for failed polls only after this many in a row, however long they took: when
# requests are scarce, a few bad answers can lie far apart.
_FAILURES_TO_GIVE_UP = 3
# A job that has a new unknown word at each poll would make events, and memory, without end.
_MOST_WORDS = 32


class Poll(msgspec.Struct, frozen=True, gc=False):
    """One status request to be sent now. Whoever takes it owes `observe` or `abandon`."""

    job_id: str


class Tracker:
    """Follows many jobs at once. Pure: it is told the time and the answers.

    Args:
        pacing: When and how fast to ask.
        timeout: How long a job may run, and how long the watch may see no change at all while
            jobs wait, seconds; None for ever.
        pacer: Decides the account's rate; trackers of the same account share one.
        durations: What is known of run times; trackers of the same account share it. By default
            nothing but the published ranges.
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
        self._jobs: dict[str, Watched] = {}
        self._ended = EndedIds()
        # Jobs whose callbacks may have come before them; None where no callbacks are expected.
        self._newcomers: list[str] | None = None
        # Jobs that were removed while a poll of them was under way; of one id there are several if
        # it was added again, asked about again and removed again before the first answer.
        self._left: dict[str, list[Watched]] = {}
        self._in_flight = 0
        self._next_start = float("-inf")
        # The pacer spaces the account's requests; a watch that is to be slower spaces its own. No two
        # start at the same instant, so that they arrive, and are told, in the same order in each run.
        slower = pacing.max_rate < pacer.max_rate
        self._gap = 1 / pacing.max_rate if slower else min(0.001, 0.5 / pacing.max_rate)
        self.tally: Tally = Tally()
        # Clocks of what concerns the whole watch. They stand still while the consumer keeps it
        # from asking: `_paused` is what to take off.
        self._paused = 0.0
        self._changed_at = float("-inf")
        self._described_at = float("-inf")
        self._recalled = False
        self._host = Host(self._timeout)
        self._stamps = Stamps(self._host.clock)

    def expect_callbacks(self) -> None:
        """Take in callbacks as well as answers: see `observe`, `hint` and `newcomers`.

        Called before the first job comes in.
        """
        self._newcomers = []
        self._schedule.expect_callbacks()

    @property
    def active(self) -> int:
        """How many jobs have not ended."""
        return len(self._jobs)

    def add(self, now: float, item: str | Job, *, seen_at: float | None = None) -> list[JobEvent]:
        """Watch one more job; one that is or was watched already changes nothing.

        Of very many jobs that have ended the last are remembered; see `EndedIds`.

        A `Job` brings its status along: what it says is known and makes no event, unless the job
        has ended, which is told at once and without a request.

        Args:
            now: The time, seconds.
            item: The job, or its id.
            seen_at: When the API was asked for what a `Job` says, seconds, if that is news: then it
                is told, whatever it is.

        Raises:
            InvalidJobId: `item` is no `Job` and can't be a job id.
        """
        given = item if isinstance(item, Job) else None
        job_id = check_job_id(item if given is None else given.job_id)
        if self.knows(job_id):
            return []
        job = self._take_in(now, job_id)
        events = []
        if given is not None:
            self._schedule.name_type(job, given.task_type)
            if given.status in VERDICTS:
                # Some watch gave it up; this one asks anew.
                self._schedule.add(now, job)
                return []
            if given.status.is_terminal:
                return [self._emit(now, job, given)]
            if given.status is JobStatus.UNKNOWN:
                job.oddities().words = (given.raw_status,)
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
        return events

    def knows(self, job_id: str) -> bool:
        """Whether a job is being watched, or has ended."""
        return job_id in self._jobs or job_id in self._ended

    @property
    def known(self) -> int:
        """How many jobs are watched or have ended."""
        return len(self._jobs) + len(self._ended)

    def restore(
        self,
        now: float,
        job_id: str,
        *,
        status: JobStatus | None,
        place: JobStatus | None,
        words: tuple[str, ...],
    ) -> None:
        """Go on watching a job of an earlier watch, from what its consumer was told.

        Args:
            now: The time.
            job_id: The job.
            status: What the last event said, or None.
            place: The last status told that has a place in the order, or None.
            words: The unknown words told.
        """
        job = self._take_in(now, job_id)
        job.status, job.place = status, place
        if words:
            job.oddities().words = words
        if status is not None:
            self.tally.moved(None, status)
        self._schedule.add(now, job)

    def restore_ended(self, job_id: str) -> None:
        """Remember a job whose end an earlier watch has seen: it is never asked about again."""
        self._ended.add(job_id)

    def remove(self, job_id: str) -> None:
        """Watch a job no longer; it makes no more events, and may be added anew.

        Raises:
            KeyError: It isn't watched: it never was, or has ended.
        """
        job = self._jobs.pop(job_id)
        self.tally.left(job.status)
        if job.is_asked:
            self._left.setdefault(job_id, []).append(job)
        else:
            self._schedule.drop(job)

    def _take_in(self, now: float, job_id: str) -> Watched:
        job = Watched(job_id)
        self._jobs[job_id] = job
        if self._newcomers is not None:
            self._newcomers.append(job_id)
        self.tally.unseen += 1
        self._changed_at = max(self._changed_at, now - self._paused)
        self._recalled = False
        return job

    def due(self, now: float) -> Poll | float:
        """The poll to send now, or else the time at which to ask again, seconds.

        An infinite time means that only a new job or an ended request can change the answer.
        """
        stalled_at = _NEVER if self._recalled else self._stalled_at
        if now >= stalled_at:
            self._recalled = True
            self._schedule.recall(now)
        at = self._schedule.next_due(now)
        if at > now:
            return at if at < stalled_at or self._recalled or not self._jobs else stalled_at
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
        """A poll was given up before its answer came: nothing was learned, the job is due again."""
        self._in_flight -= 1
        self._pacer.abandon()
        left = self._take_left(poll.job_id)
        if left is not None:
            self._drop(left)
            return
        self._schedule.limited(now, self._jobs[poll.job_id])

    def observe(self, now: float, seen: Observation) -> list[JobEvent]:
        """Take in what a poll or a callback taught; return what is news, in order.

        Raises:
            ApiError: The API refuses in a way that concerns every job (401, 402, 403), or what
                answers is not the API.
            HostUnreachableError: The host has given no answer at all for the whole timeout.
        """
        if seen.is_reported:
            return self._on_told(now, seen)
        left = self._take_left(seen.job_id)
        job = self._jobs[seen.job_id] if left is None else left
        self._in_flight -= 1
        meaning = seen.meaning
        limited = meaning is PollMeaning.LIMITED
        self._pacer.finish(now, signal_of(seen.answer, limited=limited))
        if not limited:
            job.polled_at = now
        self._count(job, seen)
        if seen.error is not None and meaning is PollMeaning.DENIED:
            raise seen.error
        self._host.observe(now - self._paused, seen)
        if left is not None:
            self._drop(left)
            return []
        if meaning is PollMeaning.SEEN:
            return self._on_seen(now, job, seen)
        if meaning is PollMeaning.MISSING:
            return self._on_missing(now, job, seen)
        return self._on_failure(now, job, seen)

    def newcomers(self) -> list[str]:
        """The jobs that have come in since this was last asked; none where there are no callbacks."""
        if not self._newcomers:
            return []
        newcomers, self._newcomers = self._newcomers, []
        return newcomers

    def hint(self, now: float, job_id: str) -> None:
        """Something may have become of a job: ask soon, though not as often as hints may come.

        For callbacks whose signature wasn't checked. One about a job that isn't watched is nothing.
        """
        job = self._jobs.get(job_id)
        if job is not None:
            self._schedule.hint(now, job)

    def _drop(self, left: Watched) -> None:
        """A poll of a job that isn't watched any more has ended; if the job has, nobody has it."""
        if left.status is None or not left.status.is_terminal:
            self._schedule.drop(left)

    def _take_left(self, job_id: str) -> Watched | None:
        """The job that a poll was about, if it was removed, or its end was told, meanwhile."""
        left = self._left.get(job_id)
        if left is None:
            return None
        job = left.pop(0)
        if not left:
            del self._left[job_id]
        return job

    @property
    def price(self) -> float:
        """What is really being paid for a request now, in seconds of delay."""
        return self._schedule.price

    def time_left(self, now: float | None = None) -> TimeLeft | None:
        """How long it will be until the last job has ended, and been told; None if none is watched.

        Args:
            now: The time; by default that of the last answer.
        """
        if not self._jobs:
            return None
        if now is None:
            now = max(self._described_at + self._paused, 0.0)
        left = self._schedule.time_left(now, self._jobs.values())
        # Each has to be asked about once more at least, at a rate that may change.
        return left.at_least(len(self._jobs) / self._pacer.rate)

    def explain(self, now: float, job_id: str) -> Explanation:
        """Say why a job is next polled when it is.

        Raises:
            KeyError: The job is not watched.
        """
        if job_id in self._ended:
            return Explanation(job_id, None, "it has ended, and is never asked about again", {})
        job = self._jobs[job_id]
        if job.is_asked:
            return Explanation(job_id, now, "it is being asked about at this moment", {})
        sentence, numbers = self._schedule.explain(now, job)
        due = job.due if job.is_minded else None
        if due is not None and due <= now:
            sentence += f"; overdue: the pace ({self._pacer.why.value}) holds it back"
        return Explanation(job_id, due, sentence, numbers)

    def resume(self, paused: float) -> None:
        """The consumer kept the watch from asking for so many seconds: they count for nothing."""
        self._paused += paused

    def _count(self, job: Watched, seen: Observation) -> None:
        tally = self.tally
        tally.polls += 1
        tally.retries += job.failures > 0
        if seen.error is not None:
            tally.rate_limited += seen.meaning is PollMeaning.LIMITED
            tally.troubles += seen.meaning is PollMeaning.TROUBLED
            tally.last_error = str(seen.error)

    def _on_told(self, now: float, seen: Observation) -> list[JobEvent]:
        """Take in what a verified callback says; a poll of the job may be under way."""
        status, job = seen.status, self._jobs.get(seen.job_id)
        assert status is not None  # noqa: S101 - for the type checker: SEEN comes with it
        if job is not None:
            events = self._on_seen(now, job, seen)
            if status.is_terminal:
                self.tally.told += 1
                if job.is_asked:
                    self._left.setdefault(job.job_id, []).append(job)
            return events
        if status.is_terminal:
            self._schedule.ended_unasked(now, seen.job_id)
        return []

    def _on_seen(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        body, status = seen.body, seen.status
        assert body is not None  # noqa: S101 - for the type checker: SEEN comes with both
        assert status is not None  # noqa: S101 - for the type checker, too
        attentive = now - self._paused
        self._described_at = attentive
        job.recovered()
        events = []
        if self._is_news(job, status, body):
            self._changed_at = attentive
            self._recalled = False
            between = self._stamps.changed_between(now, job, status, body)
            if status.is_terminal:
                self._schedule.name_type(job, body.get("task_type"))
                told_at = seen.answer.received_at if seen.is_reported else None
                self._schedule.ended(now, job, *self._stamps.end(now, job, body), told_at=told_at)
            state = decode_job(body, job.job_id)
            events.append(self._emit(now, job, state, between))
            if status.is_terminal:
                return events
        seen_before = job.seen_at
        if seen.is_reported:
            # It may be late: how the job is now it doesn't say, and if a poll is under way, that will.
            if events and is_running(status) and not job.is_asked:
                stamp = decode_stamp(body, "started_at")
                started_at = self._stamps.started_at(now, job, stamp, seen_before)
                self._schedule.told_running(now, job, started_at)
            return events
        if status is JobStatus.UNKNOWN or status is job.place:
            # What was told may have been so when the request was sent, and changed on the answer's
            # way. An answer from behind the job's place is out of date, and says nothing about now.
            job.looked_at, job.is_seen = seen.answer.sent_at, True
        self._schedule.name_type(job, body.get("task_type"))
        stamp = decode_stamp(body, "started_at")
        runs = stamp is not None or (job.place is not None and is_running(job.place))
        if runs:
            started_at = self._stamps.started_at(now, job, stamp, seen_before)
            deadline = started_at + self._timeout
        else:
            # Staged, it has left the line but its run is yet to begin.
            started_at = now
            deadline = self._stalled_at
        if now >= deadline:
            long = f"{self._timeout:g} s"
            stalled = f"no job of this watch has changed for {long}"
            reason = f"still running {long} after its start" if runs else stalled
            last = decode_job(body, job.job_id)
            events.append(self._give_up(now, job, last, JobStatus.TIMED_OUT, 0, reason))
        elif runs or job.place is JobStatus.STAGED:
            self._schedule.running(now, job, started_at)
        else:
            self._schedule.waiting(now, job, deadline)
        return events

    @property
    def _stalled_at(self) -> float:
        """When the jobs that wait will have waited too long without any change of any job."""
        if self._timeout == _NEVER:
            return _NEVER
        return self._changed_at + self._timeout + self._paused

    def _is_news(self, job: Watched, status: JobStatus, body: Body) -> bool:
        """Whether an answer shows a change; notes it if so."""
        if status is JobStatus.UNKNOWN:
            word = str(body["status"])
            if word in job.words or len(job.words) >= _MOST_WORDS:
                return False
            job.oddities().words += (word,)
            return True
        if status is job.place or not is_ahead(status, job.place):
            return False
        job.place = status
        return True

    def _on_missing(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        attentive = now - self._paused
        self._described_at = attentive
        missing_since = job.missing_since
        job.recovered()
        job.oddities().missing_since = now if missing_since is None else missing_since
        if missing_since is None:
            self._schedule.missing(now, job, now + _MISSING_ASKED_AGAIN_AFTER)
            return []
        believed_at = missing_since + _MISSING_BELIEVED_AFTER
        if now < believed_at:
            self._schedule.missing(now, job, believed_at)
            return []
        if not self._host.is_api:
            # The same page for every job, and nothing that the API would say: not the API.
            message = f"what answers is not the API; is the base URL right? ({seen.error})"
            content = None if seen.error is None else seen.error.content
            raise UnexpectedAnswerError(message, status_code=404, content=content)
        error = seen.error
        code = 404 if error is None or error.status_code is None else error.status_code
        last = Job(job_id=job.job_id)
        return [self._give_up(now, job, last, JobStatus.NOT_FOUND, code, str(error))]

    def _on_failure(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        attentive = now - self._paused
        odd = job.oddities()
        odd.failures += 1
        if odd.trouble_since is None:
            odd.trouble_since = attentive
        # Being told to slow down says nothing about this job; it counts against a job only
        # while no job at all gets an answer.
        limited = seen.meaning is PollMeaning.LIMITED
        since = max(odd.trouble_since, self._described_at) if limited else odd.trouble_since
        deadline = since + self._timeout + self._paused
        if now >= deadline and odd.failures >= _FAILURES_TO_GIVE_UP:
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
        """End a job that can't be followed, by the watcher's own verdict."""
        error = JobError(code=code, message=reason)
        self._schedule.gone(job)
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
            del self._jobs[job.job_id]
            self._ended.add(job.job_id)
        return event
