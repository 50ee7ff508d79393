"""The tracker: from observations to events, and the next poll.

Data flows one way: ids come in by `add`, `due` says what to ask now, what came of it goes in by
`observe`, and events come out. All of a watch's knowledge is in here; whoever drives it only carries
requests and answers, and tells the time.
"""

from __future__ import annotations

import attrs

from legnext_stream.core.answers import NoReply, Observation, Verdict
from legnext_stream.core.decoding import Body, decode_job, decode_time
from legnext_stream.core.events import JobEvent
from legnext_stream.core.hints import parse_http_date
from legnext_stream.core.ids import check_job_id
from legnext_stream.core.jobs import Job, JobError, JobStatus
from legnext_stream.core.lifecycle import is_ahead, is_running
from legnext_stream.core.pace import Pacer
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.schedule import Schedule
from legnext_stream.core.signals import signal_of
from legnext_stream.core.stats import Tally
from legnext_stream.core.watched import Watched
from legnext_stream.errors import HostUnreachableError, UnexpectedAnswerError

_NEVER = float("inf")
# A job may become visible a moment after its submit, so a 404 is believed only when it has been
# repeated over this many seconds.
_MISSING_BELIEVED_AFTER = 5.0
_MISSING_ASKED_AGAIN_AFTER = 2.0
# A job is given up for failed polls only after this many in a row, however long they took: when
# requests are scarce, a few bad answers can lie far apart.
_FAILURES_TO_GIVE_UP = 3
# An age beyond this can't be: jobs are kept for three days. It says that two clocks are at odds.
_OLDEST = 3 * 86400.0


@attrs.frozen
class Poll:
    """One status request to be sent now. Whoever takes it owes `observe` or `abandon`."""

    job_id: str


class Tracker:
    """Follows many jobs at once. Pure: it is told the time and the answers.

    Args:
        pacing: When and how fast to ask.
        timeout: How long a job may run, and how long the watch may see no change at all while
            jobs wait, seconds; None for ever.
        pacer: Decides the account's rate; trackers of the same account share one.
    """

    def __init__(self, *, pacing: Pacing, timeout: float | None, pacer: Pacer) -> None:
        self._pacing = pacing
        self._timeout = _NEVER if timeout is None else timeout
        self._pacer = pacer
        self._schedule = Schedule(pacing)
        self._jobs: dict[str, Watched] = {}
        self._ended: set[str] = set()
        self._in_flight = 0
        self._next_start = float("-inf")
        self._sequence = 0
        self.tally: Tally = Tally()
        # Clocks of what concerns the whole watch. They stand still while the consumer keeps it
        # from asking: `_paused` is what to take off.
        self._paused = 0.0
        self._changed_at = float("-inf")
        self._described_at = float("-inf")
        self._silent_since: float | None = None
        self._api_recognised = False

    @property
    def active(self) -> int:
        """How many jobs have not ended."""
        return len(self._jobs)

    def add(self, now: float, item: str | Job) -> list[JobEvent]:
        """Watch one more job; one that is or was watched already changes nothing.

        A `Job` brings its status along: what it says is known and makes no event, unless the job
        has ended, which is told at once and without a request.

        Raises:
            InvalidJobId: `item` is no `Job` and can't be a job id.
        """
        job_id = check_job_id(item.job_id if isinstance(item, Job) else item)
        if job_id in self._jobs or job_id in self._ended:
            return []
        job = Watched(job_id)
        self._jobs[job_id] = job
        self.tally.unseen += 1
        self._changed_at = max(self._changed_at, now - self._paused)
        if isinstance(item, Job):
            if item.status.is_terminal:
                return [self._emit(now, job, item)]
            if item.status is JobStatus.UNKNOWN:
                job.words = (item.raw_status,)
            else:
                job.place = item.status
            job.status = item.status
            self.tally.moved(None, item.status)
        self._schedule.add(now, job)
        return []

    def due(self, now: float) -> Poll | float:
        """The poll to send now, or else the time at which to ask again, seconds.

        An infinite time means that only a new job or an ended request can change the answer.
        """
        at = self._schedule.next_due()
        if at > now:
            return at
        if self._in_flight >= self._pacing.max_in_flight:
            return _NEVER
        if self._next_start > now:
            return self._next_start
        at = self._pacer.ready_at(now)
        if at > now:
            return at
        job = self._schedule.take()
        self._pacer.start(now)
        self._next_start = now + 1 / self._pacing.max_rate
        self._in_flight += 1
        return Poll(job.job_id)

    def abandon(self, now: float, poll: Poll) -> None:
        """A poll was given up before its answer came: nothing was learned, the job is due again."""
        self._in_flight -= 1
        self._pacer.abandon()
        self._schedule.add(now, self._jobs[poll.job_id])

    def observe(self, now: float, seen: Observation) -> list[JobEvent]:
        """Take in what a poll taught; return what is news, in order.

        Raises:
            ApiError: The API refuses in a way that concerns every job (401, 402, 403), or what
                answers is not the API.
            HostUnreachableError: The host has given no answer at all for the whole timeout.
        """
        job = self._jobs[seen.job_id]
        self._in_flight -= 1
        self._pacer.finish(now, signal_of(seen.answer))
        self._count(job, seen)
        if seen.verdict is Verdict.DENIED and seen.error is not None:
            raise seen.error
        attentive = now - self._paused
        self._check_host(attentive, seen)
        match seen.verdict:
            case Verdict.SEEN:
                return self._on_seen(now, job, seen)
            case Verdict.MISSING:
                return self._on_missing(now, job, seen)
            case _:
                return self._on_failure(now, job, seen)

    def resume(self, paused: float) -> None:
        """The consumer kept the watch from asking for so many seconds: they count for nothing."""
        self._paused += paused

    def _count(self, job: Watched, seen: Observation) -> None:
        tally = self.tally
        tally.polls += 1
        tally.retries += job.failures > 0
        tally.rate_limited += seen.verdict is Verdict.LIMITED
        tally.troubles += seen.verdict is Verdict.TROUBLED
        if seen.error is not None:
            tally.last_error = str(seen.error)

    def _check_host(self, attentive: float, seen: Observation) -> None:
        """Tell a host that never answers from one that has trouble."""
        if isinstance(seen.answer, NoReply):
            if self._silent_since is None:
                self._silent_since = attentive - (seen.answer.received_at - seen.answer.sent_at)
            silent = attentive - self._silent_since
            if silent >= self._timeout:
                raise HostUnreachableError(f"no answer for {silent:.0f} s: {seen.answer.reason}")
        else:
            self._silent_since = None
            self._api_recognised = self._api_recognised or seen.recognised

    def _on_seen(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        body, status = seen.body, seen.status
        assert body is not None  # noqa: S101 - for the type checker: SEEN comes with both
        assert status is not None  # noqa: S101
        attentive = now - self._paused
        self._described_at = attentive
        job.trouble_since = job.missing_since = None
        job.failures = 0
        job.polls += 1
        job.unchanged += 1
        events = []
        if self._is_news(job, status, body):
            self._changed_at = attentive
            job.unchanged = 0
            events.append(self._emit(now, job, attrs.evolve(decode_job(body), job_id=job.job_id)))
            if status.is_terminal:
                return events
        job.seen_at = now
        self._note_start(now, job, status, seen)
        if job.running_since is None:
            deadline = self._changed_at + self._timeout + self._paused
            reason = f"no job of this watch has changed for {self._timeout:g} s"
        else:
            deadline = job.running_since + self._timeout
            reason = f"still running {self._timeout:g} s after its start"
        if now >= deadline:
            last = attrs.evolve(decode_job(body), job_id=job.job_id)
            events.append(self._give_up(now, job, last, JobStatus.TIMED_OUT, 0, reason))
        else:
            self._schedule.seen(now, job, deadline)
        return events

    def _is_news(self, job: Watched, status: JobStatus, body: Body) -> bool:
        """Whether an answer shows a change; notes it if so."""
        if status is JobStatus.UNKNOWN:
            word = str(body["status"])
            if word in job.words:
                return False
            job.words += (word,)
            return True
        if not is_ahead(status, job.place):
            return False
        job.place = status
        return True

    def _note_start(self, now: float, job: Watched, status: JobStatus, seen: Observation) -> None:
        """Note when the job began to run, by the API's clock if that makes sense, else by ours."""
        if job.running_since is not None:
            return
        meta = (seen.body or {}).get("meta")
        started = decode_time(meta.get("started_at")) if isinstance(meta, dict) else None
        if started is None and not is_running(status):
            return
        age = 0.0
        asked = None if isinstance(seen.answer, NoReply) else seen.answer.headers.get("date")
        if started is not None and asked is not None:
            at = parse_http_date(asked)
            if at is not None and 0 <= at - started.timestamp() <= _OLDEST:
                age = at - started.timestamp()
        job.running_since = now - age

    def _on_missing(self, now: float, job: Watched, seen: Observation) -> list[JobEvent]:
        attentive = now - self._paused
        self._described_at = attentive
        job.trouble_since = None
        job.failures = 0
        if job.missing_since is None:
            job.missing_since = now
            self._schedule.missing(now, job, now + _MISSING_ASKED_AGAIN_AFTER)
            return []
        believed_at = job.missing_since + _MISSING_BELIEVED_AFTER
        if now < believed_at:
            self._schedule.missing(now, job, believed_at)
            return []
        if not self._api_recognised:
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
        job.failures += 1
        if job.trouble_since is None:
            job.trouble_since = attentive
        # Being told to slow down says nothing about this job; it counts against a job only
        # while no job at all gets an answer.
        limited = seen.verdict is Verdict.LIMITED
        since = max(job.trouble_since, self._described_at) if limited else job.trouble_since
        deadline = since + self._timeout + self._paused
        if now >= deadline and job.failures >= _FAILURES_TO_GIVE_UP:
            reason = f"no usable answer for {self._timeout:g} s; the last: {seen.error}"
            last = Job(job_id=job.job_id)
            return [self._give_up(now, job, last, JobStatus.TIMED_OUT, 0, reason)]
        if limited:
            self._schedule.limited(now, job)
        else:
            self._schedule.failed(now, job, deadline)
        return []

    def _give_up(
        self, now: float, job: Watched, last: Job, verdict: JobStatus, code: int, reason: str
    ) -> JobEvent:
        """End a job that can't be followed, by the watcher's own verdict."""
        error = JobError(code=code, message=reason)
        return self._emit(now, job, attrs.evolve(last, status=verdict, error=error))

    def _emit(self, now: float, job: Watched, state: Job) -> JobEvent:
        """Make the event of a change; the only place that does. A terminal one ends the watching."""
        self._sequence += 1
        self.tally.events += 1
        self.tally.moved(job.status, state.status)
        event = JobEvent(
            job_id=job.job_id,
            status=state.status,
            previous=job.status,
            job=state,
            observed_at=now,
            changed_between=(job.seen_at, now),
            sequence=self._sequence,
        )
        job.status = state.status
        if state.status.is_terminal:
            del self._jobs[job.job_id]
            self._ended.add(job.job_id)
        return event
