"""The tracker as a state machine: whatever is done to it, in whatever order, its laws hold.

Two trackers share a pacer and what is known of run times, as two watches of one account do; one of them
has a receiver of webhooks. Hypothesis adds and removes jobs, lets time pass, sends requests and answers
them in any order with anything, and calls back with anything, whether it makes sense or not. A model that remembers only what was reported says what may be reported next.
"""

from __future__ import annotations

import json
import math
from collections import Counter

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from legnext_stream._core.answers import (
    Answer,
    NoReply,
    PollMeaning,
    Reply,
    read_poll,
    reported,
    signal_of,
)
from legnext_stream._core.model.decoding import decode_status
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.lifecycle import is_ahead
from legnext_stream._core.pace import Pacer, RequestKind
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.tracker import Poll, Tracker
from legnext_stream.errors import ApiError, HostUnreachableError
from tests.effort import examples
from tests.legnext_stream.support import job_body

IDS = [f"job-{number}" for number in range(3)]
MAX_RATE = 20.0
MAX_IN_FLIGHT = 4
TIMEOUT = 120.0
# A tracker that polls nothing within this time, in seconds, has forgotten its jobs: no hint and no
# trial request holds it back for longer.
PATIENCE = 1800.0
# Without any news the timeout ends each job; so many polls are far more than that can take.
MOST_POLLS = 20_000
OPEN = [JobStatus.PENDING, JobStatus.STAGED, JobStatus.PROCESSING, JobStatus.RETRY]

ids = st.sampled_from(IDS)
which = st.integers(0, 1)
waits = st.sampled_from([0.001, 0.05, 0.4, 2.0, 6.0]) | st.floats(0, 200)
words = st.sampled_from([*OPEN, "completed", "failed", "paused", "melting", "TIMED_OUT", ""])
stamps = st.sampled_from(
    ["0001-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2030-01-01T00:01:30Z", "9999-12-31T23:59:59Z"]
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": st.sampled_from(["0", "1", "7.5", "9999999", "-1", "soon"]),
        "date": st.sampled_from(["Tue, 01 Jan 2030 00:00:30 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]),
        "x-ratelimit-remaining": st.sampled_from(["0", "3"]),
        "x-ratelimit-reset": st.sampled_from(["1", "60"]),
    },
)
bodies = st.fixed_dictionaries(
    {"status": words},
    optional={
        "task_type": st.sampled_from(["diffusion", "video-upscale", "no-such-type"]),
        "meta": st.fixed_dictionaries({}, optional={"started_at": stamps, "ended_at": stamps}),
    },
)
choices = st.integers(0, 2 * MAX_IN_FLIGHT)
codes = st.sampled_from([200, 204, 302, 400, 404, 408, 410, 429, 429, 500, 503])


@attrs.define
class Known:
    """What the consumer of a tracker knows of one job since it was added."""

    status: JobStatus | None = None
    place: JobStatus | None = None
    words: tuple[str, ...] = ()


@attrs.define(eq=False)
class Side:
    """A tracker, and what a model of it remembers.

    Attributes:
        tracker: The tracker.
        active: What is known of each job that is watched.
        ended: The jobs that have ended.
        asked: The requests under way: the job, and when it was sent.
        events: How many events there were.
    """

    tracker: Tracker
    active: dict[str, Known] = attrs.field(factory=dict)
    ended: set[str] = attrs.field(factory=set)
    asked: list[tuple[Poll, float]] = attrs.field(factory=list)
    events: int = 0

    def reported(self, events: list[JobEvent], now: float) -> None:
        """Take in events, and check that each may follow what was reported before."""
        for event in events:
            self.events += 1
            known = self.active[event.job_id]
            assert event.job.job_id == event.job_id
            assert event.job.status is event.status
            assert event.previous is known.status
            assert event.observed_at == now
            earliest, latest = event.changed_between
            assert latest <= now
            assert earliest is None or earliest <= latest
            if event.status is JobStatus.UNKNOWN:
                assert event.job.raw_status not in known.words
                known.words += (event.job.raw_status,)
            else:
                assert is_ahead(event.status, known.place)
                known.place = event.status
            known.status = event.status
            if event.status.is_terminal:
                del self.active[event.job_id]
                self.ended.add(event.job_id)


class TrackerStates(RuleBasedStateMachine):
    """All that can be done to two trackers of one account."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.pacer = Pacer(max_rate=MAX_RATE, initial_rate=10.0, max_in_flight=MAX_IN_FLIGHT)
        self.durations = Durations()
        self.pacing = Pacing(max_rate=MAX_RATE, max_in_flight=MAX_IN_FLIGHT)
        self.sides: list[Side] = []
        self.submits: list[float] = []
        self.is_over = False

    @initialize(timeout=st.sampled_from([TIMEOUT, None]))
    def begin(self, timeout: float | None) -> None:
        """Two watches begin."""
        self.has_timeout = timeout is not None
        for expects_callbacks in (False, True):
            tracker = Tracker(
                pacing=self.pacing,
                timeout=timeout,
                pacer=self.pacer,
                durations=self.durations,
            )
            if expects_callbacks:
                tracker.expect_callbacks()
            self.sides.append(Side(tracker))

    # What a program does

    @rule(which=which, job_id=ids)
    def add(self, which: int, job_id: str) -> None:
        """An id comes in, perhaps not for the first time."""
        side = self.sides[which]
        assert side.tracker.add(self.now, job_id) == []
        if job_id not in side.ended:
            side.active.setdefault(job_id, Known())

    @rule(which=which, job_id=ids, status=st.sampled_from(JobStatus))
    def add_job(self, which: int, job_id: str, status: JobStatus) -> None:
        """A `Job` comes in, with its status."""
        side = self.sides[which]
        is_new = job_id not in side.ended and job_id not in side.active
        job = Job(job_id=job_id, status=status, raw_status=f"word-{status}")
        if is_new:
            side.active[job_id] = Known()
        events = side.tracker.add(self.now, job)
        side.reported(events, self.now)
        if not is_new:
            assert events == []
        elif status in {JobStatus.COMPLETED, JobStatus.FAILED}:
            assert [event.job for event in events] == [job]
        elif status is JobStatus.UNKNOWN:
            side.active[job_id] = Known(status, None, (job.raw_status,))
        elif not status.is_terminal:
            side.active[job_id] = Known(status, status)

    @rule(
        which=which,
        job_id=ids,
        place=st.none() | st.sampled_from(OPEN),
        words=st.sampled_from([(), ("paused",), ("paused", "melting")]),
    )
    def restore(
        self, which: int, job_id: str, place: JobStatus | None, words: tuple[str, ...]
    ) -> None:
        """A job of an earlier watch is restored."""
        side = self.sides[which]
        if job_id in side.active or job_id in side.ended:
            return
        status = JobStatus.UNKNOWN if words else place
        side.tracker.restore(self.now, job_id, status=status, place=place, words=words)
        side.active[job_id] = Known(status, place, words)

    @rule(which=which, job_id=ids)
    def restore_ended(self, which: int, job_id: str) -> None:
        """A job ended in an earlier watch."""
        side = self.sides[which]
        if job_id not in side.active:
            side.tracker.restore_ended(job_id)
            side.ended.add(job_id)

    @rule(which=which, job_id=ids)
    def remove(self, which: int, job_id: str) -> None:
        """The program removes a job, whether or not it is being polled."""
        side = self.sides[which]
        if side.active.pop(job_id, None) is None:
            with pytest.raises(KeyError):
                side.tracker.remove(job_id)
        else:
            side.tracker.remove(job_id)

    @precondition(lambda self: self.in_flight())
    @rule(choice=choices, comes_back=st.booleans())
    def remove_asked(self, choice: int, *, comes_back: bool) -> None:
        """A job is removed while it is being polled, and perhaps added again at once."""
        in_flight = self.in_flight()
        side, (poll, _) = in_flight[choice % len(in_flight)]
        if poll.job_id in side.active:
            side.tracker.remove(poll.job_id)
            del side.active[poll.job_id]
            if comes_back:
                side.tracker.add(self.now, poll.job_id)
                side.active[poll.job_id] = Known()

    @rule(seconds=waits)
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule(which=which, seconds=waits)
    def pause(self, which: int, seconds: float) -> None:
        """The consumer keeps the watch from polling for a while."""
        self.now += seconds
        self.sides[which].tracker.resume(seconds)

    # What the engine does

    @rule(which=which, wakes=st.booleans())
    def send(self, which: int, *, wakes: bool) -> None:
        """The engine sends what is due, and may sleep until then."""
        self.ask(self.sides[which], wakes=wakes)

    def ask(self, side: Side, *, wakes: bool) -> bool:
        """Send what is due; return whether anything was."""
        step = side.tracker.due(self.now)
        if not isinstance(step, Poll):
            assert step > self.now
            if not wakes or step == math.inf:
                return False
            self.now = step
            step = side.tracker.due(self.now)
            if not isinstance(step, Poll):
                return False
        assert step.job_id in side.active
        side.asked.append((step, self.now))
        return True

    @precondition(lambda self: self.in_flight())
    @rule(choice=choices, code=codes, body=bodies, headers=headers)
    def answer(
        self, choice: int, code: int, body: dict[str, object], headers: dict[str, str]
    ) -> None:
        """A request gets an answer: the job, a refusal, or nonsense; in any order."""
        side, poll, sent_at = self.taken(choice)
        content = b"" if code == 204 else json.dumps({**job_body(poll.job_id, ""), **body}).encode()
        if code >= 400:
            content = b'{"code":%d,"message":"no"}' % code
        self.observe(side, poll, Reply(code, headers, content, sent_at, self.now, 1.9e9))

    @rule(which=which, job_id=ids, body=bodies, late=st.sampled_from([0.0, 1.0, 30.0]))
    def call_back(self, which: int, job_id: str, body: dict[str, object], late: float) -> None:
        """A callback about a job, whether or not it is watched or being polled."""
        side, status = self.sides[which], decode_status(body["status"])
        if status is None:
            return
        was_watched = job_id in side.active
        seen = reported(job_id, {**job_body(job_id, ""), **body}, status, self.now - late)
        events = side.tracker.observe(self.now, seen)
        assert {event.job_id for event in events} <= {job_id}
        assert was_watched or not events
        side.reported(events, self.now)
        assert job_id not in side.active or not status.is_terminal

    @rule(which=which, job_id=ids)
    def hint(self, which: int, job_id: str) -> None:
        """An unverified callback about a job."""
        self.sides[which].tracker.hint(self.now, job_id)

    @precondition(lambda self: self.in_flight())
    @rule(choice=choices)
    def no_answer(self, choice: int) -> None:
        """A request gets no answer."""
        side, poll, sent_at = self.taken(choice)
        self.observe(side, poll, NoReply("broken", sent_at, self.now))

    @precondition(lambda self: self.in_flight())
    @rule(choice=choices)
    def abandon(self, choice: int) -> None:
        """A request is cancelled before its answer."""
        side, poll, _ = self.taken(choice)
        side.tracker.abandon(self.now, poll)

    @precondition(lambda self: self.pacer.in_flight < MAX_IN_FLIGHT)
    @rule()
    def submit(self) -> None:
        """The account sends another kind of request meanwhile."""
        if self.pacer.ready_at(self.now, RequestKind.SUBMIT) <= self.now:
            self.pacer.start(self.now, RequestKind.SUBMIT)
            self.submits.append(self.now)

    @precondition(lambda self: self.submits)
    @rule(code=codes)
    def submitted(self, code: int) -> None:
        """And that is answered."""
        reply = Reply(code, {}, b"{}", self.submits.pop(), self.now)
        self.pacer.finish(self.now, signal_of(reply), RequestKind.SUBMIT)

    def in_flight(self) -> list[tuple[Side, tuple[Poll, float]]]:
        """The requests in flight, of both watches."""
        return [(side, asked) for side in self.sides for asked in side.asked]

    def taken(self, choice: int) -> tuple[Side, Poll, float]:
        """One of the requests in flight."""
        in_flight = self.in_flight()
        side, asked = in_flight[choice % len(in_flight)]
        side.asked.remove(asked)
        return side, *asked

    def observe(self, side: Side, poll: Poll, answer: Answer) -> None:
        """Give an answer to its tracker, and check the events."""
        seen = read_poll(poll.job_id, answer)
        was_watched = poll.job_id in side.active
        try:
            events = side.tracker.observe(self.now, seen)
        except HostUnreachableError:
            assert isinstance(answer, NoReply)
            assert self.has_timeout
            self.is_over = True
        except ApiError:
            # A page that says 404 to all: not the API.
            assert seen.meaning is PollMeaning.MISSING
            self.is_over = True
        else:
            assert {event.job_id for event in events} <= {poll.job_id}
            assert was_watched or not events
            side.reported(events, self.now)

    # What holds at any time

    @invariant()
    def counts_agree(self) -> None:
        """The tracker and the model count the same."""
        for side in self.sides:
            tracker = side.tracker
            assert tracker.active == len(side.active)
            assert tracker.known == len(side.active) + len(side.ended)
            assert tracker.tally.events == side.events
            unseen = [known for known in side.active.values() if known.status is None]
            assert tracker.tally.unseen == len(unseen)
            said = Counter(known.status for known in side.active.values() if known.status)
            counted = {
                status: number
                for status, number in tracker.tally.jobs.items()
                if number and not status.is_terminal
            }
            assert counted == said

    @invariant()
    def bounds_hold(self) -> None:
        """As many requests are in flight as were sent, and never more than may be."""
        in_flight = sum(len(side.asked) for side in self.sides) + len(self.submits)
        if not self.is_over:
            assert self.pacer.in_flight == in_flight <= MAX_IN_FLIGHT
        assert 0 < self.pacer.rate <= MAX_RATE
        for side in self.sides:
            assert 0 <= side.tracker.price < math.inf
            left = side.tracker.time_left()
            assert (left is None) == (not side.active)
            assert left is None or 0 <= left.low <= left.middle <= left.high < math.inf

    @invariant()
    def no_job_is_forgotten(self) -> None:
        """If nothing is in flight, each tracker with jobs knows when it will poll."""
        if self.is_over or self.pacer.in_flight:
            return
        for side in self.sides:
            if side.active:
                at = side.tracker.due(self.now)
                if isinstance(at, Poll):
                    # That was the asking: it counts as sent.
                    side.asked.append((at, self.now))
                    return
                assert self.now < at <= self.now + PATIENCE

    @invariant()
    def each_job_can_be_explained(self) -> None:
        """In words, without an error, in any state."""
        for side in self.sides:
            for job_id in {*side.active, *side.ended}:
                assert side.tracker.explain(self.now, job_id).job_id == job_id

    @invariant()
    def what_was_learned_can_be_kept(self) -> None:
        """As JSON that any reader accepts."""
        state = {"pace": self.pacer.state(self.now, 1.8e9), "durations": self.durations.state()}
        assert json.loads(json.dumps(state, allow_nan=False)) == state

    def teardown(self) -> None:
        """From here on the API answers as it should, and each job ends once."""
        if self.is_over:
            return
        for sent_at in self.submits:
            reply = Reply(200, {}, b"{}", sent_at, self.now)
            self.pacer.finish(self.now, signal_of(reply), RequestKind.SUBMIT)
        for _ in range(MOST_POLLS):
            if not any(side.active or side.asked for side in self.sides):
                break
            for side in self.sides:
                if self.ask(side, wakes=True) or side.asked:
                    poll, sent_at = side.asked.pop(0)
                    body = json.dumps(job_body(poll.job_id, "completed")).encode()
                    self.observe(side, poll, Reply(200, {}, body, sent_at, self.now))
        for side in self.sides:
            assert not side.active, "some job has no end"
            assert not side.asked


@pytest.mark.hypothesis
def test_tracker_states() -> None:
    """No order of calls and answers breaks the tracker's laws."""
    run_state_machine_as_test(
        TrackerStates, settings=settings(examples(150), stateful_step_count=50)
    )
