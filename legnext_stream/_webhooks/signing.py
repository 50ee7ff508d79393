"""How callbacks are signed: HMAC-SHA256 (RFC 2104), in lower-case hexadecimal.

The body is signed; or, if there is a timestamp, the timestamp, a full stop and the body. So an old
callback can't be sent again with a new time.
"""

from __future__ import annotations

import hashlib
import hmac


def signature_of(secret: str, body: bytes, timestamp: bytes | None = None) -> bytes:
    """Compute the signature of a callback.

    Args:
        secret: The secret that the API and the receiver share.
        body: The body, byte for byte.
        timestamp: The value of `X-Legnext-Timestamp`, byte for byte; None if there is none.
    """
    signed = body if timestamp is None else timestamp + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()


def is_signed(secret: str, body: bytes, timestamp: bytes | None, signature: bytes) -> bool:
    """Whether a signature is right. The comparison takes constant time."""
    return hmac.compare_digest(signature_of(secret, body, timestamp), signature)
