"""The ASGI application: what it answers to whom, and what it counts."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

import legnext_stream
from legnext_stream import ConfigurationError, WebhookStats, webhook_app
from tests.legnext_stream.webhooks.support import (
    GUESS,
    NOW,
    SECRET,
    body_of,
    post,
    receiver_of,
    scope_of,
    signed,
)

STAMP = str(int(NOW))


def counted(app: legnext_stream.WebhookReceiver) -> dict[str, int]:
    """What it has counted, without the zeros."""
    return {name: number for name, number in attrs.asdict(app.stats).items() if number}


async def test_answers() -> None:
    """Each finding has a status of its own kind, and is counted."""
    app, body = receiver_of(), body_of()
    assert (await post(app, body, signed(body))).status == 204
    assert (await post(app, body, signed(body))).status == 409
    assert (await post(app, body, signed(body, STAMP))).status == 204
    assert (await post(app, body)).status == 202
    assert (await post(app, body, signed(body + b" "))).status == 401
    assert (await post(app, body, signed(body, secret=GUESS))).status == 401
    old = str(int(NOW) - 301)
    assert (await post(app, body, signed(body, old))).status == 400
    assert (await post(app, b"[]", signed(b"[]"))).status == 400
    assert counted(app) == {
        "verified": 2, "replayed": 1, "unsigned": 1, "forged": 2, "stale": 1, "malformed": 1,
    }  # fmt: skip


async def test_nothing_is_said_of_the_secret() -> None:
    """Not in an answer, not in what the receiver looks like, not in its counts."""
    app, body = receiver_of(url="https://my-service.example/hook"), body_of()
    right = signed(body)["X-Legnext-Signature"]
    for headers in (signed(body), {}, {"X-Legnext-Signature": "0" * 64}):
        answer = await post(app, body, headers)
        said = f"{answer} {app!r} {app.stats}"
        assert SECRET not in said
        assert right not in said
    assert app.url == "https://my-service.example/hook"
    assert "my-service" in repr(app)


async def test_header_names_are_the_servers_business() -> None:
    """ASGI has them in lower case; other headers are ignored."""
    app, body = receiver_of(), body_of()
    headers = [*signed(body, STAMP).items(), ("X-Other", "1"), ("Content-Length", str(len(body)))]
    assert (await post(app, body, headers)).status == 204


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post(method: str) -> None:
    """Other methods are refused with 405."""
    answer = await post(receiver_of(), b"", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "root", "asked", "status"),
    [
        (None, "", "/anything", 202),
        ("/hook", "", "/hook", 202),
        ("/hook", "", "/hook/", 404),
        ("/hook", "", "/", 404),
        ("/hook", "/api", "/api/hook", 202),
        ("/api/hook", "/api", "/api/hook", 202),
        ("/hook", "/api", "/hook", 202),
    ],
)
async def test_paths(path: str | None, root: str, asked: str, status: int) -> None:
    """Only the path that was said, whether or not a mount's own path is left out."""
    app = receiver_of(path=path)
    assert (await post(app, body_of(), path=asked, root_path=root)).status == status


async def test_a_body_in_pieces() -> None:
    """It is put together."""
    app, body = receiver_of(), body_of()
    pieces = [body[:5], b"", body[5:]]
    assert (await post(app, pieces, signed(body))).status == 204


async def test_a_body_is_bounded_while_it_is_read() -> None:
    """By what it says of its length, and by what comes; not a byte too early."""
    body = body_of()
    app = receiver_of(max_body=len(body))
    assert (await post(app, body, signed(body))).status == 204
    longer = body + b" "
    for headers in ({"Content-Length": str(len(longer))}, {}, {"Content-Length": "9" * 5000}):
        answer = await post(app, [longer[:9], longer[9:], b"unread"], {**signed(longer), **headers})
        assert (answer.status, answer.headers["connection"]) == (413, "close")
    # Nobody is believed who says that it is short, or nonsense.
    for said in ("3", "many", "-1"):
        answer = await post(app, longer, {**signed(longer), "Content-Length": said})
        assert answer.status == 413
    assert counted(app) == {"verified": 1, "too_large": 6}


async def test_a_client_that_hangs_up() -> None:
    """There is no answer, and nothing to count."""
    app = receiver_of()
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: object) -> None:
        raise AssertionError(message)

    await app(scope_of(), receive, send)
    assert app.stats == WebhookStats()


async def test_lifespan() -> None:
    """It confirms the server's start and shutdown."""
    messages, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        sent.append(message["type"])

    await receiver_of()({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_websocket_is_refused() -> None:
    """Before it is accepted."""
    sent = []

    async def receive() -> dict[str, Any]:
        raise AssertionError

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        sent.append(message)

    await receiver_of()({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close"}]


def test_settings() -> None:
    """What can't work is refused at once."""
    for freshness, max_body in ((0.0, 1), (float("inf"), 1), (1.0, 0)):
        with pytest.raises(ConfigurationError):
            webhook_app(SECRET, freshness=freshness, max_body=max_body)
    with pytest.raises(ConfigurationError, match="empty"):
        webhook_app("")
    app = webhook_app(None)
    assert isinstance(app, legnext_stream.WebhookReceiver)
    assert app.url is None


async def test_without_a_secret_there_are_hints_only() -> None:
    """A signature that can't be checked is none."""
    app, body = receiver_of(None), body_of()
    assert (await post(app, body, signed(body))).status == 202
    assert counted(app) == {"unsigned": 1}


async def test_the_calendar_is_this_machines() -> None:
    """Where no other is given: the sample is long past."""
    app, body = webhook_app(SECRET), json.dumps({"job_id": "a", "status": "completed"}).encode()
    assert (await post(app, body, signed(body, STAMP))).status == 400
    assert (await post(app, body, signed(body))).status == 204


def test_no_such_name() -> None:
    """The package's face knows its names, and no others."""
    with pytest.raises(AttributeError, match="no attribute 'webhok_app'"):
        legnext_stream.webhok_app  # noqa: B018 - the asking is the test
