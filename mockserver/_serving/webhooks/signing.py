"""How the service signs what it sends: HMAC-SHA256, in hexadecimal, over the body.

Where a timestamp goes with it, the signature is over the timestamp, a full stop and the body, so
that an old message can't be sent again under a new time.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SIGNATURE_HEADER: Final = "X-Legnext-Signature"
"""The header that has the signature."""
TIMESTAMP_HEADER: Final = "X-Legnext-Timestamp"
"""The header that has the time of sending, where signatures cover it."""


def signature_of(secret: str, body: bytes, timestamp: str | None = None) -> str:
    """The signature of a webhook.

    Args:
        secret: What the service and the receiver both know.
        body: The body, byte for byte.
        timestamp: The value of `X-Legnext-Timestamp`; None where there is no such header.
    """
    signed = body if timestamp is None else f"{timestamp}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
