"""How callbacks are signed: HMAC-SHA256, in lower-case hexadecimal.

It is that of the body or, where a timestamp goes with it, of the timestamp, a full stop and the body:
so an old callback can't be sent again under a new time.
"""

from __future__ import annotations

import hashlib
import hmac


def signature_of(secret: str, body: bytes, timestamp: bytes | None = None) -> bytes:
    """The signature of a callback.

    Args:
        secret: What the API and the receiver both know.
        body: The body, byte for byte.
        timestamp: The value of `X-Legnext-Timestamp`, byte for byte; None if there is none.
    """
    signed = body if timestamp is None else timestamp + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()


def is_signed(secret: str, body: bytes, timestamp: bytes | None, signature: bytes) -> bool:
    """Whether a signature is right. How long that takes says nothing of the right one."""
    return hmac.compare_digest(signature_of(secret, body, timestamp), signature)
