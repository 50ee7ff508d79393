"""The record of one request in the journal."""

from __future__ import annotations

import msgspec


# One is made for every request, and all are kept. A msgspec.Struct is the fastest to make. It can't
# be part of a reference cycle, so without tracking by the garbage collector a long journal doesn't
# slow down the collector.
class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One request and its answer.

    Attributes:
        at: When it arrived, in seconds since the world's start.
        answered_at: When its answer left, in seconds since the world's start.
        method: Its method, e.g. `"GET"`.
        path: Its path, percent-encoded as it was sent, without the query.
        job_id: The job that it is about, or that it made; None if there is none.
        status_code: The status of the answer.
        retry_after: The `Retry-After` of the answer, in the client's seconds, or None.
        route: The template of its route, e.g. `"GET /api/v1/job/{job_id}"`; None if there is none.
        faults: The names of the fault rules that applied to it, in their order.
    """

    at: float
    answered_at: float
    method: str
    path: str
    job_id: str | None
    status_code: int
    retry_after: int | None = None
    route: str | None = None
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        line = f"{self.at:10.3f} s  {self.method} {self.path} -> {self.status_code}"
        return f"{line}  [{', '.join(self.faults)}]" if self.faults else line


def in_order(record: RequestRecord) -> tuple[float, str, str, float, int, str]:
    """The key that orders requests: their time, and in one instant what they ask for."""
    return (
        record.at,
        record.path,
        record.method,
        record.answered_at,
        record.status_code,
        record.job_id or "",
    )
