"""Checks requests to a receiver: each is a verified callback, a mere hint, or refused.

Pure: the time is an argument. A request without a signature is no more than a hint. One with a wrong
signature is a forgery, whatever else it says. A signed one must be fresh, and come for the first time.
Only signed requests are remembered, so that strangers can't fill the memory.
"""

from __future__ import annotations

import enum
import hashlib
import heapq
import hmac
import math
from typing import Final

import attrs

from legnext_stream._core.model.decoding import decode_time
from legnext_stream._webhooks.callback import Callback, read_callback

# Signatures that are remembered at most, which takes some 20 MB. Beyond that, those that will be stale
# first are forgotten; a replay of one would only repeat what the watch knows.
_REMEMBERED: Final = 100_000
_LONGEST_TIMESTAMP: Final = 64
# Seconds since 1970 have ten digits; a number with more is in milliseconds.
_MILLISECONDS: Final = 1e11


class Finding(enum.Enum):
    """What a request is."""

    VERIFIED = enum.auto()
    UNSIGNED = enum.auto()
    FORGED = enum.auto()
    REPLAYED = enum.auto()
    STALE = enum.auto()
    MALFORMED = enum.auto()


@attrs.frozen
class Checked:
    """What a request was found to be, why it is refused, and its callback if that is to be passed on."""

    finding: Finding
    callback: Callback | None = None
    # For the log. Nothing of it is from the request but numbers.
    reason: str = attrs.field(default="", eq=False)


class Checker:
    """Checks the requests to one receiver. Times in seconds since 1970.

    Args:
        secret: The secret that callbacks are signed with; None if they are not signed.
        freshness: How old a callback may be, seconds. It may be dated ahead: whoever signed it has a
            clock that is ahead of ours, or runs faster.
    """

    def __init__(self, secret: str | bytes | None, freshness: float) -> None:
        self._secret = secret
        self._freshness = freshness
        self._seen: set[bytes] = set()
        self._forget: list[tuple[float, bytes]] = []

    def check(
        self, now: float, body: bytes, signatures: list[bytes], timestamps: list[bytes]
    ) -> Checked:
        """Check a request: its body, and all values of `X-Legnext-Signature` and `X-Legnext-Timestamp`."""
        if len(signatures) > 1 or len(timestamps) > 1:
            return Checked(Finding.MALFORMED, reason="it has several signatures or timestamps")
        timestamp = timestamps[0] if timestamps else None
        if self._secret is None or not signatures:
            callback = read_callback(body)
            return _NO_CALLBACK if callback is None else Checked(Finding.UNSIGNED, callback)
        signature = signatures[0]
        if not is_signed(self._secret, body, timestamp, signature):
            return Checked(Finding.FORGED, reason=_WRONG_SIGNATURE)
        return self._check_signed(now, body, signature, timestamp)

    def _check_signed(
        self, now: float, body: bytes, signature: bytes, timestamp: bytes | None
    ) -> Checked:
        callback = read_callback(body)
        if callback is None:
            return _NO_CALLBACK
        made_at = callback.happened_at if timestamp is None else read_timestamp(timestamp)
        if made_at is None and timestamp is not None:
            return Checked(Finding.MALFORMED, reason="its timestamp is no time")
        if made_at is not None and now - made_at > self._freshness:
            reason = f"it is dated {now - made_at:.0f} s ago, more than {self._freshness:g} s"
            return Checked(Finding.STALE, reason=reason)
        if not self._is_new(now, signature, made_at):
            return Checked(Finding.REPLAYED, reason="the same request came before")
        return Checked(Finding.VERIFIED, callback)

    def _is_new(self, now: float, signature: bytes, made_at: float | None) -> bool:
        """Whether this is the first request with this signature; remember it."""
        seen, forget = self._seen, self._forget
        while forget and (forget[0][0] < now or len(forget) >= _REMEMBERED):
            seen.discard(heapq.heappop(forget)[1])
        if signature in seen:
            return False
        seen.add(signature)
        # Remembered until the request would be stale; without a time, until there are too many.
        until = math.inf if made_at is None else made_at + self._freshness
        heapq.heappush(forget, (until, signature))
        return True


_NO_CALLBACK: Final = Checked(Finding.MALFORMED, reason="it is not a callback about a job")
_WRONG_SIGNATURE: Final = (
    "its signature is wrong: it was made with another secret, or the body was changed on the way"
)


def signature_of(secret: str | bytes, body: bytes, timestamp: bytes | None = None) -> bytes:
    """Compute the signature of a callback: HMAC-SHA256 (RFC 2104), in lower-case hexadecimal.

    The body is signed; or, if there is a timestamp, the timestamp, a full stop and the body. So an old
    callback can't be sent again with a new time.
    """
    signed = body if timestamp is None else timestamp + b"." + body
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode()


def is_signed(secret: str | bytes, body: bytes, timestamp: bytes | None, signature: bytes) -> bool:
    """Whether a signature is right. The comparison takes constant time."""
    return hmac.compare_digest(signature_of(secret, body, timestamp), signature)


def read_timestamp(value: bytes) -> float | None:
    """Read an `X-Legnext-Timestamp` as seconds since 1970; None if it is malformed.

    It is in seconds or milliseconds since 1970, or in the format of RFC 3339.
    """
    if len(value) > _LONGEST_TIMESTAMP:
        return None
    text = value.decode("ascii", "replace").strip()
    try:
        number = float(text)
    except ValueError:
        time = decode_time(text)
        return None if time is None else time.timestamp()
    if not math.isfinite(number):
        return None
    return number / 1000.0 if abs(number) >= _MILLISECONDS else number
