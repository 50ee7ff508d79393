"""The findings of judges, the registry of clauses, and ways to group the events.

A judge reports what it checked, job by job, and what violates the clause. A check that was never made
proves nothing, so both are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import attrs

from tests.simulation.evidence import Evidence
from tests.simulation.outcome import Outcome, Reading, Received, SessionResult

SLACK: Final = 1e-3
"""Times that two sides have computed may differ by this much, seconds."""
CUT: Final = 1.0
"""The times in jobs and HTTP dates are truncated to seconds."""


@attrs.frozen
class Held:
    """A clause was checked, and it held.

    Attributes:
        job_id: The job, or None for the watch as a whole.
    """

    job_id: str | None = None


@attrs.frozen
class Violated:
    """A clause was violated.

    Attributes:
        said: A message that says how.
        job_id: The job, or None for the watch as a whole.
    """

    said: str
    job_id: str | None = None


Finding: TypeAlias = Held | Violated
Judge: TypeAlias = Callable[[Evidence], Iterator[Finding]]


class Clauses(dict[str, Judge]):
    """Clauses by name, with the judge of each."""

    def clause(self, name: str) -> Callable[[Judge], Judge]:
        """Register the decorated function as the judge of a clause."""

        def register(judge: Judge) -> Judge:
            self[name] = judge
            return judge

        return register


def check(is_right: bool, said: str, job_id: str | None = None) -> Finding:  # noqa: FBT001 - the condition is what it checks
    """Return `Held`, or `Violated` with this message."""
    return Held(job_id) if is_right else Violated(said, job_id)


# ---------------------------------------------------------------- grouping events


def by_job(received: Sequence[Received]) -> dict[str, list[Received]]:
    """Group events by job."""
    jobs: dict[str, list[Received]] = {}
    for each in received:
        jobs.setdefault(each.event.job_id, []).append(each)
    return jobs


def readings(outcome: Outcome) -> Iterator[tuple[SessionResult, Reading]]:
    """Yield each reading of each watch."""
    for result in outcome.results:
        for reading in result.readings:
            yield result, reading


def sequences(outcome: Outcome) -> Iterator[tuple[str, list[Received]]]:
    """Yield the events for each job that one reader received, and those acknowledged over all watches."""
    for _, reading in readings(outcome):
        yield from by_job(reading.received).items()
    if outcome.case.has_journal:
        kept = [
            each
            for result in outcome.results
            for each in result.main.received
            if each.acked == "yes"
        ]
        yield from by_job(kept).items()
