"""The body and the header fields of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver._api.outputs import RESULTS_URL
from mockserver._api.times import time_text, unix_time
from mockserver._api.wire import job_body
from mockserver._serving.webhooks.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature_of

if TYPE_CHECKING:
    from datetime import datetime

    from mockserver._api.quirks import Quirks
    from mockserver._serving.webhooks.settings import WebhookSettings
    from mockserver._world.jobs import JobView

AGENT = "legnext-mock"
"""The `User-Agent` of messages."""


def body_of(
    job: JobView, t: float, epoch: datetime, quirks: Quirks, results_at: str = RESULTS_URL
) -> bytes:
    """The body of a message about a job, as it is after its change at `t`."""
    body = job_body(job, epoch, quirks, results_at)
    if quirks.webhook_envelope == "job":
        return body
    return b'{"timestamp":"%s","data":%s}' % (time_text(epoch, t).encode(), body)


def headers_of(
    body: bytes, sent_at: float, epoch: datetime, settings: WebhookSettings
) -> dict[str, str]:
    """The header fields of a message that is sent `sent_at` seconds after the world's start."""
    headers = {"Content-Type": "application/json", "User-Agent": AGENT}
    timestamp = str(unix_time(epoch, sent_at)) if settings.timestamped else None
    if timestamp is not None:
        headers[TIMESTAMP_HEADER] = timestamp
    if settings.secret:
        headers[SIGNATURE_HEADER] = signature_of(settings.secret, body, timestamp)
    return headers
