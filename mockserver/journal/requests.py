"""The journal: every request that came, and how it was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import attrs
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class RequestRecord:
    """One request and its answer.

    Attributes:
        at: When it arrived, in seconds since the world's start.
        answered_at: When its answer left, in seconds since the world's start.
        method: Its method, e.g. `"GET"`.
        path: Its path, as it was sent (percent-encoded), without the query.
        job_id: The job it is about, or that it made; None where there is none.
        status_code: The status of the answer.
        retry_after: What the answer's `Retry-After` says, in the client's seconds, or None.
    """

    at: float
    answered_at: float
    method: str
    path: str
    job_id: str | None
    status_code: int
    retry_after: int | None = None

    def __str__(self) -> str:
        return f"{self.at:10.3f} s  {self.method} {self.path} -> {self.status_code}"


def _in_order(record: RequestRecord) -> tuple[float, str, str, float, int]:
    return record.at, record.path, record.method, record.answered_at, record.status_code


class Journal:
    """All requests, in the order in which they arrived.

    Those of the same instant are ordered by what they ask for: which of them a scheduler lets go
    first says nothing about the world, and two runs of one seed must have equal journals.
    """

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._is_sorted = True

    def add(self, record: RequestRecord) -> None:
        """Note a request that has been answered."""
        self._records.append(record)
        self._is_sorted = False

    def _sorted(self) -> list[RequestRecord]:
        if not self._is_sorted:
            self._records.sort(key=_in_order)
            self._is_sorted = True
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(tuple(self._sorted()))

    @overload
    def __getitem__(self, index: int) -> RequestRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[RequestRecord]: ...

    def __getitem__(self, index: int | slice) -> RequestRecord | list[RequestRecord]:
        """One record, or those of a slice."""
        return self._sorted()[index]

    def dump(self) -> bytes:
        """The journal as JSON, one request a line."""
        return b"".join(msgspec.json.encode(record) + b"\n" for record in self._sorted())

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} requests>"
