"""An event as one line of JSON, for programs to read."""

from __future__ import annotations

import json

import attrs

from legnext_stream._cli.words import iso_time
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobError


@attrs.frozen
class WallClock:
    """Converts times on Trio's clock to calendar times.

    The offset is fixed, so that a correction of the system's clock during a watch can't put events
    out of order.

    Attributes:
        offset: Seconds since 1970 when Trio's clock was at zero.
    """

    offset: float

    def iso(self, seconds: float) -> str:
        """A time on Trio's clock, in UTC and to the millisecond: `2025-12-17T11:08:36.512Z`."""
        return iso_time(self.offset + seconds)


def event_line(event: JobEvent, clock: WallClock) -> bytes:
    """An event as one line of JSON with its line end. ASCII only, so that it survives any pipe."""
    job = event.job
    since, until = event.changed_between
    fields: dict[str, object] = {
        "sequence": event.sequence,
        "observed_at": clock.iso(event.observed_at),
        "job_id": event.job_id,
        "task_type": job.task_type or None,
        "status": event.status,
        "previous": event.previous,
        "raw_status": job.raw_status or None,
        "changed_between": [None if since is None else clock.iso(since), clock.iso(until)],
        "error": _error(job.error),
        "image_urls": job.output.image_urls,
        "video_urls": job.output.video_urls,
    }
    if event.prompt is not None:
        # An event of `generate`.
        lost = event.download_error
        fields |= {
            "position": event.position,
            "prompt": event.prompt.text,
            "tag": event.prompt.tag,
            "files": [str(file.path) for file in event.files],
            "not_saved": None if lost is None else str(lost),
        }
    return json.dumps(fields).encode("ascii") + b"\n"


def _error(error: JobError | None) -> dict[str, object] | None:
    if error is None:
        return None
    return {"code": error.code, "message": error.message or error.raw_message}
