"""What the tests of webhooks share: callbacks as the API sends them, and an ASGI server of one request."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from legnext_stream._webhooks import WebhookReceiver

SECRET = "correct horse battery staple"  # noqa: S105 - it protects nothing
NOW = 1_767_225_700.0
"""What the tests' calendar says, seconds since 1970: 2026-01-01T00:01:40Z."""
ENDED = "2026-01-01T00:01:39Z"
GUESS = "a guess"
"""A secret that isn't it."""
JOB = "789320d3-4b20-46d3-a804-6165a079176a"


def body_of(job_id: str = JOB, status: str = "completed", **fields: object) -> bytes:
    """A callback's body: a job that has just ended, unless said otherwise."""
    meta = {"started_at": "2026-01-01T00:01:00Z", "ended_at": ENDED}
    return json.dumps({"job_id": job_id, "status": status, "meta": meta, **fields}).encode()


def signed(body: bytes, timestamp: str | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers that go with a body."""
    covered = body if timestamp is None else timestamp.encode() + b"." + body
    signature = hmac.new(secret.encode(), covered, hashlib.sha256).hexdigest()
    headers = {"X-Legnext-Signature": signature}
    return headers if timestamp is None else {**headers, "X-Legnext-Timestamp": timestamp}


@attrs.frozen
class Answer:
    """What a receiver answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def receiver_of(secret: str | None = SECRET, **settings: Any) -> WebhookReceiver:  # noqa: ANN401 - as various as they are
    """A receiver whose calendar stands still."""
    return WebhookReceiver(secret, **{"wall_clock": lambda: NOW, **settings})


def scope_of(headers: Sequence[tuple[str, str]] = (), **fields: object) -> dict[str, Any]:
    """An ASGI scope of one POST."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return {"type": "http", "method": "POST", "path": "/hook", "headers": raw, **fields}


async def post(
    app: WebhookReceiver,
    body: bytes | Sequence[bytes],
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    **fields: object,
) -> Answer:
    """Send one request; a body may come in several pieces."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        sent.append(message)

    await app(scope_of(pairs, **fields), receive, send)
    start, end = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], named, end["body"])
