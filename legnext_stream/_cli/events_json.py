"""An event as one line of JSON, for programs to read."""

from __future__ import annotations

import json

from legnext_stream._cli.words import iso_time
from legnext_stream._core.model.events import JobEvent


def event_line(event: JobEvent, epoch: float) -> bytes:
    """An event as one line of JSON with its line end. ASCII only, so that it survives any pipe.

    Args:
        event: The event.
        epoch: Seconds since 1970 when Trio's clock was at zero. It is the same for all events of a
            watch, so that a correction of the system's clock can't put them out of order.
    """
    job = event.job
    since, until = event.changed_between
    error: dict[str, object] | None = None
    if job.error is not None:
        error = {
            "code": job.error.code,
            "message": job.error.message or job.error.raw_message,
            "raw_message": job.error.raw_message,
        }
    fields: dict[str, object] = {
        "sequence": event.sequence,
        "observed_at": iso_time(epoch + event.observed_at),
        "job_id": event.job_id,
        "task_type": job.task_type or None,
        "status": event.status,
        "previous": event.previous,
        "raw_status": job.raw_status or None,
        "changed_between": [
            None if since is None else iso_time(epoch + since),
            iso_time(epoch + until),
        ],
        "error": error,
        "image_url": job.output.image_url,
        "image_urls": job.output.image_urls,
        "video_urls": job.output.video_urls,
        "texts": dict(job.output.texts),
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
