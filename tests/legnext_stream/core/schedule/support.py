"""A tracker and a pacer with a simulated account, in virtual time; every request is recorded."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count, pairwise

import attrs

from legnext_stream._core.answers import Answer, NoReply, Observation, PollMeaning, Reply
from legnext_stream._core.model.decoding import decode_status
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.timers import Timers
from legnext_stream._core.tracker import Poll, Tracker
from legnext_stream.errors import NotFoundError, ServerError
from mockserver._world.durations import Lognormal
from mockserver._world.limits import Limit, Refused, Unlimited
from mockserver._world.slots import Order
from mockserver._world.world import World

USUAL = Lognormal(45.0, 0.25)
"""Run times as most worlds here have them."""
FREELY = Pacing(max_rate=1000, initial_rate=1000, max_in_flight=1000)
"""Settings under which the rate is never what decides."""


def pacing(**changed: float) -> Pacing:
    """`FREELY` with some settings changed."""
    return attrs.evolve(FREELY, **changed)  # type: ignore[arg-type] # nobody changes the counts


def entries(timers: Timers) -> int:
    """How many jobs have a timer, including timers that will be ignored."""
    far = sum(len(bucket.jobs) for bucket in timers._far.values())
    return len(timers._now) + len(timers._near) + far


_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_NOT_YET = "0001-01-01T00:00:00Z"


@attrs.frozen
class Sent:
    """One request: when it was sent, about which job, and what came of it."""

    at: float
    job_id: str
    code: int


Trouble = Callable[[str, float], int]
"""The HTTP status with which a request about a job at a time is answered; 0 for no answer."""


def fine(_: str, __: float) -> int:
    """No trouble."""
    return 200


@attrs.define
class Watch:
    """One watch over a world.

    Attributes:
        world: The account.
        pacing: The settings.
        timeout: The watch's, seconds.
        trouble: What goes wrong.
        answer: Seconds that an answer takes.
        skew: Seconds by which the server's clock is ahead of ours.
        tells_meta: Whether jobs come with `started_at` and `ended_at`.
        tells_date: Whether answers come with a `Date`.
        each: Called at each request with the watch and the time.
        limit: How many requests are admitted.
    """

    world: World
    pacing: Pacing = FREELY
    timeout: float | None = 600.0
    trouble: Trouble = fine
    answer: float = 0.1
    skew: float = 2.7
    tells_meta: bool = True
    tells_date: bool = True
    each: Callable[[Watch, float], None] | None = None
    limit: Limit = attrs.field(factory=Unlimited)
    now: float = attrs.field(default=0.0, init=False)
    tracker: Tracker = attrs.field(init=False)
    pacer: Pacer = attrs.field(init=False)
    sent: list[Sent] = attrs.field(factory=list, init=False)
    events: list[JobEvent] = attrs.field(factory=list, init=False)
    _answers: list[tuple[float, int, Observation]] = attrs.field(factory=list, init=False)
    _number: count[int] = attrs.field(factory=count, init=False)

    def __attrs_post_init__(self) -> None:
        self.pacer = Pacer(
            max_rate=self.pacing.max_rate,
            initial_rate=self.pacing.initial_rate,
            max_in_flight=self.pacing.max_in_flight,
        )
        self.tracker = Tracker(pacing=self.pacing, timeout=self.timeout, pacer=self.pacer)

    def add(self, job_ids: Iterable[str]) -> None:
        """Watch these, too."""
        for job_id in job_ids:
            self.tracker.add(self.now, job_id)

    def run(self, until: float = math.inf) -> Watch:
        """Go on until all have ended, or until a time."""
        while self.tracker.active and self.now < until:
            step = self.tracker.due(self.now)
            if isinstance(step, Poll):
                self._send(step.job_id)
                if self.each is not None:
                    self.each(self, self.now)
                continue
            arrival = self._answers[0][0] if self._answers else math.inf
            at = min(step, arrival, until)
            assert at < math.inf, "the tracker waits for nothing at all"
            assert step > self.now
            self.now = at
            if arrival <= self.now:
                seen = heapq.heappop(self._answers)[2]
                if seen.meaning is PollMeaning.SEEN:
                    self.limit.finish(self.now)
                self.events += self.tracker.observe(self.now, seen)
        return self

    def _send(self, job_id: str) -> None:
        now, code = self.now, self.trouble(job_id, self.now)
        headers = {}
        if self.tells_date:
            written = self._server_time(now + self.answer)
            headers["date"] = format_datetime(written, usegmt=True)
        if code == 200 and isinstance(verdict := self.limit.admit(now), Refused):
            code = 429
            headers["retry-after"] = str(math.ceil(verdict.retry_after))
        assert job_id in self.tracker._members.jobs, "asked after its end"
        assert job_id not in {seen.job_id for _, _, seen in self._answers}, "asked twice at once"
        self.sent.append(Sent(now, job_id, code))
        arrival = now + self.answer
        answer: Answer = Reply(code, headers, b"", now, arrival)
        match code:
            case 0:
                seen = Observation(job_id, PollMeaning.TROUBLED, NoReply("broken", now, arrival))
            case 200:
                body = self._body(job_id, now)
                status = decode_status(body["status"])
                seen = Observation(job_id, PollMeaning.SEEN, answer, body, status)
            case 404:
                missing = NotFoundError("no such job", status_code=404, content=b"{}")
                seen = Observation(job_id, PollMeaning.MISSING, answer, error=missing)
            case 429:
                seen = Observation(job_id, PollMeaning.LIMITED, answer)
            case _:
                error = ServerError("trouble", status_code=code, content=b"")
                seen = Observation(job_id, PollMeaning.TROUBLED, answer, error=error)
        heapq.heappush(self._answers, (arrival, next(self._number), seen))

    def _body(self, job_id: str, now: float) -> Mapping[str, object]:
        job = self.world.job(job_id, now)
        body: dict[str, object] = {
            "job_id": job_id,
            "task_type": job.task.name,
            "status": job.status,
        }
        if self.tells_meta:
            body["meta"] = {
                "started_at": self._stamp(job.started_at),
                "ended_at": self._stamp(job.ended_at),
            }
        return body

    def _server_time(self, at: float) -> datetime:
        """The server's clock, truncated to whole seconds."""
        return _EPOCH + timedelta(seconds=math.floor(at + self.skew))

    def _stamp(self, at: float | None) -> str:
        return _NOT_YET if at is None else f"{self._server_time(at):%Y-%m-%dT%H:%M:%SZ}"

    # What came of it

    def asked(self) -> dict[str, list[float]]:
        """When each job was polled."""
        times: dict[str, list[float]] = defaultdict(list)
        for sent in self.sent:
            times[sent.job_id].append(sent.at)
        return times

    def delays(self) -> list[float]:
        """How long after the end of each job its event came, in seconds."""
        made = []
        for event in self.events:
            if event.status.is_terminal:
                ended_at = self.world.ended_at(event.job_id)
                made.append(math.inf if ended_at is None else event.observed_at - ended_at)
        return made

    def neglect(self) -> float:
        """The longest time that a running job was not polled, in seconds."""
        longest = 0.0
        told = {
            event.job_id: event.observed_at for event in self.events if event.status.is_terminal
        }
        for job_id, times in self.asked().items():
            started_at = self.world.started_at(job_id)
            if started_at is None:
                continue
            until = told.get(job_id, self.now)
            moments = [started_at, *(at for at in times if at > started_at), until]
            longest = max(longest, *(late - early for early, late in pairwise(moments)))
        return longest


def watch(
    jobs: int,
    *,
    seed: int = 1,
    slots: int | None = 12,
    order: Order = "fifo",
    **options: object,
) -> Watch:
    """A watch of this many jobs of one kind, all submitted at once."""
    world = World(seed, slots=slots, order=order, run_times=USUAL)
    made = Watch(world, **options)  # type: ignore[arg-type]
    made.add(world.add_jobs(jobs, at=0.0))
    return made
