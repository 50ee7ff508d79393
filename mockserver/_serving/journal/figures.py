"""How close together requests came: gaps, rates and how many were under way, each with its proof.

Pure functions over records in the order of their arrival. Each gives the figure together with the
requests that make it, so that an assertion can show them.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver._serving.journal.record import RequestRecord

FORGIVEN: Final = 1e-9
"""A request that came exactly when it might must not be blamed for the last bit of a float: by so
many seconds less a gap is forgiven."""


@attrs.frozen
class Gap:
    """The time between two requests, one after the other.

    Attributes:
        seconds: From the arrival of the first to that of the second.
        before: The first.
        after: The second.
    """

    seconds: float
    before: RequestRecord
    after: RequestRecord


def gaps(records: Sequence[RequestRecord], *, per_job: bool) -> list[Gap]:
    """The gaps between each request and the one before it, in the order of time.

    Args:
        records: The requests, in the order of their arrival.
        per_job: Whether to look at each job by itself, and at no requests without a job; otherwise
            at all requests together.
    """
    latest: dict[str | None, RequestRecord] = {}
    found = []
    for record in records:
        if per_job and record.job_id is None:
            continue
        key = record.job_id if per_job else None
        if key in latest:
            found.append(Gap(record.at - latest[key].at, latest[key], record))
        latest[key] = record
    return found


def busiest_window(records: Sequence[RequestRecord], window: float) -> Sequence[RequestRecord]:
    """The most requests that arrived within any `window` seconds; the earliest such, of several.

    Windows are half open: of two requests exactly `window` seconds apart, none holds both.

    Args:
        records: The requests, in the order of their arrival.
        window: The length of the window, in seconds.

    Raises:
        ValueError: A window of no length.
    """
    if not window > 0:
        raise ValueError(f"window must be above 0 seconds, not {window}")
    first, begin, end = 0, 0, 0
    for last, record in enumerate(records):
        while record.at - records[first].at >= window - FORGIVEN and first < last:
            first += 1
        if last + 1 - first > end - begin:
            begin, end = first, last + 1
    return records[begin:end]


def most_at_once(records: Sequence[RequestRecord]) -> list[RequestRecord]:
    """The most requests that were under way at one time; the earliest such, of several.

    A request is under way from its arrival until just before its answer leaves. One that is
    answered in the instant of its arrival counts together with those that were under way before
    and after that instant; whether two such of one instant overlapped can't be known, so they are
    taken not to.

    Args:
        records: The requests, in the order of their arrival.
    """
    under_way: list[tuple[float, int]] = []  # Until when, and the request's place.
    most: list[int] = []
    for number, record in enumerate(records):
        while under_way and under_way[0][0] <= record.at:
            heapq.heappop(under_way)
        if record.answered_at > record.at:
            heapq.heappush(under_way, (record.answered_at, number))
            if len(under_way) > len(most):
                most = [other for _, other in under_way]
        elif len(under_way) >= len(most):
            earlier = [other for _, other in under_way if records[other].at < record.at]
            if len(earlier) >= len(most):
                most = [*earlier, number]
    return [records[number] for number in sorted(most)]
