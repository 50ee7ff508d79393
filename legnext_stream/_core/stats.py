"""The numbers of a watch: what it polled, what it learned, and where its jobs stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

from legnext_stream._core.answers import Observation, PollMeaning
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pace import Pacer
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._core.schedule.time_left import TimeLeft


@attrs.frozen(kw_only=True)
class LearnedRunTimes:
    """What has been learned of how long the jobs of a task type run.

    Attributes:
        ended: From how many ended jobs it was learned.
        median: Within how many seconds half of the jobs end.
        p90: Within how many seconds nine in ten end.
    """

    ended: int
    median: float
    p90: float


@attrs.frozen(kw_only=True)
class Stats:
    """A snapshot of a watch, or of all watches of a client together.

    It can be pickled, and `attrs.asdict` turns it into plain data that JSON can hold.

    Attributes:
        polls: Status requests that have ended.
        retries: Those among them that repeated a failed one.
        rate_limited: Status requests that were answered 429.
        troubles: Status requests that failed otherwise: 5xx, no answer, an answer that is no job.
        events: Events made so far.
        jobs: How many jobs have each status, by what was last seen. Ended jobs are included.
        unseen: Jobs that no answer has described yet.
        last_error: The most recent trouble in words, or None.
        rate: Requests a second allowed now.
        ceiling: Requests a second that the API seems to permit, or None if no limit was met.
        why: What decides the rate: "free", "starting", "limited by hint", "holding", "probing",
            "recovering", "backing off", "paused", "troubled" or "in-flight".
        in_flight: Requests in flight.
        price: What is really being paid for a request, in seconds of delay: `poll_cost`, or more
            while requests are scarce.
        remaining: The time to completion: seconds until the last of the jobs has ended, estimated from
            the learned run times and from how many run at once. It is as likely longer as shorter.
            None if no job is being watched.
        remaining_between: Its range, in seconds. It should hold nine times in ten, once a tenth of the
            jobs have ended and as long as the rest are like them; see `_core/schedule/time_left.py`.
        run_times: What has been learned, by task type.
        prompts: Prompts that `generate` has taken in. Those that ended without a job are counted in
            `jobs`, as `SUBMIT_UNKNOWN` or `NOT_SUBMITTED`.
        submits: Submits that have ended, with or without an answer.
        submits_limited: Those among them that were answered 429.
        submitted: Those among them that made a job.
        server_speed: How many seconds pass on the server's clock while one passes here. It is 1.0
            unless the dates of answers show that it is at least about twice as fast, as that of a mock
            server may be. All times and rates are on the clock here.
        ended_by_callback: Ends that a callback reported first; see `legnext_stream.webhook_app`.
    """

    polls: int
    retries: int
    rate_limited: int
    troubles: int
    events: int
    jobs: Mapping[JobStatus, int] = attrs.field(hash=False)
    unseen: int
    last_error: str | None
    rate: float
    ceiling: float | None
    why: str
    in_flight: int
    price: float
    remaining: float | None
    remaining_between: tuple[float, float] | None
    run_times: Mapping[str, LearnedRunTimes] = attrs.field(hash=False)
    prompts: int = 0
    submits: int = 0
    submits_limited: int = 0
    submitted: int = 0
    ended_by_callback: int = 0
    server_speed: float = 1.0

    @property
    def rate_reason(self) -> str:
        """What decides `rate`, in words for people."""
        return RATE_REASONS[self.why]

    @property
    def ended(self) -> int:
        """Jobs that have ended."""
        return sum(number for status, number in self.jobs.items() if status.is_terminal)

    @property
    def polls_per_ended(self) -> float | None:
        """Polls for each job that has ended; None before the first has."""
        return self.polls / self.ended if self.ended else None

    @property
    def news_share(self) -> float | None:
        """The share of polls that led to an event; None before the first poll."""
        return self.events / self.polls if self.polls else None


RATE_REASONS: Final[Mapping[str, str]] = {
    "free": "no limit met, as fast as allowed",
    "starting": "no limit met yet, speeding up",
    "limited by hint": "as the API says is left",
    "holding": "just below the learned limit",
    "probing": "trying a little more than the learned limit",
    "recovering": "coming back after refusals",
    "backing off": "refused again and again, trying now and then",
    "paused": "the API asked to wait",
    "troubled": "no answer, waiting before the next request",
    "in-flight": "as many requests in flight as allowed",
}
"""What `Stats.why` means, in words for people."""


class Tally(msgspec.Struct):
    """The running counts behind `Stats`, under the same names."""

    polls: int = 0
    retries: int = 0
    rate_limited: int = 0
    troubles: int = 0
    events: int = 0
    unseen: int = 0
    last_error: str | None = None
    prompts: int = 0
    submits: int = 0
    submits_limited: int = 0
    submitted: int = 0
    ended_by_callback: int = 0
    jobs: Counter[JobStatus] = msgspec.field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add what another tally has counted."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.last_error = other.last_error or self.last_error
        self.jobs.update(other.jobs)

    def without_unfinished(self) -> Tally:
        """The same counts without the jobs that have not ended: they are watched no longer."""
        ended = Counter({status: n for status, n in self.jobs.items() if status.is_terminal})
        return msgspec.structs.replace(self, unseen=0, jobs=ended)

    def count(self, seen: Observation, *, is_retry: bool) -> None:
        """A poll has ended with this; `is_retry` if the one before it had failed."""
        self.polls += 1
        self.retries += is_retry
        if seen.error is not None:
            self.rate_limited += seen.meaning is PollMeaning.LIMITED
            self.troubles += seen.meaning is PollMeaning.TROUBLED
            self.last_error = str(seen.error)

    def moved(self, previous: JobStatus | None, status: JobStatus) -> None:
        """A job has changed from one status to another; None if it had none."""
        self.left(previous)
        self.jobs[status] += 1

    def left(self, status: JobStatus | None) -> None:
        """A job with this status is no longer watched."""
        if status is None:
            self.unseen -= 1
        else:
            self.jobs[status] -= 1

    def snapshot(
        self,
        *,
        pacer: Pacer,
        durations: Durations,
        price: float,
        left: TimeLeft | None,
        server_speed: float,
    ) -> Stats:
        """The counts as they are now, together with what the pacer and the schedule say."""
        counts: dict[str, Any] = {name: getattr(self, name) for name in _COUNTS}
        learned = {
            task_type: LearnedRunTimes(
                ended=run_times.ended_jobs,
                median=run_times.curve.quantile(0.5),
                p90=run_times.curve.quantile(0.9),
            )
            for task_type, run_times in durations
            if run_times.ended_jobs
        }
        return Stats(
            **counts,
            jobs={status: n for status, n in self.jobs.items() if n},
            last_error=self.last_error,
            rate=pacer.rate,
            ceiling=pacer.ceiling,
            why=pacer.why.value,
            in_flight=pacer.in_flight,
            price=price,
            remaining=None if left is None else left.middle,
            remaining_between=None if left is None else (left.low, left.high),
            run_times=learned,
            server_speed=server_speed,
        )


_COUNTS: Final = tuple(
    name for name in Tally.__struct_fields__ if name not in {"jobs", "last_error"}
)
