"""The journal: every request that came, and how it was answered."""

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
    """A journal at one moment, to go back to.

    Attributes:
        records: The requests that were kept.
        dropped: How many no longer were.
        answers: How many had got each status code.
    """

    records: tuple[RequestRecord, ...] = attrs.field(repr=False)
    dropped: int
    answers: Mapping[int, int]


class Journal(Requests):
    """All requests, in the order in which they arrived.

    Those of the same instant are ordered by what they ask for: which of them a scheduler lets go
    first says nothing about the world, and two runs of one seed must have equal journals.

    Queries, figures and assertions know the requests that are kept, and no others.

    Args:
        keep: How many requests are kept, the latest; None for all of them. So that a server that
            runs for weeks does not grow for ever.

    Attributes:
        dropped: How many requests are no longer kept.
        answers: How many requests got each status code, those included that are no longer kept.

    Raises:
        ValueError: To keep none.
    """

    def __init__(self, keep: int | None = None) -> None:
        super().__init__()
        self.dropped: int = 0
        self.answers: Counter[int] = Counter()
        self._is_sorted = True
        self.keep = keep

    @property
    def keep(self) -> int | None:
        """How many requests are kept, the latest; None for all of them. May be changed.

        Raises:
            ValueError: On setting: to keep none.
        """
        return self._keep

    @keep.setter
    def keep(self, keep: int | None) -> None:
        if keep is not None and keep < 1:
            raise ValueError(f"keep must be 1 request or more, or None for all, not {keep}")
        self._keep = keep
        self._is_sorted = False

    def add(self, record: RequestRecord) -> None:
        """Note a request that has been answered."""
        self._records.append(record)
        self.answers[record.status_code] += 1
        self._is_sorted = False
        # Dropping half of a list that is twice too long, now and then, costs nothing a request.
        if self._keep is not None and len(self._records) >= 2 * self._keep:
            self._drop(self._keep)

    def clear(self) -> None:
        """Forget all requests."""
        self._records.clear()
        self.dropped = 0
        self.answers.clear()

    def latest(self, n: int) -> list[RequestRecord]:
        """The `n` requests that were noted last, or all if there are fewer.

        Unlike all other queries it costs nothing, however long the journal is.
        """
        return sorted(self._records[max(len(self._records) - n, 0) :], key=in_order)

    def snapshot(self) -> JournalSnapshot:
        """The journal as it is, to go back to."""
        return JournalSnapshot(tuple(self._records), self.dropped, dict(self.answers))

    def restore(self, snapshot: JournalSnapshot) -> None:
        """Go back to the requests of a snapshot."""
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
