"""Numbers about a watch: what it asked, what it learned, where its jobs stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from legnext_stream.core.jobs import JobStatus


@attrs.frozen(kw_only=True)
class Stats:
    """A snapshot of a watch, or of all watches of a client together.

    Attributes:
        polls: Status requests that have ended.
        retries: Those among them that repeated a failed one.
        rate_limited: Answers 429.
        troubles: Failed polls of all other kinds: 5xx, no answer, an answer that is no job.
        events: Events made so far.
        rate: Requests a second allowed now.
        in_flight: Requests under way now.
        jobs: How many jobs stand at each status; the ended ones are among them.
        unseen: Jobs that no answer has described yet.
        last_error: The newest trouble in words, or None.
    """

    polls: int
    retries: int
    rate_limited: int
    troubles: int
    events: int
    rate: float
    in_flight: int
    jobs: Mapping[JobStatus, int] = attrs.field(hash=False)
    unseen: int
    last_error: str | None


@attrs.define
class Tally:
    """The running counts behind `Stats`."""

    polls: int = 0
    retries: int = 0
    rate_limited: int = 0
    troubles: int = 0
    events: int = 0
    unseen: int = 0
    last_error: str | None = None
    jobs: Counter[JobStatus] = attrs.field(factory=Counter)

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
        return attrs.evolve(self, unseen=0, jobs=ended)

    def moved(self, previous: JobStatus | None, status: JobStatus) -> None:
        """A job went from one status to another."""
        if previous is None:
            self.unseen -= 1
        else:
            self.jobs[previous] -= 1
        self.jobs[status] += 1

    def snapshot(self, *, rate: float, in_flight: int) -> Stats:
        """The counts as they are now, beside what the pacer says."""
        return Stats(
            polls=self.polls,
            retries=self.retries,
            rate_limited=self.rate_limited,
            troubles=self.troubles,
            events=self.events,
            rate=rate,
            in_flight=in_flight,
            jobs=MappingProxyType({status: n for status, n in self.jobs.items() if n}),
            unseen=self.unseen,
            last_error=self.last_error,
        )
