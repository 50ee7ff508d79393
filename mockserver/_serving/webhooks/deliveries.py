"""The journal of deliveries: all attempts to deliver webhooks, and their results."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal, TypeAlias, overload

import attrs
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Outcome: TypeAlias = Literal["delivered", "rejected", "failed", "refused", "lost"]
"""The result of an attempt: `"delivered"`, answered with 2xx; `"rejected"`, answered with another
status; `"failed"`, no answer; `"refused"`, not sent as the host isn't allowed; `"lost"`, not sent as
the settings say."""


@attrs.frozen
class DeliveryRecord:
    """One attempt to deliver a message.

    Attributes:
        at: When it was sent, in seconds since the world's start.
        ended_at: When it was answered or given up, in seconds since the world's start.
        job_id: The job it is about.
        status: The status that it reports.
        changed_at: When the job reached that status, in seconds since the world's start.
        url: The URL, without user name and password.
        copy: 0, or 1 for the duplicate of a message that is sent twice.
        number: 1 for the first attempt of this copy, 2 for the first retry, and so on.
        signed: Whether it had a signature.
        outcome: The result.
        status_code: The status of the answer; None if there was none.
        error: Why there was no answer, or None.
    """

    at: float
    ended_at: float
    job_id: str
    status: str
    changed_at: float
    url: str
    copy: int
    number: int
    signed: bool
    outcome: Outcome
    status_code: int | None = None
    error: str | None = None

    def __str__(self) -> str:
        details = self.error if self.status_code is None else self.status_code
        return (
            f"{self.at:10.3f} s  {self.job_id} {self.status} -> {self.url}"
            f"  {self.outcome}{'' if details is None else f': {details}'}"
        )


def _in_order(record: DeliveryRecord) -> tuple[float, str, float, int, int]:
    return record.at, record.job_id, record.changed_at, record.copy, record.number


class Deliveries:
    """All attempts to deliver, in the order of time.

    Attempts of the same instant are ordered by their content, so that two runs of one seed have
    equal journals.

    Args:
        keep: How many of the latest attempts to keep; None for all.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._records: deque[DeliveryRecord] = deque(maxlen=keep)
        self._sorted: list[DeliveryRecord] | None = None

    def add(self, record: DeliveryRecord) -> None:
        """Add an attempt that has ended."""
        self._records.append(record)
        self._sorted = None

    def restore(self, records: Iterable[DeliveryRecord]) -> None:
        """Replace all records by these."""
        self._records = deque(records, maxlen=self._records.maxlen)
        self._sorted = None

    def of(self, job_id: str) -> list[DeliveryRecord]:
        """The attempts about one job."""
        return [record for record in self if record.job_id == job_id]

    def _in_time(self) -> list[DeliveryRecord]:
        if self._sorted is None:
            self._sorted = sorted(self._records, key=_in_order)
        return self._sorted

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[DeliveryRecord]:
        return iter(tuple(self._in_time()))

    @overload
    def __getitem__(self, index: int) -> DeliveryRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[DeliveryRecord]: ...

    def __getitem__(self, index: int | slice) -> DeliveryRecord | list[DeliveryRecord]:
        """One record, or those of a slice."""
        return self._in_time()[index]

    def dump(self) -> bytes:
        """The journal as JSON, one attempt a line."""
        return b"".join(msgspec.json.encode(record) + b"\n" for record in self._in_time())

    def __repr__(self) -> str:
        return f"<Deliveries: {len(self)} attempts>"
