"""The explanation of a job's next poll."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Explanation:
    """Why a job is next polled when it is, for people and for programs.

    Attributes:
        job_id: Which job.
        due: When it is next polled, in seconds on the clock of the Trio run. None if it has ended, or
            has no time of its own because that depends on what is learned from other jobs.
        sentence: The reason, in words.
        numbers: What it was computed from, by name: times in seconds (`age`, `median_run`, `due_in`,
            …), the price in seconds of delay, counts.
    """

    job_id: str
    due: float | None
    sentence: str
    numbers: Mapping[str, float] = attrs.field(hash=False)

    def __str__(self) -> str:
        return f"{self.job_id}: {self.sentence}"
