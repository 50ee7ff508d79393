"""The key is shown nowhere: in no repr, text, event, error, log record or traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable

import httpx
import pytest

from legnext_stream import ConfigurationError, LegnextClient, LegnextError, Pacing, watch
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY, URL, HandMade, Network, RawServer, http_bytes, in_turn


def assert_hidden(things: Iterable[object]) -> None:
    """Neither text nor repr of any of these shows the key, nor of what they hold."""
    for thing in things:
        assert KEY not in str(thing)
        assert KEY not in repr(thing)
        for value in getattr(thing, "__dict__", {}).values():
            assert KEY not in repr(value)


async def test_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a client, a stream, or what they are made of, before, while and after they are open."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    mock = MockLegnext()
    client = LegnextClient(base_url=URL, transport=mock.transport())
    assert repr(client) == "<LegnextClient http://legnext.test closed>"
    async with client:
        assert repr(client) == "<LegnextClient http://legnext.test open>"
        stream = client.watch(mock.add_jobs(1))
        events = [event async for event in stream]
        account = client._account
        things = [client, stream, account, account.lanes, stream._engine, stream.stats, Pacing()]
        assert_hidden([*things, *events, *(event.job for event in events)])
        assert_hidden(lane for _, lane in account.lanes._idle)
        assert_hidden(event.job.raw for event in events)
    assert_hidden([client, watch(["a"])])


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 422, 500, 302])
async def test_in_no_error_and_no_log(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """Not even with every logger at its most talkative, nor in a traceback."""
    caplog.set_level(logging.DEBUG)
    body = b'{"code":%d,"message":"no"}' % code
    network = Network(RawServer(http_bytes(code, body)).serve)
    async with LegnextClient(KEY, URL, network.transport(), retry_for=1) as client:
        for call in (client.get_job("a"), client.diffusion("x"), client.balance()):
            with pytest.raises(LegnextError) as caught:
                await call
            shown = "".join(traceback.format_exception(caught.value))
            assert KEY not in shown
            assert_hidden([caught.value, caught.value.content])
    assert caplog.records
    for record in caplog.records:
        assert KEY not in record.getMessage()
        assert KEY not in str(record.__dict__)


async def test_in_no_log_of_httpx(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over httpx's own pools, which log what they send."""
    caplog.set_level(logging.DEBUG)
    Network(RawServer(http_bytes(500, b"{}"), None, http_bytes(404, b"{}")).serve).install(
        monkeypatch
    )
    async with LegnextClient(KEY, URL) as client:
        with pytest.raises(LegnextError):
            await client.get_job("a")
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert KEY not in caplog.text


@pytest.mark.parametrize("bad", [f"{KEY}\n{KEY}", f"{KEY}é", f"{KEY}\x00", f"{KEY}\u2028x"])
def test_a_key_that_no_header_can_carry(bad: str) -> None:
    """It is refused at once, without being shown."""
    with pytest.raises(ConfigurationError) as caught:
        LegnextClient(bad, URL)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert "header" in str(caught.value)


async def test_a_network_error_that_repeats_the_request() -> None:
    """What httpx knows of the request does not get into our error."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=request)

    async with LegnextClient(KEY, URL, HandMade(handle), retry_for=0.1) as client:
        with pytest.raises(LegnextError) as caught:
            await client.get_job("a")
    assert_hidden([caught.value, caught.value.__cause__, caught.value.__context__])


async def test_what_an_answer_says_is_not_ours_to_hide() -> None:
    """But the key of the request is not among what is kept of it."""
    transport = in_turn(httpx.Response(403, json={"error": {"code": 403, "message": "moderated"}}))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(LegnextError, match="moderated") as caught:
            await client.diffusion("x")
    assert transport.requests[0].headers["x-api-key"] == KEY
    assert_hidden([caught.value])
