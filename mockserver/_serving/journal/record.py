"""What the journal keeps of one request."""

from __future__ import annotations

import msgspec


# One is made for every request, and all are kept. A msgspec.Struct is quickest to make, and without
# a garbage collector's header, which it can do without as nothing in it refers back to it, a long
# journal costs the collector nothing.
class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One request and its answer.

    Attributes:
        at: When it arrived, in seconds since the world's start.
        answered_at: When its answer left, in seconds since the world's start.
        method: Its method, e.g. `"GET"`.
        path: Its path, as it was sent (percent-encoded), without the query.
        job_id: The job it is about, or that it made; None where there is none.
        status_code: The status of the answer.
        retry_after: What the answer's `Retry-After` says, in the client's seconds, or None.
        route: The template of the route that the request fits, e.g. `"GET /api/v1/job/{job_id}"`;
            None where there is no such route.
        faults: The names of the fault rules that were applied to it, in their order.
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
        told = f"{self.at:10.3f} s  {self.method} {self.path} -> {self.status_code}"
        return f"{told}  [{', '.join(self.faults)}]" if self.faults else told


def in_order(record: RequestRecord) -> tuple[float, str, str, float, int, str]:
    """What requests are ordered by: their time, and in one instant what they ask for.

    Which of those a scheduler lets go first says nothing about the world, and two runs of one seed
    must have equal journals.
    """
    return (
        record.at,
        record.path,
        record.method,
        record.answered_at,
        record.status_code,
        record.job_id or "",
    )
