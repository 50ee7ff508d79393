"""Signatures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from legnext.webhook import WebhookVerifier

from mockserver._serving.webhooks import signature_of


def test_a_known_signature() -> None:
    """It is HMAC-SHA256 in hexadecimal: the second test case of RFC 4231."""
    signature = signature_of("Jefe", b"what do ya want for nothing?")
    assert signature == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_the_timestamp_is_signed_with_the_body() -> None:
    """The timestamp and a full stop come before the body."""
    assert signature_of("secret", b"body", "12") == signature_of("secret", b"12.body")


@given(st.text(), st.binary(), st.none() | st.text("0123456789", min_size=1))
def test_the_vendors_verifier_accepts_them(secret: str, body: bytes, timestamp: str | None) -> None:
    """The vendor's verifier accepts them, and nothing else."""
    verifier = WebhookVerifier(secret)
    signature = signature_of(secret, body, timestamp)
    assert verifier.verify(body, signature, timestamp)
    assert not verifier.verify(body + b"x", signature, timestamp)
