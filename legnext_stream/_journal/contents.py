"""What a journal knows of its jobs, one by one: read beside a watch that may be writing it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._journal.reading import read_journal
from legnext_stream._journal.schema import WITH_PROMPTS


@attrs.frozen(kw_only=True)
class KnownJob:
    """What a journal knows of a job.

    Attributes:
        job_id: The job.
        status: What was last acknowledged of it, or None.
        is_ended: Whether that was its end.
        task_type: The kind of work, in the API's word; empty if nothing was told of it yet.
        prompt: What it was submitted for, if `generate` did it.
        position: The place of that prompt in its batch, from 1.
    """

    job_id: str
    status: JobStatus | None
    is_ended: bool
    task_type: str
    prompt: Prompt | None
    position: int | None


@attrs.frozen(kw_only=True)
class Change:
    """A change of a job that was told and acknowledged. Times in seconds since 1970.

    Attributes:
        status: What the job became.
        observed_at: When that was seen.
        changed_between: It happened after the first (None: not known) and not after the second.
        reason: The watcher's own reason, or empty.
    """

    status: JobStatus
    observed_at: float
    changed_between: tuple[float | None, float]
    reason: str


def read_jobs(path: Path) -> list[KnownJob]:
    """All jobs of a journal, in the order in which they came.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    return read_journal(path, _jobs)


def read_history(path: Path, job_id: str) -> list[Change]:
    """What a journal has told of a job, in order; empty if nothing.

    Raises:
        JournalError: There is none, or it can't be read.
    """

    def read(connection: sqlite3.Connection, _: int) -> list[Change]:
        rows = connection.execute(
            "SELECT status, observed_at, changed_after, changed_before, reason FROM events"
            " WHERE job_id = ? ORDER BY number",
            (job_id,),
        )
        return [
            Change(
                status=JobStatus(status),
                observed_at=observed_at,
                changed_between=(after, before),
                reason=reason,
            )
            for status, observed_at, after, before, reason in rows
        ]

    return read_journal(path, read)


def read_learned(path: Path, name: str) -> Mapping[str, Any] | None:
    """What polling has taught by the last time it was written down; None if nothing.

    Args:
        path: The journal.
        name: `"durations"` or `"pace"`.

    Raises:
        JournalError: There is none, or it can't be read.
    """

    def read(connection: sqlite3.Connection, _: int) -> Mapping[str, Any] | None:
        row = connection.execute("SELECT state FROM learned WHERE name = ?", (name,)).fetchone()
        state = None if row is None else json.loads(row[0])
        return state if isinstance(state, dict) else None

    return read_journal(path, read)


def _jobs(connection: sqlite3.Connection, version: int) -> list[KnownJob]:
    prompts: dict[str, tuple[int, Prompt]] = {}
    if version >= WITH_PROMPTS:
        rows = connection.execute(
            "SELECT job_id, position, task_type, text, params, tag FROM prompts"
            " WHERE job_id IS NOT NULL"
        )
        for job_id, position, task_type, text, params, tag in rows:
            prompt = Prompt(
                text, tag=json.loads(tag), task_type=task_type, params=json.loads(params)
            )
            prompts[job_id] = position, prompt
    rows = connection.execute(
        "SELECT job_id, status, is_ended,"
        " (SELECT json_extract(body, '$.task_type') FROM events"
        "  WHERE events.job_id = jobs.job_id ORDER BY number DESC LIMIT 1)"
        " FROM jobs ORDER BY jobs.position"
    )
    known = []
    for job_id, status, is_ended, task_type in rows:
        position, prompt_ = prompts.get(job_id, (None, None))
        said = task_type if isinstance(task_type, str) else ""
        known.append(
            KnownJob(
                job_id=job_id,
                status=None if status is None else JobStatus(status),
                is_ended=bool(is_ended),
                task_type=said or ("" if prompt_ is None else str(prompt_.task_type)),
                prompt=prompt_,
                position=position,
            )
        )
    return known
