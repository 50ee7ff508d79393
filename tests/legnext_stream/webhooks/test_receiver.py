"""The ASGI application: what it answers to whom, and what it counts."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import attrs
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

import legnext_stream
from legnext_stream import ConfigurationError, WebhookReceiver, WebhookStats, webhook_app
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
WRONG_SIGNATURE = (
    "its signature is wrong: it was made with another secret, or the body was changed on the way"
)


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
        ("/hook", "", "/hook/", 202),
        ("/hook/", "", "/hook", 202),
        ("/hook", "", "/", 404),
        ("/hook", "", "/hook/other", 404),
        ("/", "", "/", 202),
        ("/", "", "/hook", 404),
        ("/hook", "/hook", "/hook/", 202),
        ("/hook", "/hook", "/", 202),
        ("/hook", "/api", "/api/hook", 202),
        ("/api/hook", "/api", "/api/hook", 202),
        ("/hook", "/api", "/hook", 202),
    ],
)
async def test_paths(path: str | None, root: str, asked: str, status: int) -> None:
    """Only the path that was said, with or without a slash, whether or not a mount's own path is left out."""
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
    with pytest.raises(ConfigurationError, match="path must begin with a slash, not 'hook'"):
        webhook_app(SECRET, path="hook")
    app = webhook_app(None)
    assert isinstance(app, legnext_stream.WebhookReceiver)
    assert app.url is None


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("", "empty"),
        (b"", "empty"),
        ("the secret\n", "white space"),
        (" the secret", "white space"),
        ("the secret\N{NO-BREAK SPACE}", "white space"),
        (b"the secret\r\n", "white space"),
        ("\ud800", "can't be encoded"),
        (7, "text or bytes, not int"),
        (bytearray(b"the secret"), "text or bytes, not bytearray"),
    ],
)
def test_what_is_no_secret(secret: Any, message: str) -> None:  # noqa: ANN401 - what callers give by mistake
    """A secret that would make each callback look forged is refused at once."""
    with pytest.raises(ConfigurationError, match=message):
        webhook_app(secret)


@pytest.mark.parametrize(
    "secret", [SECRET.encode(), "ключ 🔑", "ключ 🔑".encode(), b"\xff\x00\xfe"]
)
async def test_secrets(secret: str | bytes) -> None:
    """A secret may be text or bytes, and have any characters."""
    app, body = WebhookReceiver(secret, wall_clock=lambda: NOW), body_of()
    key = secret.encode() if isinstance(secret, str) else secret
    signature = hmac.new(key, body, hashlib.sha256).hexdigest()
    assert (await post(app, body, {"X-Legnext-Signature": signature})).status == 204
    assert (await post(app, body, signed(body, secret=GUESS))).status == 401


async def test_in_an_application() -> None:
    """As the guide adds it to an application, it gets what is sent to the path with and without a slash."""
    app, body = receiver_of(), body_of()
    site = Starlette(routes=[Route(path, app) for path in ("/hook", "/hook/")])
    transport = httpx.ASGITransport(app=site)
    async with httpx.AsyncClient(transport=transport, base_url="http://my-service.test") as client:
        answers = [
            await client.post(path, content=body, headers=signed(body, stamp))
            for path, stamp in (("/hook", STAMP), ("/hook/", None))
        ]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert counted(app) == {"verified": 2}


async def test_refusals_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Each with its reason, whatever is wrong, and without anything that was sent; not what is no POST."""
    app, body = receiver_of(path="/hook", max_body=1000), body_of()
    await post(app, body, signed(body, secret=GUESS))
    await post(app, body, signed(body, str(int(NOW) - 301)))
    await post(app, body, signed(body, "yesterday"))
    await post(app, body, signed(body))
    await post(app, body, signed(body))
    await post(app, b" " * 1001)
    await post(app, b"", method="GET")
    await post(app, b"", method="GET", path="/favicon.ico")
    await post(app, body, path="/hook\n/other")
    assert [record.getMessage() for record in caplog.records] == [
        f"refused a callback: {WRONG_SIGNATURE}",
        "refused a callback: it is dated 301 s ago, more than 300 s",
        "refused a callback: its timestamp is no time",
        "refused a callback: the same request came before",
        "refused a callback: it is larger than 1000 bytes",
        r"refused a callback: it came to '/hook\n/other', not to '/hook'",
    ]
    assert {record.name for record in caplog.records} == {"legnext_stream"}
    assert {record.levelname for record in caplog.records} == {"WARNING"}


async def test_malformed_requests_are_logged_with_what_is_wrong(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With and without a signature; the second kind after a minute."""
    times, now = iter([NOW, NOW + 61, NOW + 122]), [NOW]
    app = receiver_of(wall_clock=lambda: now[0])
    for headers, content in (({}, b"[]"), (signed(b"[]"), b"[]"), (_twice(body_of()), body_of())):
        now[0] = next(times)
        await post(app, content, headers)
    said = [record.getMessage().partition(": ")[2] for record in caplog.records]
    no_callback = "it is not a callback about a job"
    assert said == [no_callback, no_callback, "it has several signatures or timestamps"]


def _twice(body: bytes) -> list[tuple[str, str]]:
    return [*signed(body).items(), *signed(body).items()]


async def test_a_flood_of_refusals_is_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Strangers can't fill the log; what was left out is counted, also if the clock is set back."""
    now = [NOW]
    app, body = receiver_of(wall_clock=lambda: now[0]), body_of()
    for passed in (0, 1, 2, 61, -1000):
        now[0] = NOW + passed
        await post(app, body, signed(body, secret=GUESS))
    said = [record.getMessage().partition("way")[2] for record in caplog.records]
    assert said == ["", " (2 more since the last such line)", ""]


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
