"""The core harness: a policy against a pure world, in virtual time, without any I/O.

The world's limit admits or refuses a request when it is sent. `answer` seconds later it is answered
with the job as it was when the request was sent. The consumer gets the event at the same time.
"""

from __future__ import annotations

import enum
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Protocol

import attrs

from mockserver._world.limits import Limit, Refused, Unlimited
from mockserver._world.scripts import TERMINAL
from mockserver._world.world import World

ANSWER: Final = 0.1
"""Seconds that an answer takes by default."""
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SKEW: Final = 2.7  # seconds by which the server's clock is ahead of ours
_NOT_YET: Final = "0001-01-01T00:00:00Z"


class Telling(enum.Enum):
    """What the API's answers say about its limits."""

    NOTHING = "no hints"
    RETRY_AFTER = "Retry-After"
    RATE_LIMIT = "RateLimit"


@attrs.define
class Reply:
    """What a policy receives.

    Attributes:
        status_code: The HTTP status.
        headers: The headers, names in lower case.
        body: The job as the API shows it; empty with a refusal.
        ends: Whether the job has ended.
        sent_at: When the request was sent, seconds since the world's start.
        received_at: When the answer arrived.
    """

    status_code: int
    headers: Mapping[str, str]
    body: Mapping[str, object]
    ends: bool
    sent_at: float
    received_at: float


class News(enum.Enum):
    """What an answer means for the consumer of a policy."""

    NONE = enum.auto()
    ENDED = enum.auto()
    """The end of a job was reported."""
    LOST = enum.auto()
    """A job was abandoned before it had ended."""


@attrs.frozen
class Call:
    """A callback: when it arrives, and which job has ended."""

    at: float
    job_id: str


TakeCallback = Callable[[float, Mapping[str, object]], News]
"""Takes a callback: the time and the changed job; returns what it means for the consumer."""


class Policy(Protocol):
    """Decides which job to poll, and when. Times in seconds since the world's start."""

    def begin(self, now: float, job_ids: Sequence[str]) -> None:
        """The watch begins."""
        ...

    def due(self, now: float) -> str | float:
        """The job to poll now, or the time at which to call again."""
        ...

    def observe(self, now: float, job_id: str, reply: Reply) -> News:
        """Take an answer; return what it means for the consumer."""
        ...


@attrs.frozen
class Sent:
    """One request: when, about which job, and whether the limit refused it."""

    at: float
    job_id: str
    refused: bool


@attrs.define
class Result:
    """The result of one run of a policy in a world.

    Attributes:
        jobs: How many jobs were watched.
        begin_at: When the watch began, seconds since the world's start.
        finished_at: When it was over.
        lost: Jobs whose end was never reported.
        delays: By job, seconds from its end (or the start of the watch, if later) until it is seen.
        sent: Every request, in the order of time.
    """

    jobs: int
    begin_at: float
    finished_at: float = 0.0
    lost: int = 0
    delays: dict[str, float] = attrs.field(factory=dict)
    sent: list[Sent] = attrs.field(factory=list)


def run(
    policy: Policy,
    world: World,
    job_ids: Sequence[str],
    *,
    begin_at: float = 0.0,
    until: float = math.inf,
    limit: Limit | None = None,
    telling: Telling = Telling.RETRY_AFTER,
    answer: float = ANSWER,
    calls: Sequence[Call] = (),
    take: TakeCallback | None = None,
) -> Result:
    """Run a policy until it has reported all ends, or until a time.

    The limit is in its first state. Callbacks, in the order of time, are passed to `take`.
    """
    limit = Unlimited() if limit is None else limit.fresh()
    api = _Api(world, limit, telling, answer)
    result = Result(len(job_ids), begin_at)
    # All answers take the same time, so they arrive in the order of the requests.
    answers: deque[tuple[str, Reply]] = deque()
    coming = deque(calls if take is not None else ())
    now = begin_at
    policy.begin(now, job_ids)
    left = len(job_ids)
    due, observe, sent = policy.due, policy.observe, result.sent
    while left and now < until:
        step = due(now)
        if isinstance(step, str):
            reply = api.ask(step, now)
            answers.append((step, reply))
            sent.append(Sent(now, step, reply.status_code == 429))
            continue
        arrival = answers[0][1].received_at if answers else math.inf
        called = coming[0].at if coming else math.inf
        now = min(step, arrival, called)
        if now == math.inf:
            break
        if take is not None and called <= now:
            job_id = coming.popleft().job_id
            news = take(now, api.at_last(job_id))
        elif arrival <= now:
            job_id, reply = answers.popleft()
            if reply.status_code != 429:
                limit.finish(now)
            news = observe(now, job_id, reply)
        else:
            continue
        if news is News.ENDED:
            result.delays[job_id] = now - max(api.ended_at(job_id), begin_at)
            left -= 1
        elif news is News.LOST:
            result.lost += 1
            left -= 1
    result.lost += left
    result.finished_at = now
    return result


@attrs.frozen
class _Life:
    """The statuses of one job: when each begins, and how the API shows it."""

    times: Sequence[float]
    bodies: Sequence[Mapping[str, object]]
    ends: Sequence[bool]


class _Api:
    """A world as its API shows it. Answers are cached."""

    def __init__(self, world: World, limit: Limit, telling: Telling, answer: float) -> None:
        # No more jobs are added, so everything that will happen is known now.
        world.advance(math.inf)
        self._world = world
        self._limit = limit
        self._telling = telling
        self._answer = answer
        self._lives: dict[str, _Life] = {}
        self._second = -1
        self._headers: Mapping[str, str] = {}

    def ended_at(self, job_id: str) -> float:
        life = self._life_of(job_id)
        if not life.ends[-1]:
            raise AssertionError("a policy reported the end of a job that never ends")
        return life.times[-1]

    def at_last(self, job_id: str) -> Mapping[str, object]:
        return self._life_of(job_id).bodies[-1]

    def ask(self, job_id: str, now: float) -> Reply:
        verdict = self._limit.admit(now)
        headers = self._dated(now)
        if self._telling is Telling.RATE_LIMIT:
            headers = {**headers, **self._rate_limit(now)}
        received_at = now + self._answer
        if isinstance(verdict, Refused):
            if self._telling is Telling.RETRY_AFTER:
                headers = {**headers, "retry-after": str(math.ceil(verdict.retry_after))}
            return Reply(429, headers, {}, ends=False, sent_at=now, received_at=received_at)
        life = self._life_of(job_id)
        place = bisect_right(life.times, now) - 1
        return Reply(200, headers, life.bodies[place], life.ends[place], now, received_at)

    def _life_of(self, job_id: str) -> _Life:
        life = self._lives.get(job_id)
        if life is None:
            life = self._lives[job_id] = self._life(job_id)
        return life

    def _life(self, job_id: str) -> _Life:
        task = self._world.job(job_id, math.inf).task.name
        changes = self._world.changes(job_id, math.inf)
        meta = {"started_at": _NOT_YET, "ended_at": _NOT_YET}
        bodies = []
        for change in changes:
            if change.status == "processing":
                meta = {**meta, "started_at": _stamp(change.at)}
            elif change.status in TERMINAL:
                meta = {**meta, "ended_at": _stamp(change.at)}
            bodies.append(
                {"job_id": job_id, "task_type": task, "status": change.status, "meta": meta}
            )
        return _Life(
            [change.at for change in changes],
            bodies,
            [change.status in TERMINAL for change in changes],
        )

    def _dated(self, now: float) -> Mapping[str, str]:
        second = math.floor(now + self._answer + _SKEW)
        if second != self._second:
            self._second = second
            date = format_datetime(_EPOCH + timedelta(seconds=second), usegmt=True)
            self._headers = {"date": date}
        return self._headers

    def _rate_limit(self, now: float) -> Mapping[str, str]:
        hint = self._limit.hint(now)
        if hint is None:
            return {}
        return {
            "ratelimit-policy": f'"account";q={hint.quota};w={math.ceil(hint.window)}',
            "ratelimit": f'"account";r={hint.remaining};t={math.ceil(hint.reset)}',
        }


def _stamp(at: float) -> str:
    """A time as in `meta`: by the server's clock, truncated to whole seconds."""
    return (_EPOCH + timedelta(seconds=math.floor(at + _SKEW))).strftime("%Y-%m-%dT%H:%M:%SZ")
