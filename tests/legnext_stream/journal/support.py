"""What the journal's tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal import KeptEvent, Store
from tests.legnext_stream.support import URL


def fingerprint(salt: str) -> str:
    """Stands for the hash of a key."""
    return f"hash of {salt}"


def opened(path: Path, **changes: Any) -> Store:  # noqa: ANN401 - passed on
    """A journal of this file."""
    settings: dict[str, Any] = {"base_url": URL, "fingerprint": fingerprint}
    return Store.open(path, **settings | changes)


def kept(job_id: str, status: JobStatus, **changes: Any) -> KeptEvent:  # noqa: ANN401 - passed on
    """An event of a job."""
    fields: dict[str, Any] = {
        "job_id": job_id,
        "status": status,
        "raw_status": str(status),
        "previous": None,
        "observed_at": 10.0,
        "changed_between": (None, 10.0),
        "body": {"job_id": job_id},
    }
    return KeptEvent(**fields | changes)
