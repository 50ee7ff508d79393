"""The receivers of webhooks in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mockserver import WebhookRequest, run_virtual
from mockserver._serving.webhooks.receivers import ReceiverError, Receivers

if TYPE_CHECKING:
    from mockserver._serving.webhooks.receivers import Handler

CRASHES: list[Exception] = []


def receivers() -> Receivers:
    """No receivers."""
    CRASHES.clear()
    return Receivers(CRASHES.append)


def request_to(url: str) -> WebhookRequest:
    """A webhook."""
    return WebhookRequest(40.0, url, httpx.Headers({"X-Name": "value"}), b'{"a":1}')


def status_of(given: Receivers, url: str) -> int | None:
    """The status that a receiver returns; None without a receiver."""

    async def ask() -> int | None:
        receiver = given.find(url)
        return None if receiver is None else await receiver(request_to(url))

    return run_virtual(ask)


def test_a_request_has_what_was_sent() -> None:
    """A request has header fields in any case, and the decoded body."""
    request = request_to("https://example.org/hook")
    assert request.headers["x-NAME"] == "value"
    assert request.json() == {"a": 1}


def test_a_receiver_takes_what_is_below_its_url() -> None:
    """A receiver gets what is below its URL, but no other host, port or prefix."""
    given = receivers()
    given.add_handler("https://example.org/hook", lambda _: 201)
    for url in ("/hook", "/hook/", "/hook/a/b", "/hook?x=/y", "/hook/a?b"):
        assert status_of(given, f"https://example.org{url}") == 201
    assert status_of(given, "HTTPS://Example.ORG:443/hook") == 201
    for url in (
        "https://example.org/hooks",
        "https://example.org/",
        "http://example.org/hook",
        "https://www.example.org/hook",
        "https://example.org:444/hook",
        "https://example.org\n",
    ):
        assert status_of(given, url) is None


def test_the_nearest_receiver_counts() -> None:
    """The longest path counts, and of equal ones the last."""
    given = receivers()
    given.add_handler("https://example.org", lambda _: 201)
    given.add_handler("https://example.org/a", lambda _: 202)
    given.add_handler("https://example.org/a", lambda _: 203)
    assert status_of(given, "https://example.org/a/b") == 203
    assert status_of(given, "https://example.org/b") == 201


@pytest.mark.parametrize("url", ["hook", "/hook", "https:///hook", "https://a\n"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """An invalid URL is refused."""
    with pytest.raises(ValueError, match="is not a URL"):
        receivers().add_handler(url, lambda _: None)


def test_functions_may_be_async_and_need_no_status() -> None:
    """Functions can be async, and return None for 200."""
    given = receivers()
    seen: list[WebhookRequest] = []

    async def slowly(request: WebhookRequest) -> int:
        await trio.sleep(5)
        seen.append(request)
        return 204

    given.add_handler("https://example.org/a", slowly)
    given.add_handler("https://example.org/b", seen.append)
    assert status_of(given, "https://example.org/a") == 204
    assert status_of(given, "https://example.org/b") == 200
    assert [request.url[-1] for request in seen] == ["a", "b"]


def test_what_a_function_raises_is_told() -> None:
    """An exception fails the attempt, and is reported with a note."""
    given = receivers()
    error = ValueError("a bug")

    def fail(_request: WebhookRequest) -> int:
        raise error

    given.add_handler("https://example.org/hook", fail)
    with pytest.raises(ReceiverError, match="ValueError: a bug") as raised:
        status_of(given, "https://example.org/hook")
    assert raised.value.__cause__ is error
    (told,) = CRASHES
    assert told is error
    assert error.__notes__ == ["in the receiver of webhooks to https://example.org/hook"]


@pytest.mark.parametrize("answer", [True, "200", 200.0])
def test_a_status_is_a_whole_number(answer: Any) -> None:  # noqa: ANN401 - what mustn't be
    """Any other result of a function is reported as an error."""
    given = receivers()
    handler: Handler = lambda _: answer  # noqa: E731 - the type is what matters
    given.add_handler("https://example.org/hook", handler)
    with pytest.raises(ReceiverError, match="TypeError: a receiver of webhooks returns"):
        status_of(given, "https://example.org/hook")
    assert len(CRASHES) == 1


def test_an_application_gets_real_http() -> None:
    """An application gets the whole path, the header fields and the body."""
    given = receivers()
    got: list[tuple[object, ...]] = []

    async def hook(request: Request) -> Response:
        body = await request.body()
        got.append((request.url.path, request.url.query, request.headers["x-name"], body))
        # Longer than what is read of an answer.
        return Response(b"x" * 200_000, status_code=202)

    async def bug(_request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        raise ValueError("a bug")

    app = Starlette(
        routes=[
            Route("/hook/a", hook, methods=["POST"]),
            Route("/hook/bug", bug, methods=["POST"]),
        ]
    )
    given.add_app("https://example.org/hook", app)
    assert status_of(given, "https://example.org/hook/a?x=1") == 202
    assert got == [("/hook/a", "x=1", "value", b'{"a":1}')]
    assert status_of(given, "https://example.org/hook/none") == 404
    assert not CRASHES
    assert status_of(given, "https://example.org/hook/bug") == 500
    assert [str(error) for error in CRASHES] == ["a bug"]
