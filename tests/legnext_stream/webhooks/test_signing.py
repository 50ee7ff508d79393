"""Signatures: those of the API are right, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._webhooks.checking import is_signed, signature_of
from mockserver._serving.webhooks import signature_of as theirs

secrets = st.text(min_size=1)
stamps = st.none() | st.integers(0, 10**10).map(str)


@given(secrets, st.binary(), stamps)
def test_what_the_api_signs_is_right(secret: str, body: bytes, stamp: str | None) -> None:
    """With a timestamp and without one."""
    signature = theirs(secret, body, stamp).encode()
    timestamp = None if stamp is None else stamp.encode()
    assert signature_of(secret, body, timestamp) == signature
    assert is_signed(secret, body, timestamp, signature)


@given(secrets, st.binary(min_size=1), st.integers(0, 10**10), st.data())
def test_any_flipped_bit_is_a_forgery(
    secret: str, body: bytes, stamp: int, data: st.DataObject
) -> None:
    """Of the body, of the timestamp, of the signature."""
    timestamp = str(stamp).encode()
    signature = signature_of(secret, body, timestamp)
    parts = [body, timestamp, signature]
    which = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, 8 * len(parts[which]) - 1))
    flipped = bytearray(parts[which])
    flipped[at // 8] ^= 1 << at % 8
    parts[which] = bytes(flipped)
    assert not is_signed(secret, *parts)


@given(secrets, st.binary(), st.integers(0, 10**10))
def test_a_timestamp_cannot_be_left_out(secret: str, body: bytes, stamp: int) -> None:
    """What was signed with one isn't without it, and the other way round."""
    timestamp = str(stamp).encode()
    assert not is_signed(secret, body, None, signature_of(secret, body, timestamp))
    assert not is_signed(secret, body, timestamp, signature_of(secret, body))
