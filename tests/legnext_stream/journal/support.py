"""What the journal's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal import SqliteRecorder
from legnext_stream._journal.recorder import Outcome, Recorder
from legnext_stream._journal.records import Acknowledged, Record, RecordedEvent, RecordedJob
from tests.legnext_stream.support import URL


def fingerprint(salt: str) -> str:
    """Stands for the hash of a key."""
    return f"hash of {salt}"


def recorder_of(path: Path, **changes: Any) -> SqliteRecorder:  # noqa: ANN401 - passed on
    """A recorder with this file."""
    settings: dict[str, Any] = {"base_url": URL, "fingerprint": fingerprint}
    return SqliteRecorder(path, **settings | changes)


@asynccontextmanager
async def opened(path: Path, **changes: Any) -> AsyncIterator[SqliteRecorder]:  # noqa: ANN401 - passed on
    """An open recorder with this file."""
    recorder = recorder_of(path, **changes)
    await recorder.open()
    try:
        yield recorder
    finally:
        await recorder.close()  # noqa: ASYNC102 - it shields itself


async def write(recorder: Recorder, *batches: Sequence[Record]) -> None:
    """Write the first batches of a run."""
    for number, records in enumerate(batches, 1):
        assert (await recorder.write(number, records)).outcome is Outcome.DONE


def event(
    job_id: str,
    status: JobStatus,
    sequence: int = 1,
    **changes: Any,  # noqa: ANN401 - passed on
) -> RecordedEvent:
    """An event of a job."""
    fields: dict[str, Any] = {
        "job_id": job_id,
        "sequence": sequence,
        "status": status,
        "raw_status": str(status),
        "previous": None,
        "observed_at": 10.0,
        "changed_between": (None, 10.0),
        "body": {"job_id": job_id},
    }
    return RecordedEvent(**fields | changes)


def acknowledged(reported: RecordedEvent, at: float = 20.0) -> Acknowledged:
    """What is written when the consumer is done with an event."""
    return Acknowledged(
        job_id=reported.job_id,
        status=reported.status,
        raw_status=reported.raw_status,
        position=reported.position,
        at=at,
    )


async def unfinished(recorder: Recorder) -> list[RecordedJob]:
    """All jobs whose end is not acknowledged."""
    async with aclosing(recorder.unfinished()) as pages:
        return [job async for page in pages for job in page]


async def ended(recorder: Recorder) -> list[str]:
    """All jobs whose end is acknowledged."""
    async with aclosing(recorder.ended()) as pages:
        return [job_id async for page in pages for job_id in page]
