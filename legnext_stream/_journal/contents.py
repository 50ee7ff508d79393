"""Reads a journal from outside, beside a watch that may be writing it, and without changing its version."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from legnext_stream._core.model.decoding import decode_job
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._journal.records import Content
from legnext_stream._journal.schema import WITH_LOG, WITH_PROMPTS, check
from legnext_stream.errors import JournalError

_ENDS: Final = ", ".join(f"'{status}'" for status in JobStatus if status.is_terminal)


@attrs.frozen(kw_only=True)
class Standing:
    """How far the batch of a journal has got. Times in seconds since 1970."""

    base_url: str  # the host of its jobs
    begun_at: float  # when it was begun
    acknowledged_at: float | None  # when an event was last acknowledged, or None
    # The jobs that a watch would go on with, in the order in which they came, each with its last
    # acknowledged status, or None.
    unfinished: Mapping[str, JobStatus | None]
    ended: Mapping[str, JobStatus]  # the jobs whose end was acknowledged, each with that end
    owed: int  # how many ends were seen and not acknowledged, of jobs and of prompts
    events: int  # how many events were acknowledged
    to_submit: int = 0  # how many prompts the next `generate` would submit, or report as unknown
    # How many prompts ended without a job, acknowledged, by that end.
    without_job: Mapping[JobStatus, int] = attrs.field(factory=dict)

    @property
    def ends(self) -> Counter[JobStatus]:
        """How many jobs and prompts have ended, by that end."""
        return Counter(self.ended.values()) + Counter(self.without_job)

    @property
    def is_good(self) -> bool:
        """Whether all jobs and prompts have ended, and all jobs are completed."""
        is_done = not (self.unfinished or self.to_submit or self.without_job)
        return is_done and set(self.ended.values()) <= {JobStatus.COMPLETED}


@attrs.frozen(kw_only=True)
class KnownJob:
    """What a journal knows of a job."""

    job_id: str
    status: JobStatus | None  # its last acknowledged status, or None
    is_ended: bool  # whether that was its end
    task_type: str  # the task type, in the API's word; empty if no event says it
    prompt: Prompt | None  # what it was submitted for, if `generate` did it
    position: int | None  # the position of that prompt in its batch, from 1


@attrs.frozen(kw_only=True)
class CompletedJob:
    """A completed job of a journal, as the API described it at its end."""

    job: Job
    prompt: Prompt | None  # what it was submitted for, if `generate` did it
    position: int | None  # the position of that prompt in its batch, from 1


@attrs.frozen(kw_only=True)
class Change:
    """A change of a job that was reported. Times in seconds since 1970."""

    status: JobStatus  # what the job became
    observed_at: float  # when that was seen
    # It happened after the first (None: not known) and not after the second.
    changed_between: tuple[float | None, float]
    reason: str  # the watcher's own reason, or empty


def has_begun(path: Path) -> bool:
    """Whether any watch has begun with a journal: one that is killed early may leave an empty file.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path) as (connection, version):
        return version > 0 and connection.execute("SELECT 1 FROM account").fetchone() is not None


def read_standing(path: Path, *, is_closed: bool = False) -> Standing:
    """Read how far a journal's batch has got.

    If it is closed, so that nothing is writing to it, SQLite's own files beside it don't appear.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path, is_closed=is_closed) as (connection, version):
        execute = connection.execute
        account = execute("SELECT base_url, created_at FROM account").fetchone()
        if account is None:
            raise JournalError("no watch has ever begun with it")
        events, acknowledged_at = execute(
            "SELECT count(acknowledged_at), max(acknowledged_at) FROM events"
        ).fetchone()
        if version >= WITH_LOG:
            query = f"""
                SELECT count(*) FROM events
                WHERE acknowledged_at IS NULL AND job_id <> '' AND status IN ({_ENDS})
            """  # noqa: S608 - made of constants
        else:
            query = "SELECT count(*) FROM owed"
        (owed,) = execute(query).fetchone()
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


def read_to_submit(path: Path, prompts: Iterable[Prompt[Any]]) -> list[Prompt[Any]]:
    """Read which prompts `generate` would submit: those left in a journal, and those new to it.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path) as (connection, version):
        known, left = Counter[bytes](), []
        if version >= WITH_PROMPTS:
            rows = connection.execute(
                "SELECT state, identity, task_type, text, params, tag FROM prompts ORDER BY position"
            )
            for state, *content in rows:
                kept = Content(*content)
                known[kept.identity] += 1
                if state == "unsent":
                    left.append(kept.prompt())
    for prompt in prompts:
        identity = Content.of(prompt).identity
        known[identity] -= 1
        if known[identity] < 0:
            left.append(prompt)
    return left


def read_jobs(path: Path) -> list[KnownJob]:
    """Read all jobs of a journal, in the order in which they came.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path) as (connection, version):
        prompts = _prompts(connection, version)
        rows = connection.execute(
            "SELECT job_id, status, is_ended,"
            " (SELECT json_extract(body, '$.task_type') FROM events"
            "  WHERE events.job_id = jobs.job_id ORDER BY number DESC LIMIT 1)"
            " FROM jobs ORDER BY jobs.position"
        )
        known = []
        for job_id, status, is_ended, task_type in rows:
            position, prompt = prompts.get(job_id, (None, None))
            said = task_type if isinstance(task_type, str) else ""
            known.append(
                KnownJob(
                    job_id=job_id,
                    status=None if status is None else JobStatus(status),
                    is_ended=bool(is_ended),
                    task_type=said or ("" if prompt is None else str(prompt.task_type)),
                    prompt=prompt,
                    position=position,
                )
            )
        return known


def read_completed(path: Path) -> Iterator[CompletedJob]:
    """Read the completed jobs whose end was acknowledged, in the order of their ends.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path) as (connection, version):
        prompts = _prompts(connection, version)
        rows = connection.execute(
            "SELECT job_id, body FROM events WHERE status = ? AND acknowledged_at IS NOT NULL"
            " ORDER BY number",
            (JobStatus.COMPLETED,),
        )
        for job_id, body in rows:
            position, prompt = prompts.get(job_id, (None, None))
            job = attrs.evolve(decode_job(json.loads(body), job_id), status=JobStatus.COMPLETED)
            yield CompletedJob(job=job, prompt=prompt, position=position)


def _prompts(connection: sqlite3.Connection, version: int) -> dict[str, tuple[int, Prompt]]:
    """The prompts that have jobs, each with its position, by the job."""
    if version < WITH_PROMPTS:
        return {}
    rows = connection.execute(
        "SELECT job_id, position, identity, task_type, text, params, tag FROM prompts"
        " WHERE job_id IS NOT NULL"
    )
    return {job_id: (position, Content(*content).prompt()) for job_id, position, *content in rows}


def read_history(path: Path, job_id: str) -> list[Change]:
    """Read the changes of a job that were reported, in order.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path) as (connection, _):
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


def read_learned(path: Path, name: str) -> Mapping[str, Any] | None:
    """Read the last recorded `"durations"` or `"pace"` that polling had learned; None if nothing.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    with _opened(path) as (connection, _):
        row = connection.execute("SELECT state FROM learned WHERE name = ?", (name,)).fetchone()
        state = None if row is None else json.loads(row[0])
        return state if isinstance(state, dict) else None


@contextmanager
def _opened(path: Path, *, is_closed: bool = False) -> Iterator[tuple[sqlite3.Connection, int]]:
    """Read a file, of the version returned, without disturbing a watch that has it open."""
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir() raises if it may not look
        raise JournalError(f"{path} is a folder, not a journal")
    if not os.path.isfile(path):  # noqa: PTH113 - as above
        raise JournalError(f"there is no journal {path}")
    try:
        with closing(
            sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if is_closed else ''}", uri=True
            )
        ) as connection:
            version = check(connection)
            # One transaction, so that all of it is of the same moment.
            connection.execute("BEGIN")
            yield connection, version
    except (sqlite3.Error, JournalError, ValueError, TypeError) as error:
        # The last two: by a word or a value that this library would never have written.
        raise JournalError(f"can't read the journal {path}: {error}") from error
