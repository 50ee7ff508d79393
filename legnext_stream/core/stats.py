"""Numbers about a watch: what it asked, what it learned, where its jobs stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import attrs
import msgspec

from legnext_stream.core.jobs import JobStatus
from legnext_stream.core.pace import Pacer
from legnext_stream.core.schedule.durations import Durations


@attrs.frozen(kw_only=True)
class LearnedRunTimes:
    """What has been learned of how long the jobs of a task type run.

    Attributes:
        ended: How many ended jobs it was learned from.
        median: Half of the jobs end within so many seconds.
        p90: Nine in ten end within so many seconds.
    """

    ended: int
    median: float
    p90: float


@attrs.frozen(kw_only=True)
class Stats:
    """A snapshot of a watch, or of all watches of a client together.

    Attributes:
        polls: Status requests that have ended.
        retries: Those among them that repeated a failed one.
        rate_limited: Answers 429.
        troubles: Failed polls of all other kinds: 5xx, no answer, an answer that is no job.
        events: Events made so far.
        jobs: How many jobs stand at each status, by what was last seen; the ended ones are among
            them.
        unseen: Jobs that no answer has described yet.
        last_error: The newest trouble in words, or None.
        rate: Requests a second allowed now.
        ceiling: Requests a second that the API is believed to permit, or None if no limit was met.
        why: What decides the rate: "free", "starting", "limited by hint", "holding", "probing",
            "recovering", "backing off", "paused" or "in-flight".
        in_flight: Requests under way now.
        price: What is really being paid for a request now, in seconds of delay: `poll_cost`, or
            more while requests are scarce.
        remaining: Seconds until the last job has ended, estimated from the learned run times and
            from how many jobs run at once; None if nothing is being watched.
        run_times: What has been learned, by task type.
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
    run_times: Mapping[str, LearnedRunTimes] = attrs.field(hash=False)

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
        """The share of polls that brought news; None before the first poll."""
        return self.events / self.polls if self.polls else None


class Tally(msgspec.Struct):
    """The running counts behind `Stats`."""

    polls: int = 0
    retries: int = 0
    rate_limited: int = 0
    troubles: int = 0
    events: int = 0
    unseen: int = 0
    last_error: str | None = None
    jobs: Counter[JobStatus] = msgspec.field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count in what another tally has counted."""
        self.polls += other.polls
        self.retries += other.retries
        self.rate_limited += other.rate_limited
        self.troubles += other.troubles
        self.events += other.events
        self.unseen += other.unseen
        self.last_error = other.last_error or self.last_error
        self.jobs.update(other.jobs)

    def without_unfinished(self) -> Tally:
        """The same counts without the jobs that have not ended: nobody follows them any more."""
        ended = Counter({status: n for status, n in self.jobs.items() if status.is_terminal})
        return msgspec.structs.replace(self, unseen=0, jobs=ended)

    def moved(self, previous: JobStatus | None, status: JobStatus) -> None:
        """A job went from one status to another."""
        if previous is None:
            self.unseen -= 1
        else:
            self.jobs[previous] -= 1
        self.jobs[status] += 1

    def left(self, status: JobStatus | None) -> None:
        """A job with this status is no longer watched."""
        if status is None:
            self.unseen -= 1
        else:
            self.jobs[status] -= 1

    def snapshot(
        self, *, pacer: Pacer, durations: Durations, price: float, remaining: float | None
    ) -> Stats:
        """The counts as they are now, beside what the pacer and the schedule say."""
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
            polls=self.polls,
            retries=self.retries,
            rate_limited=self.rate_limited,
            troubles=self.troubles,
            events=self.events,
            jobs=MappingProxyType({status: n for status, n in self.jobs.items() if n}),
            unseen=self.unseen,
            last_error=self.last_error,
            rate=pacer.rate,
            ceiling=pacer.ceiling,
            why=pacer.why.value,
            in_flight=pacer.in_flight,
            price=price,
            remaining=remaining,
            run_times=MappingProxyType(learned),
        )
