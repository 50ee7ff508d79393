"""The signature of webhooks: HMAC-SHA256 of the body, in hexadecimal.

With a timestamp, the signature is of the timestamp, a full stop and the body, so that an old message
can't be replayed with a new time.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SIGNATURE_HEADER: Final = "X-Legnext-Signature"
"""The header field with the signature."""
TIMESTAMP_HEADER: Final = "X-Legnext-Timestamp"
"""The header field with the time of sending, if signatures cover it."""


def signature_of(secret: str, body: bytes, timestamp: str | None = None) -> str:
    """The signature of a body; of its timestamp too, if the message has one."""
    signed = body if timestamp is None else f"{timestamp}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
