"""The journal: all requests, and how they were answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from mockserver._serving.journal.record import in_order
from mockserver._serving.journal.requests import Requests

if TYPE_CHECKING:
    from mockserver._serving.journal.record import RequestRecord


@attrs.frozen(eq=False)
class JournalSnapshot:
    """The state of a journal, to return to."""

    records: tuple[RequestRecord, ...] = attrs.field(repr=False)
    dropped: int
    answers: Mapping[int, int]


class Journal(Requests):
    """All requests, in the order of arrival.

    Requests of the same instant are ordered by what they ask for: which of them a scheduler runs
    first says nothing about the world, and two runs of one seed must have equal journals.

    Queries, figures and assertions only know the requests that are kept.

    Args:
        keep: How many of the latest requests to keep, so that a server can run for weeks; None for
            all.

    Attributes:
        dropped: How many requests are no longer kept.
        answers: The number of answers with each status code, including those no longer kept.

    Raises:
        ValueError: `keep` is below 1.
    """

    def __init__(self, keep: int | None = None) -> None:
        super().__init__()
        self.dropped: int = 0
        self.answers: Counter[int] = Counter()
        self._is_sorted = True
        self.keep = keep

    @property
    def keep(self) -> int | None:
        """How many of the latest requests are kept; None for all. It can be set.

        Raises:
            ValueError: On setting: it is below 1.
        """
        return self._keep

    @keep.setter
    def keep(self, keep: int | None) -> None:
        if keep is not None and keep < 1:
            raise ValueError(f"keep must be 1 request or more, or None for all, not {keep}")
        self._keep = keep
        self._is_sorted = False

    def add(self, record: RequestRecord) -> None:
        """Add a request that has been answered."""
        self._records.append(record)
        self.answers[record.status_code] += 1
        self._is_sorted = False
        # Dropping half of a list that is twice too long has constant amortized cost.
        if self._keep is not None and len(self._records) >= 2 * self._keep:
            self._drop(self._keep)

    def clear(self) -> None:
        """Forget all requests."""
        self._records.clear()
        self.dropped = 0
        self.answers.clear()

    def latest(self, n: int) -> list[RequestRecord]:
        """The last `n` requests, or all if there are fewer.

        Unlike other queries, its time doesn't depend on the length of the journal.
        """
        return sorted(self._records[max(len(self._records) - n, 0) :], key=in_order)

    def snapshot(self) -> JournalSnapshot:
        """The journal as it is, to return to."""
        return JournalSnapshot(tuple(self._records), self.dropped, dict(self.answers))

    def restore(self, snapshot: JournalSnapshot) -> None:
        """Return to the requests of a snapshot."""
        self._records[:] = snapshot.records
        self._is_sorted = False
        self.dropped = snapshot.dropped
        self.answers = Counter(snapshot.answers)

    def _drop(self, keep: int) -> None:
        self._records.sort(key=in_order)
        excess = len(self._records) - keep
        if excess > 0:
            self.dropped += excess
            del self._records[:excess]

    def _sorted(self) -> list[RequestRecord]:
        if not self._is_sorted:
            if self._keep is None:
                self._records.sort(key=in_order)
            else:
                self._drop(self._keep)
            self._is_sorted = True
        return self._records

    def __len__(self) -> int:
        return len(self._sorted())
