"""Gaps, rates and concurrency of requests.

Pure functions over records in the order of arrival. Each returns the requests that make the figure,
so that an assertion can show them.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver._serving.journal.record import RequestRecord

FORGIVEN: Final = 1e-9
"""A gap may be too short by this many seconds: a request at the exact time must not fail by the last
bit of a float."""


@attrs.frozen
class Gap:
    """The time between the arrivals of two consecutive requests, in seconds."""

    seconds: float
    before: RequestRecord
    after: RequestRecord


def gaps(records: Sequence[RequestRecord], *, per_job: bool) -> list[Gap]:
    """The gaps between each request and the one before it, in the order of time.

    Per job, only requests for the same job are compared, and those without a job are left out.
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
    """The most requests that arrived within any `window` seconds; the first such window of several.

    Windows are half-open: two requests exactly `window` seconds apart are never in the same one.

    Raises:
        ValueError: `window` isn't above 0.
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
    """The most requests that were in progress at one time; the first such time of several.

    A request is in progress from its arrival until just before its answer leaves. One that is
    answered in the instant of its arrival counts together with those in progress before and after
    that instant. Whether two such requests of one instant overlapped is unknown, so they count as
    not overlapping.
    """
    in_progress: list[tuple[float, int]] = []  # Until when, and the request's place.
    most: list[int] = []
    for number, record in enumerate(records):
        while in_progress and in_progress[0][0] <= record.at:
            heapq.heappop(in_progress)
        if record.answered_at > record.at:
            heapq.heappush(in_progress, (record.answered_at, number))
            if len(in_progress) > len(most):
                most = [other for _, other in in_progress]
        elif len(in_progress) >= len(most):
            earlier = [other for _, other in in_progress if records[other].at < record.at]
            if len(earlier) >= len(most):
                most = [*earlier, number]
    return [records[number] for number in sorted(most)]
