"""What the times in a job's `meta` say, on our clock, together with what was seen of the job.

The API truncates its times to whole seconds, and its clock is only known so well (see `server_clock`).
What was seen has precedence: a timestamp narrows it, and never contradicts it.
"""

from __future__ import annotations

import math

from legnext_stream._core.model.decoding import Body, decode_stamp
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.server_clock import ServerClock
from legnext_stream._core.watched import Watched

# A greater age can't be: jobs are kept for three days. It means that two clocks disagree.
_OLDEST = 3 * 86400.0


class Timestamps:
    """Reads the timestamps of a watch's jobs. Times are in seconds on our clock."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock

    def changed_between(
        self, now: float, job: Watched, status: JobStatus, body: Body
    ) -> tuple[float | None, float]:
        """The earliest and the latest time at which a change can have happened."""
        stamp = None
        if status.is_terminal:
            stamp = decode_stamp(body, "ended_at")
        elif status is JobStatus.PROCESSING:
            stamp = decode_stamp(body, "started_at")
        at = None if stamp is None else self._clock.local(stamp)
        if at is None or now - at > _OLDEST:
            return job.seen_at, now
        # The true time is up to a second after the timestamp, and the clock is off by up to its error.
        low = at - self._clock.error
        high = at + self._clock.second + self._clock.error
        earliest = low if job.seen_at is None else max(low, job.seen_at)
        latest = min(high, now)
        return (earliest, latest) if earliest <= latest else (job.seen_at, now)

    def started_at(
        self, now: float, job: Watched, stamp: float | None, seen_before: float | None
    ) -> float:
        """When a running job began to run, by the API's clock if that makes sense, else by ours.

        That it runs now is noted in the job. `stamp` is its start by the API's clock, or None. At
        `seen_before` an answer last described it before it was seen running.
        """
        if now < job.running_by:
            job.running_by = now
        is_confirmed = job.is_confirmed
        first = now if job.started_at is None or not is_confirmed else job.started_at
        if stamp is None:
            return first
        earliest = -math.inf
        if not is_confirmed and seen_before is not None:
            earliest = seen_before
            self._clock.happened(stamp, seen_before, now)
        at = self._clock.local(stamp)
        if at is None or now - at > _OLDEST:
            return first
        at = at if at > earliest else earliest
        return at if at < job.running_by else job.running_by

    def end(
        self, now: float, job: Watched, body: Body
    ) -> tuple[float | None, tuple[float, float] | None, tuple[float, float]]:
        """What the end of a job says about its run.

        Returns:
            When it began, or None if that isn't known; the least and the most that its run time can
            be, or None; and the earliest and the latest time at which it can have ended.
        """
        clock, seen_at = self._clock, -math.inf if job.seen_at is None else job.seen_at
        started, ended = decode_stamp(body, "started_at"), decode_stamp(body, "ended_at")
        started_at = job.started_at if job.is_confirmed else None
        run, between = None, (seen_at, now)
        if started is not None and ended is not None and ended >= started:
            # Both are truncated to whole seconds.
            seconds = (ended - started) * clock.second
            run = (seconds, seconds + clock.second)
            if job.seen_at is not None:
                clock.happened(ended, seen_at, now)
            at = clock.local(ended)
            if at is not None:
                earliest = min(max(at, seen_at), now)
                between = (earliest, min(max(at + clock.second, earliest), now))
                started_at = earliest - run[0]
        elif started_at is None and ended is not None and (at := clock.local(ended)) is not None:
            # It has failed without ever having run.
            earliest = min(max(at, seen_at), now)
            between = (earliest, min(max(at + clock.second, earliest), now))
        elif started_at is not None:
            run = (max(seen_at - started_at, job.counted), now - started_at)
        return started_at, run, between
