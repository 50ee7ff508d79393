"""The body, the header fields and the signature of webhooks."""

from __future__ import annotations

import json

import attrs
from hypothesis import given
from hypothesis import strategies as st
from legnext.webhook import WebhookVerifier

from mockserver import MockLegnext, Script, WebhookSettings
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._api.wire import job_body
from mockserver._serving.webhooks.wire import body_of, headers_of, signature_of
from mockserver._world.jobs import JobView

BODY = b'{"job_id":"a"}'


def completed_job() -> JobView:
    """A job that completed after 40 seconds."""
    world = MockLegnext().world
    job_id = world.add_job(at=0, script=Script([("processing", 40.25), "completed"]))
    return world.job(job_id, 40.25)


def test_the_body_is_the_job_object() -> None:
    """The body is the object of a status request, in any variant."""
    job = completed_job()
    for quirks in (DEFAULT_QUIRKS, Quirks(job_error="null", task_type_separator="_")):
        body = body_of(job, 40.25, DEFAULT_EPOCH, quirks)
        assert body == job_body(job, DEFAULT_EPOCH, quirks)


def test_the_job_can_stand_in_an_envelope() -> None:
    """The envelope has the time of the change."""
    job = completed_job()
    quirks = Quirks(webhook_envelope="timestamped")
    body = body_of(job, 40.25, DEFAULT_EPOCH, quirks)
    assert json.loads(body) == {
        "timestamp": "2026-01-01T00:00:40Z",
        "data": json.loads(job_body(job, DEFAULT_EPOCH)),
    }


def test_there_is_no_signature_without_a_secret() -> None:
    """Without a secret there is no signature."""
    assert headers_of(BODY, 1.5, DEFAULT_EPOCH, WebhookSettings()) == {
        "Content-Type": "application/json",
        "User-Agent": "legnext-mock",
    }


def test_the_signature_is_of_the_body() -> None:
    """The signature is of the body, or of the timestamp and the body."""
    settings = WebhookSettings(secret="s")  # noqa: S106 - no real one
    headers = headers_of(BODY, 1.5, DEFAULT_EPOCH, settings)
    assert headers["X-Legnext-Signature"] == signature_of("s", BODY)
    assert "X-Legnext-Timestamp" not in headers
    stamped = attrs.evolve(settings, timestamped=True)
    headers = headers_of(BODY, 1.5, DEFAULT_EPOCH, stamped)
    # 2026-01-01T00:00:01Z.
    assert headers["X-Legnext-Timestamp"] == "1767225601"
    assert headers["X-Legnext-Signature"] == signature_of("s", BODY, "1767225601")


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
