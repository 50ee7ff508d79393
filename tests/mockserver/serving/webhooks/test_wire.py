"""The body and the header fields of webhooks."""

from __future__ import annotations

import json

import attrs

from mockserver import MockLegnext, Script, WebhookSettings
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._api.wire import job_body
from mockserver._serving.webhooks import signature_of
from mockserver._serving.webhooks.wire import body_of, headers_of
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
