"""The HTTP server, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from mockserver import run_virtual
from mockserver._serving.network import serve_connection
from tests.mockserver.helpers import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GET = "GET / HTTP/1.1\nhost: a\n\n"


async def with_server(
    app: Callable[..., Awaitable[None]], talk: Callable[[Wire], Awaitable[None]]
) -> list[Exception]:
    """Serve one connection to `talk`, and return the crashes."""
    ours, theirs = trio.testing.memory_stream_pair()
    crashes: list[Exception] = []
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_connection, app, theirs, crashes.append)
            await talk(Wire(ours))
            await ours.aclose()
    return crashes


async def echo(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
    """Answer with what was received."""
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    head = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} ".encode()
    headers = [(b"content-length", b"%d" % len(head + body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": head + body})


def test_a_request_and_another() -> None:
    """A connection serves one request after the other; paths are unquoted."""

    async def talk(wire: Wire) -> None:
        await wire.send("GET /a%20b?c=d HTTP/1.1\nhost: a\n\n")
        assert await wire.receive() == "HTTP/1.1 200 \ncontent-length: 13\n\nGET /a b c=d "
        await wire.send("POST /b HTTP/1.1\nhost: a\ncontent-length: 5\n\nhel")
        await wire.send("lo")
        assert await wire.receive() == "HTTP/1.1 200 \ncontent-length: 14\n\nPOST /b  hello"

    assert run_virtual(with_server, echo, talk) == []


def test_requests_in_one_go_are_answered_in_turn() -> None:
    """Pipelined requests are answered in order."""

    async def talk(wire: Wire) -> None:
        await wire.send(
            "GET /1 HTTP/1.1\nhost: a\n\nGET /2 HTTP/1.1\nhost: a\nconnection: close\n\n"
        )
        answers = await wire.receive_all()
        assert answers.index("GET /1") < answers.index("GET /2")
        assert answers.endswith("GET /2  ")

    assert run_virtual(with_server, echo, talk) == []


def test_a_chunked_body_is_received() -> None:
    """A body without a length is read in chunks."""

    async def talk(wire: Wire) -> None:
        await wire.send(
            "POST / HTTP/1.1\nhost: a\ntransfer-encoding: chunked\n\n3\nabc\n2\nde\n0\n\n"
        )
        assert (await wire.receive()).endswith("POST /  abcde")

    assert run_virtual(with_server, echo, talk) == []


def test_continue_is_said_when_it_is_waited_for() -> None:
    """A client that waits for 100 Continue gets it."""

    async def talk(wire: Wire) -> None:
        await wire.send("POST / HTTP/1.1\nhost: a\ncontent-length: 2\nexpect: 100-continue\n\n")
        assert await wire.receive() == "HTTP/1.1 100 \n\n"
        await wire.send("ok")
        assert (await wire.receive()).endswith("POST /  ok")

    assert run_virtual(with_server, echo, talk) == []


def test_head_has_no_body() -> None:
    """The answer to HEAD has the length of the body, but no body."""

    async def talk(wire: Wire) -> None:
        await wire.send("HEAD / HTTP/1.1\nhost: a\n\n")
        assert await wire.receive() == "HTTP/1.1 200 \ncontent-length: 8\n\n"
        await wire.send(GET)
        assert (await wire.receive()).endswith("GET /  ")

    assert run_virtual(with_server, echo, talk) == []


def test_an_answer_in_parts() -> None:
    """An answer without a length is sent in chunks."""

    async def parts(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        await send({"type": "http.response.start", "status": 201})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body"})

    async def talk(wire: Wire) -> None:
        await wire.send(GET)
        assert await wire.receive() == ("HTTP/1.1 201 \nTransfer-Encoding: chunked\n\n2\nab\n")
        assert await wire.receive() == "0\n\n"

    assert run_virtual(with_server, parts, talk) == []


def test_a_body_that_nobody_reads_is_skipped() -> None:
    """The unread rest of a body is skipped before the next request."""

    async def deaf(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def talk(wire: Wire) -> None:
        for _ in range(2):
            await wire.send("POST / HTTP/1.1\nhost: a\ncontent-length: 3\n\nabc")
            assert await wire.receive() == "HTTP/1.1 204 \n\n"
        await wire.send("POST / HTTP/1.1\nhost: a\ntransfer-encoding: chunked\n\nnonsense\n")
        assert await wire.receive_all() == "HTTP/1.1 204 \n\n"

    assert run_virtual(with_server, deaf, talk) == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("nonsense\n\n", "400"),
        ("GET / HTTP/1.1\n\n", "400"),
        ("GET / HTTP/1.1\nhost: a\nx: " + "y" * 20000, "431"),
        ("POST / HTTP/1.1\nhost: a\ntransfer-encoding: chunked\n\nnonsense\n", "400"),
    ],
)
def test_what_is_no_http_is_refused(sent: str, status: str) -> None:
    """An invalid request gets an error and ends the connection, without a crash."""

    async def stops_early(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        message = await receive()
        if message["type"] == "http.disconnect":
            assert (await receive())["type"] == "http.disconnect"
            return
        await echo(scope, receive, send)

    async def talk(wire: Wire) -> None:
        await wire.send(sent)
        answer = await wire.receive_all()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert "connection: close\n" in answer

    assert run_virtual(with_server, stops_early, talk) == []


def test_a_crash_is_a_500() -> None:
    """An exception before the answer is reported, and the client gets a 500."""

    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:  # noqa: ANN401 - as in ASGI
        raise ZeroDivisionError

    async def talk(wire: Wire) -> None:
        await wire.send("HEAD / HTTP/1.1\nhost: a\n\n")
        answer = await wire.receive_all()
        assert answer.startswith("HTTP/1.1 500 ")
        assert answer.endswith("\n\n")

    (crash,) = run_virtual(with_server, broken, talk)
    assert isinstance(crash, ZeroDivisionError)


def test_a_crash_within_the_answer_breaks_it_off() -> None:
    """An exception within the answer leaves it incomplete."""

    async def broken(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        raise ZeroDivisionError

    async def talk(wire: Wire) -> None:
        await wire.send(GET)
        assert (await wire.receive_all()).endswith("2\nab\n")

    assert len(run_virtual(with_server, broken, talk)) == 1


def test_a_crash_after_the_answer_changes_nothing_for_the_client() -> None:
    """An exception after the answer is reported; the connection goes on."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        await echo(scope, receive, send)
        raise ZeroDivisionError

    async def talk(wire: Wire) -> None:
        for _ in range(2):
            await wire.send(GET)
            assert (await wire.receive()).endswith("GET /  ")

    assert len(run_virtual(with_server, broken, talk)) == 2


def test_an_application_that_does_not_answer_is_a_crash() -> None:
    """An application must answer, and start with the head."""

    async def silent(_scope: Any, _receive: Any, _send: Any) -> None:  # noqa: ANN401 - as in ASGI
        pass

    async def headless(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        await send({"type": "http.response.body", "body": b"ab"})

    async def talk(wire: Wire) -> None:
        await wire.send(GET)
        assert (await wire.receive_all()).startswith("HTTP/1.1 500 ")

    assert "no complete answer" in str(run_virtual(with_server, silent, talk))
    assert "before the start" in str(run_virtual(with_server, headless, talk))


def test_leaving_is_told_to_the_application() -> None:
    """An application that waits for it learns that the client has left."""
    heard: list[str] = []

    async def waits(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        heard.extend([(await receive())["type"] for _ in range(2)])
        # Into the void, as any server would.
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})
        heard.append((await receive())["type"])

    async def talk(wire: Wire) -> None:
        await wire.send(GET)
        await trio.sleep(1)
        await wire.send("GET /next")
        await trio.sleep(1)
        await wire.close()

    assert run_virtual(with_server, waits, talk) == []
    assert heard == ["http.request", "http.disconnect", "http.disconnect"]


def test_leaving_within_the_body_is_no_crash() -> None:
    """A client that leaves within its body isn't a bug of the application."""

    async def gives_up(_scope: Any, receive: Any, _send: Any) -> None:  # noqa: ANN401 - as in ASGI
        while (await receive())["type"] == "http.request":
            pass

    async def talk(wire: Wire) -> None:
        await wire.send("POST / HTTP/1.1\nhost: a\ncontent-length: 5\n\nhel")
        await trio.sleep(1)
        await wire.close()

    assert run_virtual(with_server, gives_up, talk) == []


def test_a_reset_is_the_same_as_leaving() -> None:
    """A broken stream ends the connection without an error."""

    class Broken(trio.abc.Stream):
        async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - as in trio
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            raise NotImplementedError

        async def wait_send_all_might_not_block(self) -> None:
            raise NotImplementedError

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    crashes: list[Exception] = []
    run_virtual(serve_connection, echo, Broken(), crashes.append)
    assert crashes == []
