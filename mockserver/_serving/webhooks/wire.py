"""The body and the header fields of webhooks, among them the signature."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from mockserver._api.outputs import RESULTS_URL
from mockserver._api.times import time_text, unix_time
from mockserver._api.wire import job_body

if TYPE_CHECKING:
    from datetime import datetime

    from mockserver._api.quirks import Quirks
    from mockserver._serving.webhooks.settings import WebhookSettings
    from mockserver._world.jobs import JobView

SIGNATURE_HEADER: Final = "X-Legnext-Signature"
"""The header field with the signature."""
TIMESTAMP_HEADER: Final = "X-Legnext-Timestamp"
"""The header field with the time of sending, if signatures cover it."""
AGENT: Final = "legnext-mock"
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


def signature_of(secret: str, body: bytes, timestamp: str | None = None) -> str:
    """The signature of a body: HMAC-SHA256, in hexadecimal.

    With a timestamp, the signature is of the timestamp, a full stop and the body, so that an old
    message can't be replayed with a new time.
    """
    signed = body if timestamp is None else f"{timestamp}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
