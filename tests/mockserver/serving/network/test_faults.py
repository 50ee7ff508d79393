"""Faults over each transport, as an httpx client sees them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trio

from mockserver import MockLegnext, run_virtual
from mockserver._faults import Rule, When
from mockserver._faults.connection import Bandwidth, Reset
from mockserver._serving.network.proxy import FaultProxy
from tests.mockserver.serving.network.fault_table import (
    ROWS,
    TIMEOUT,
    TRANSPORTS,
    Row,
    Transport,
    as_markdown,
)

PAGE = Path(__file__).parents[4] / "docs" / "mock" / "network.md"
PATH = "/api/account/balance"
KEY = {"x-api-key": "key"}


@contextlib.asynccontextmanager
async def client_over(transport: Transport, rule: Rule) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a mock with a rule, over one transport."""
    if transport == "memory":
        mock = MockLegnext(faults=[rule])
        async with httpx.AsyncClient(
            transport=mock.transport(), base_url="http://a", headers=KEY, timeout=TIMEOUT
        ) as client:
            yield client
    else:
        async with contextlib.AsyncExitStack() as stack:
            mock = MockLegnext(faults=[] if transport == "proxy" else [rule])
            url = await stack.enter_async_context(mock.serve())
            if transport == "proxy":
                url = await stack.enter_async_context(FaultProxy(url, [rule]).serve())
            client = httpx.AsyncClient(base_url=url, headers=KEY, timeout=TIMEOUT)
            yield await stack.enter_async_context(client)
    assert mock.crashes == []


# httpx leaves the generator of a body that it gives up to the garbage collector.
@pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")
def test_a_slow_line_keeps_an_upload_waiting() -> None:
    """With limited bandwidth, a large upload is slow, or the client times out."""
    mock = MockLegnext(faults=[Rule(Bandwidth(10_000), When(route="shorten"))])
    body = {"prompt": "a fox", "besides": "x" * 300_000}
    seen_in: list[tuple[str, float]] = []

    async def upload(patience: float) -> None:
        async with httpx.AsyncClient(
            transport=mock.transport(), base_url="http://a", headers=KEY, timeout=patience
        ) as client:
            begun = trio.current_time()
            try:
                answer = await client.post("/api/v1/shorten", json=body)
                what = str(answer.status_code)
            except httpx.TimeoutException as error:
                what = type(error).__name__
            seen_in.append((what, trio.current_time() - begun))

    async def main() -> None:
        await upload(60)
        await upload(5)

    run_virtual(main)
    (late, seconds), (given_up, _) = seen_in
    assert late == "200"
    assert seconds == pytest.approx(30, abs=1)
    assert given_up == "WriteTimeout"


async def seen_first(transport: Transport, row: Row) -> str:
    """The result of the first request."""
    async with client_over(transport, Rule(row.fault, row.when)) as client:
        if row.when.until is not None and transport != "memory":
            await until_refused(client)
        return await seen(client)


async def until_refused(client: httpx.AsyncClient) -> None:
    """Wait until the socket no longer listens."""
    port = client.base_url.port
    assert port is not None
    while True:
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
        except OSError:
            return
        await stream.aclose()


async def seen(client: httpx.AsyncClient) -> str:
    """The status of a complete answer, or the name of the exception."""
    try:
        answer = await client.get(PATH)
    except httpx.TransportError as error:
        return type(error).__name__
    assert len(answer.json()) > 1
    return str(answer.status_code)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_over_memory(row: Row) -> None:
    """In memory, in virtual time."""
    assert run_virtual(seen_first, "memory", row) == row.memory


@pytest.mark.parametrize("transport", TRANSPORTS[1:])
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_over_sockets(row: Row, transport: Transport) -> None:
    """Over a socket and through the proxy, in real time."""
    assert await seen_first(transport, row) == row.seen_over(transport)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_only_what_was_chosen_fails(transport: Transport) -> None:
    """Other requests are answered, also after a reset."""
    # Each request that follows a failure has a connection of its own, and so has the first.
    async with client_over(transport, Rule(Reset(), When(nth=1))) as client:
        assert [await seen(client) for _ in range(3)] == ["ReadError", "200", "200"]


def test_the_page_has_the_table() -> None:
    """The documentation has the tested table."""
    assert "\n".join(as_markdown()) in PAGE.read_text()
