"""What judges find, how a clause gets its judge, and what was told, sorted for them.

A judge says of what it has looked at something of the kind, job by job, and what it found wrong. What
was not looked at proves nothing, so both are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import attrs

from tests.simulation.evidence import Evidence
from tests.simulation.outcome import Outcome, Reading, Sat, Told

SLACK: Final = 1e-3
"""Times that two sides have computed may differ by so much, seconds."""
CUT: Final = 1.0
"""A job's time stamps are cut to the second, and so are dates of HTTP."""


@attrs.frozen
class Looked:
    """Something that a clause speaks about was there to be looked at, and was as it must be.

    Attributes:
        job_id: The job, or None if it is about the watch as a whole.
    """

    job_id: str | None = None


@attrs.frozen
class Wrong:
    """Something was not as it must be.

    Attributes:
        said: What was wrong.
        job_id: Of which job, or None if it is about the watch as a whole.
    """

    said: str
    job_id: str | None = None


Finding: TypeAlias = Looked | Wrong
Judge: TypeAlias = Callable[[Evidence], Iterator[Finding]]


class Clauses(dict[str, Judge]):
    """Clauses by name, with the judge of each."""

    def clause(self, name: str) -> Callable[[Judge], Judge]:
        """Register the function that follows as the judge of a clause."""

        def register(judge: Judge) -> Judge:
            self[name] = judge
            return judge

        return register


def found(is_right: bool, said: str, job_id: str | None = None) -> Finding:  # noqa: FBT001 - a verdict
    """A finding: looked at and right, or wrong, and then what is said of it."""
    return Looked(job_id) if is_right else Wrong(said, job_id)


# ---------------------------------------------------------------- what was told, sorted


def of_jobs(told: Sequence[Told]) -> dict[str, list[Told]]:
    """What was told, job by job."""
    jobs: dict[str, list[Told]] = {}
    for each in told:
        jobs.setdefault(each.event.job_id, []).append(each)
    return jobs


def readings(outcome: Outcome) -> Iterator[tuple[Sat, Reading]]:
    """What all readers of all watches had."""
    for sat in outcome.sats:
        for reading in sat.readings:
            yield sat, reading


def stories(outcome: Outcome) -> Iterator[tuple[str, list[Told]]]:
    """All that was told of a job to one reader, and over all watches what was acknowledged."""
    for _, reading in readings(outcome):
        yield from of_jobs(reading.told).items()
    if outcome.case.has_journal:
        kept = [each for sat in outcome.sats for each in sat.main.told if each.acked == "yes"]
        yield from of_jobs(kept).items()
