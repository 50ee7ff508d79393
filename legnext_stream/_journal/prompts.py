"""The prompts of a batch in its journal: their entries, and the tables' side of each.

A prompt is known again by what it says, its tag included, and by the how-manieth of those that say the
same it is: so that the same prompts given again, or more of them, submit none twice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias, assert_never

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt, fields_of
from legnext_stream._journal.entries import KeptEvent

State: TypeAlias = Literal["unsent", "sending", "submitted", "refused", "ended"]
"""Where a prompt stands.

`unsent`: it is to be submitted. `sending`: its submit was about to go out, and nothing is known since.
`submitted`: it has a job. `refused`: it has none and will have none, which is owed to the consumer.
`ended`: the same, and acknowledged.
"""

_BYTES: Final = "base64"


@attrs.frozen
class Content:
    """What a prompt says, as text.

    Attributes:
        identity: Tells it from prompts that say something else.
        task_type: The kind of work.
        text: The prompt's text.
        params: The further fields, in JSON.
        tag: The caller's own, in JSON.
    """

    identity: bytes
    task_type: str
    text: str
    params: str
    tag: str

    @classmethod
    def of(cls, prompt: Prompt) -> Content:
        """What a prompt says.

        Raises:
            TypeError: JSON can't hold its parameters or its tag.
        """
        try:
            fields = json.dumps(_plain(fields_of(prompt)), sort_keys=True)
            params, tag = json.dumps(_plain(prompt.params)), json.dumps(prompt.tag, sort_keys=True)
        except (TypeError, ValueError) as error:
            msg = f"a journal keeps prompts as JSON, which can't hold those of {prompt!r}: {error}"
            raise TypeError(msg) from None
        said = f"{prompt.task_type}\n{fields}\n{tag}".encode()
        identity = hashlib.blake2b(said, digest_size=16).digest()
        return cls(identity, str(prompt.task_type), prompt.text, params, tag)


@attrs.frozen(kw_only=True)
class KeptPrompt:
    """A prompt, as it stands on disk.

    Attributes:
        position: Its place in the batch, from 1 on.
        prompt: The prompt.
        state: Where it stands.
        job_id: Its job, or empty.
        refusal: Why it has no job, where that is owed.
    """

    position: int
    prompt: Prompt
    state: State
    job_id: str = ""
    refusal: KeptEvent | None = None


@attrs.define(eq=False)
class Claim:
    """A prompt has come in, and asks for its place in the batch.

    Attributes:
        content: What it says.
        at: When, in seconds since 1970.
        position: Its place, once this is written.
        is_new: Whether it wasn't known, once this is written.
    """

    content: Content
    at: float
    position: int = 0
    is_new: bool = False


@attrs.frozen
class Moved:
    """A prompt is about to be submitted, or surely was not, or has come to its end.

    Attributes:
        position: Its place in the batch.
        state: Where it stands now.
    """

    position: int
    state: Literal["unsent", "sending", "ended"]


@attrs.frozen
class Submitted:
    """A prompt has a job.

    Attributes:
        position: Its place in the batch.
        job_id: The job.
    """

    position: int
    job_id: str


@attrs.frozen
class Refused:
    """A prompt has no job and will have none; until that is acknowledged it is owed.

    Attributes:
        position: Its place in the batch.
        event: What is owed.
    """

    position: int
    event: KeptEvent


PromptEntry: TypeAlias = Claim | Moved | Submitted | Refused


def write_prompt(connection: sqlite3.Connection, entry: PromptEntry) -> None:
    """Write an entry, within the transaction that is open."""
    execute = connection.execute
    match entry:
        case Claim():
            _claim(connection, entry)
        case Moved():
            execute(
                "UPDATE prompts SET state = ? WHERE position = ?", (entry.state, entry.position)
            )
        case Submitted():
            execute(
                "UPDATE prompts SET state = 'submitted', job_id = ? WHERE position = ?",
                (entry.job_id, entry.position),
            )
        case Refused():
            event = entry.event
            execute(
                "UPDATE prompts SET state = 'refused', status = ?, code = ?, reason = ?,"
                " observed_at = ?, changed_after = ? WHERE position = ?",
                (
                    event.status,
                    event.code,
                    event.reason,
                    event.observed_at,
                    event.changed_between[0],
                    entry.position,
                ),
            )
        case _:
            assert_never(entry)


def _claim(connection: sqlite3.Connection, claim: Claim) -> None:
    execute, content = connection.execute, claim.content
    # What this run was given, counted apart from what the journal knows: it is not kept.
    execute("CREATE TEMP TABLE IF NOT EXISTS given (identity BLOB PRIMARY KEY, times INTEGER)")
    (times,) = execute(
        "INSERT INTO temp.given VALUES (?, 1) "
        "ON CONFLICT (identity) DO UPDATE SET times = times + 1 RETURNING times",
        (content.identity,),
    ).fetchone()
    known = execute(
        "SELECT position FROM prompts WHERE identity = ? AND occurrence = ?",
        (content.identity, times),
    ).fetchone()
    if known is not None:
        (claim.position,) = known
        return
    claim.is_new = True
    (claim.position,) = execute(
        "INSERT INTO prompts (identity, occurrence, task_type, text, params, tag, taken_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING position",
        (
            content.identity,
            times,
            content.task_type,
            content.text,
            content.params,
            content.tag,
            claim.at,
        ),
    ).fetchone()


_COLUMNS: Final = (
    "position, task_type, text, params, tag, state, prompts.job_id, prompts.status, code, reason,"
    " observed_at, changed_after"
)


def read_unsent(connection: sqlite3.Connection, after: int, most: int) -> list[KeptPrompt]:
    """The first prompts beyond a place in the batch that are to be submitted."""
    query = f"""
        SELECT {_COLUMNS} FROM prompts WHERE state = 'unsent' AND position > ?
        ORDER BY position LIMIT ?
    """  # noqa: S608 - made of constants
    return list(_kept(connection, query, (after, most)))


def read_open(connection: sqlite3.Connection) -> list[KeptPrompt]:
    """The prompts that were being submitted, or have a job or a refusal that is not finished with."""
    columns = _COLUMNS.replace("position", "prompts.position", 1)
    query = f"""
        SELECT {columns} FROM prompts WHERE state = 'sending'
        UNION ALL SELECT {columns} FROM prompts WHERE state = 'refused'
        UNION ALL SELECT {columns}
        FROM jobs JOIN prompts USING (job_id) WHERE NOT is_ended AND state = 'submitted'
        ORDER BY 1
    """  # noqa: S608 - made of constants
    return list(_kept(connection, query, ()))


def _kept(
    connection: sqlite3.Connection, query: str, values: tuple[object, ...]
) -> Iterator[KeptPrompt]:
    for row in connection.execute(query, values):
        (position, task_type, text, params, tag, state, job_id) = row[:7]
        (status, code, reason, observed_at, changed_after) = row[7:]
        refusal = None
        if state == "refused":
            refusal = KeptEvent(
                job_id="",
                status=JobStatus(status),
                raw_status="",
                previous=None,
                observed_at=observed_at,
                changed_between=(changed_after, observed_at),
                body={},
                code=code,
                reason=reason,
            )
        prompt = Prompt(
            text, tag=json.loads(tag), task_type=task_type, params=_as_given(json.loads(params))
        )
        yield KeptPrompt(
            position=position, prompt=prompt, state=state, job_id=job_id or "", refusal=refusal
        )


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields as JSON can hold them: a mask given as bytes is written as text."""
    return {
        name: {_BYTES: base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in fields.items()
    }


def _as_given(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        name: base64.b64decode(value[_BYTES])
        if isinstance(value, dict) and value.keys() == {_BYTES}
        else value
        for name, value in fields.items()
    }
