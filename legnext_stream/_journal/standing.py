"""Where a batch stands, by its journal: read beside a watch that may be writing it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.reading import read_journal
from legnext_stream._journal.schema import WITH_PROMPTS
from legnext_stream.errors import JournalError


@attrs.frozen(kw_only=True)
class Standing:
    """A journal at one moment. Times in seconds since 1970.

    Attributes:
        base_url: The host of its jobs.
        begun_at: When it was begun.
        acknowledged_at: When an event was last acknowledged, or None.
        unfinished: The jobs that a watch would go on with, in the order in which they came, each
            with what was last acknowledged of it, or None.
        ended: The jobs whose end was acknowledged, each with that end.
        owed: How many ends were seen and not acknowledged, of jobs and of prompts.
        events: How many events were acknowledged.
        to_submit: How many prompts the next `generate` would submit, or tell to be unknown.
        without_job: How many prompts ended without a job, acknowledged, by that end.
    """

    base_url: str
    begun_at: float
    acknowledged_at: float | None
    unfinished: Mapping[str, JobStatus | None]
    ended: Mapping[str, JobStatus]
    owed: int
    events: int
    to_submit: int = 0
    without_job: Mapping[JobStatus, int] = attrs.field(factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether all that was begun has ended well."""
        is_done = not (self.unfinished or self.to_submit or self.without_job)
        return is_done and set(self.ended.values()) <= {JobStatus.COMPLETED}


def read_standing(path: Path) -> Standing:
    """Read a journal without disturbing whoever has it open.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    return read_journal(path, _read)


def _read(connection: sqlite3.Connection, version: int) -> Standing:
    execute = connection.execute
    account = execute("SELECT base_url, created_at FROM account").fetchone()
    if account is None:
        raise JournalError("no watch has ever begun with it")
    events, acknowledged_at = execute(
        "SELECT count(*), max(acknowledged_at) FROM events"
    ).fetchone()
    (owed,) = execute("SELECT count(*) FROM owed").fetchone()
    prompts, without_job = Counter[str](), {}
    if version >= WITH_PROMPTS:
        prompts.update(dict(execute("SELECT state, count(*) FROM prompts GROUP BY state")))
        without_job = {
            JobStatus(status): count
            for status, count in execute(
                "SELECT status, count(*) FROM prompts WHERE state = 'ended' GROUP BY status"
            )
        }
    jobs = "SELECT job_id, status FROM jobs WHERE is_ended = ? ORDER BY position"
    return Standing(
        base_url=account[0],
        begun_at=account[1],
        acknowledged_at=acknowledged_at,
        unfinished={
            job_id: None if status is None else JobStatus(status)
            for job_id, status in execute(jobs, (0,))
        },
        ended={job_id: JobStatus(status) for job_id, status in execute(jobs, (1,))},
        owed=owed + prompts["refused"],
        events=events,
        to_submit=prompts["unsent"] + prompts["sending"],
        without_job=without_job,
    )
