"""What each record does to the tables of a journal, and how they are read. Blocking, on one connection."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.records import (
    Acknowledged,
    Claimed,
    Content,
    Learned,
    LoggedEvent,
    Place,
    Record,
    RecordedEvent,
    RecordedJob,
    RecordedPrompt,
    Removed,
    Reopened,
    Reported,
    Sending,
    Settled,
    Taken,
)

_EVENT: Final = (
    "job_id, sequence, position, status, raw_status, previous, observed_at, changed_after,"
    " changed_before, body, code, reason"
)
_PROMPT: Final = "prompts.position, identity, task_type, text, params, tag, state, prompts.job_id"
_REFUSAL: Final = f"{_PROMPT}, prompts.status, code, reason, observed_at, changed_after"


class GapError(Exception):
    """A record does not follow on what is in the tables."""


# ---------------------------------------------------------------- writing


def write_record(connection: sqlite3.Connection, record: Record) -> Place | None:
    """Write a record, within the transaction that is open; return the answer to a `Claimed`.

    Raises:
        GapError: An event before this one is missing.
    """
    execute = connection.execute
    match record:
        case Taken():
            _take(connection, record)
        case Reported():
            _report(connection, record.event)
        case Acknowledged():
            _acknowledge(connection, record)
        case Removed(job_id):
            execute("DELETE FROM events WHERE job_id = ? AND acknowledged_at IS NULL", (job_id,))
            execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))
        case Learned(name, state):
            execute("INSERT OR REPLACE INTO learned VALUES (?, ?)", (name, json.dumps(state)))
        case Claimed():
            return _claim(connection, record)
        case Sending(position, attempt):
            execute(
                "UPDATE prompts SET state = 'sending', attempt = ? WHERE position = ?",
                (attempt, position),
            )
        case Settled():
            _settle(connection, record)
        case Reopened(position):
            execute("UPDATE prompts SET state = 'unsent' WHERE position = ?", (position,))
        case _:
            assert_never(record)
    return None


def _take(connection: sqlite3.Connection, record: Taken) -> None:
    is_unknown = record.status is JobStatus.UNKNOWN
    connection.execute(
        "INSERT INTO jobs (job_id, taken_at, status, raw_status, place, words)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO NOTHING",
        (
            record.job_id,
            record.at,
            record.status,
            record.raw_status,
            None if is_unknown else record.status,
            json.dumps([record.raw_status] if is_unknown else []),
        ),
    )


def _report(connection: sqlite3.Connection, event: RecordedEvent) -> None:
    execute = connection.execute
    if event.job_id:
        row = execute("SELECT sequence FROM jobs WHERE job_id = ?", (event.job_id,)).fetchone()
        if row is None or event.sequence > row[0] + 1:
            raise GapError(f"event {event.sequence} of job {event.job_id}")
        if event.sequence <= row[0]:
            return
        is_unknown = event.status is JobStatus.UNKNOWN
        column = "words = json_insert(words, '$[#]', ?)" if is_unknown else "place = ?"
        execute(
            f"UPDATE jobs SET sequence = ?, {column} WHERE job_id = ?",  # noqa: S608 - constants
            (event.sequence, event.raw_status if is_unknown else event.status, event.job_id),
        )
    elif event.is_lasting:
        execute(
            "UPDATE prompts SET state = 'refused', status = ?, code = ?, reason = ?,"
            " observed_at = ?, changed_after = ? WHERE position = ?",
            (
                event.status,
                event.code,
                event.reason,
                event.observed_at,
                event.changed_between[0],
                event.position,
            ),
        )
    marks = ", ".join("?" * 12)
    execute(f"INSERT INTO events ({_EVENT}) VALUES ({marks})", _event_row(event))  # noqa: S608 - constants


def _event_row(event: RecordedEvent) -> tuple[object, ...]:
    return (
        event.job_id,
        event.sequence,
        event.position,
        event.status,
        event.raw_status,
        event.previous,
        event.observed_at,
        *event.changed_between,
        json.dumps(event.body),
        event.code,
        event.reason,
    )


def _acknowledge(connection: sqlite3.Connection, record: Acknowledged) -> None:
    execute, job_id = connection.execute, record.job_id
    if not job_id:
        execute(
            "UPDATE events SET acknowledged_at = ?"
            " WHERE job_id = '' AND acknowledged_at IS NULL AND position = ?",
            (record.at, record.position),
        )
        execute(
            "UPDATE prompts SET state = 'ended' WHERE position = ? AND state = 'refused'",
            (record.position,),
        )
        return
    found = execute(
        "SELECT number FROM events WHERE job_id = ? AND acknowledged_at IS NULL"
        " AND status = ? AND raw_status = ?",
        (job_id, record.status, record.raw_status),
    ).fetchone()
    if found is None:
        return
    execute(
        "UPDATE events SET acknowledged_at = ?"
        " WHERE job_id = ? AND acknowledged_at IS NULL AND number <= ?",
        (record.at, job_id, *found),
    )
    execute(
        "UPDATE jobs SET status = ?, raw_status = ?, is_ended = ? WHERE job_id = ?",
        (record.status, record.raw_status, record.status.is_terminal, job_id),
    )


def _claim(connection: sqlite3.Connection, record: Claimed) -> Place:
    execute, content = connection.execute, record.content
    # How often this run was given a prompt is not kept; a table holds more of them than memory does.
    execute("CREATE TEMP TABLE IF NOT EXISTS given (identity BLOB PRIMARY KEY, times INTEGER)")
    (times,) = execute(
        "INSERT INTO temp.given VALUES (?, 1)"
        " ON CONFLICT (identity) DO UPDATE SET times = times + 1 RETURNING times",
        (content.identity,),
    ).fetchone()
    known = execute(
        "SELECT position FROM prompts WHERE identity = ? AND occurrence = ?",
        (content.identity, times),
    ).fetchone()
    if known is not None:
        return Place(known[0], is_new=False)
    (position,) = execute(
        "INSERT INTO prompts (identity, occurrence, task_type, text, params, tag, taken_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING position",
        (
            content.identity,
            times,
            content.task_type,
            content.text,
            content.params,
            content.tag,
            record.at,
        ),
    ).fetchone()
    return Place(position, is_new=True)


def _settle(connection: sqlite3.Connection, record: Settled) -> None:
    settled = connection.execute(
        "UPDATE prompts SET state = ?, job_id = ?"
        " WHERE position = ? AND state = 'sending' AND attempt = ?",
        (
            "unsent" if record.job_id is None else "submitted",
            record.job_id,
            record.position,
            record.attempt,
        ),
    )
    if settled.rowcount and record.job_id is not None:
        _take(connection, Taken(record.job_id, record.at))


# ---------------------------------------------------------------- reading


def read_ended(connection: sqlite3.Connection, after: str, limit: int) -> list[str]:
    """Read the first ids beyond one, of jobs whose end was acknowledged."""
    rows = connection.execute(
        "SELECT job_id FROM jobs WHERE is_ended AND job_id > ? ORDER BY job_id LIMIT ?",
        (after, limit),
    )
    return [job_id for (job_id,) in rows]


def read_unfinished(
    connection: sqlite3.Connection, after: int, limit: int
) -> tuple[list[RecordedJob], int]:
    """Read the first of the other jobs beyond a position, and the position of the last of them."""
    query = """
        SELECT page.*, events.job_id, events.sequence, NULL, events.status, events.raw_status,
               previous, observed_at, changed_after, changed_before, body, code, reason
        FROM (
            SELECT position, job_id, sequence, status, place, words FROM jobs
            WHERE NOT is_ended AND position > ? ORDER BY position LIMIT ?
        ) AS page
        LEFT JOIN events ON events.job_id = page.job_id AND acknowledged_at IS NULL
        ORDER BY page.position, number
    """
    jobs = []
    rows = connection.execute(query, (after, limit))
    for job, group in itertools.groupby(rows, key=lambda row: row[:6]):
        after, job_id, sequence, status, place, words = job
        events = [_recorded_event(row[6:]) for row in group if row[6] is not None]
        jobs.append(
            RecordedJob(
                job_id=job_id,
                sequence=sequence,
                status=events[-1].status if events else _status(status),
                place=_status(place),
                words=tuple(map(str, _json(words, list))),
                unacknowledged=events,
            )
        )
    return jobs, after


def read_events(connection: sqlite3.Connection, after: int, limit: int) -> list[LoggedEvent]:
    """Read the first events of the log beyond a position."""
    query = f"""
        SELECT number, acknowledged_at, {_EVENT} FROM events WHERE number > ? ORDER BY number LIMIT ?
    """  # noqa: S608 - made of constants
    rows = connection.execute(query, (after, limit))
    return [LoggedEvent(row[0], _recorded_event(row[2:]), row[1]) for row in rows]


def read_learned(connection: sqlite3.Connection, name: str) -> Mapping[str, Any] | None:
    """Read what was learned under a name."""
    row = connection.execute("SELECT state FROM learned WHERE name = ?", (name,)).fetchone()
    return None if row is None else _json(row[0], dict)


def read_unsent(connection: sqlite3.Connection, after: int, limit: int) -> list[RecordedPrompt]:
    """Read the first prompts beyond a position that are to be submitted."""
    query = f"""
        SELECT {_REFUSAL} FROM prompts WHERE state = 'unsent' AND position > ?
        ORDER BY position LIMIT ?
    """  # noqa: S608 - made of constants
    return _recorded_prompts(connection, query, (after, limit))


def read_open(connection: sqlite3.Connection) -> list[RecordedPrompt]:
    """Read the prompts that are being submitted, or whose job or refusal is not acknowledged."""
    query = f"""
        SELECT {_REFUSAL} FROM prompts WHERE state = 'sending'
        UNION ALL SELECT {_REFUSAL} FROM prompts WHERE state = 'refused'
        UNION ALL SELECT {_REFUSAL}
        FROM jobs JOIN prompts USING (job_id) WHERE NOT is_ended AND state = 'submitted'
        ORDER BY 1
    """  # noqa: S608 - made of constants
    return _recorded_prompts(connection, query, ())


def _recorded_prompts(
    connection: sqlite3.Connection, query: str, values: Sequence[object]
) -> list[RecordedPrompt]:
    prompts = []
    for row in connection.execute(query, values):
        position, *content, state, job_id = row[:8]
        refusal = None
        if state == "refused":
            status, code, reason, observed_at, changed_after = row[8:]
            refusal = RecordedEvent(
                job_id="",
                sequence=1,
                status=JobStatus(status),
                raw_status="",
                previous=None,
                observed_at=observed_at,
                changed_between=(changed_after, observed_at),
                body={},
                code=code,
                reason=reason,
                position=position,
                is_lasting=True,
            )
        prompts.append(
            RecordedPrompt(
                position=position,
                prompt=Content(*content).prompt(),
                state=state,
                job_id=job_id or "",
                refusal=refusal,
            )
        )
    return prompts


def _recorded_event(row: Sequence[Any]) -> RecordedEvent:
    job_id, sequence, position, status, raw_status, previous = row[:6]
    observed_at, earliest, latest, body, code, reason = row[6:]
    return RecordedEvent(
        job_id=job_id,
        sequence=sequence,
        position=position,
        status=JobStatus(status),
        raw_status=raw_status,
        previous=_status(previous),
        observed_at=observed_at,
        changed_between=(earliest, latest),
        body=_json(body, dict),
        code=code,
        reason=reason,
    )


def _status(word: str | None) -> JobStatus | None:
    return None if word is None else JobStatus(word)


def _json(text: str, kind: type) -> Any:  # noqa: ANN401 - as various as what is kept
    """Decode a value of this kind; a ValueError says that it isn't one."""
    value = json.loads(text)
    if not isinstance(value, kind):
        raise ValueError(f"{text[:40]!r} is not a {kind.__name__}")  # noqa: TRY004 - of the file
    return value
