"""A callback: what the API reports about a job without being asked."""

from __future__ import annotations

import attrs

from legnext_stream._core.model.decoding import Body, decode_body, decode_stamp, decode_status
from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream.errors import InvalidJobId


@attrs.frozen
class Callback:
    """The content of a callback: the job object, decoded from JSON, and the size of its request in bytes."""

    job_id: str
    status: JobStatus
    body: Body
    size: int

    @property
    def happened_at(self) -> float | None:
        """When the job got this status, seconds since 1970; None if the callback doesn't say."""
        return decode_stamp(self.body, "ended_at" if self.status.is_terminal else "started_at")


def read_callback(content: bytes) -> Callback | None:
    """Read a callback's body: a job, or `{"timestamp": …, "data": job}`; None if it is neither."""
    body = decode_body(content)
    inner = None if body is None else body.get("data")
    if body is not None and "job_id" not in body and isinstance(inner, dict):
        body = inner
    status = None if body is None else decode_status(body.get("status"))
    if body is None or status is None:
        return None
    try:
        job_id = check_job_id(body.get("job_id"))
    except InvalidJobId:
        return None
    return Callback(job_id, status, body, len(content))
