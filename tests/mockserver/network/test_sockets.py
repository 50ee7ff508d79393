"""Serving on sockets."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
import trio

from mockserver import Fixed, MockLegnext, TokenBucket
from tests.mockserver.helpers import POST

KEY = {"x-api-key": "key"}


async def test_the_api_is_on_a_socket() -> None:
    """A job that is submitted over a socket completes, in the world's time."""
    mock = MockLegnext(run_times=Fixed(60), time_scale=1000)
    async with mock.serve() as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        submitted = await client.post(POST, json={"text": "a"})
        assert "server" not in submitted.headers
        assert submitted.headers.get_list("date") == [submitted.headers["date"]]
        job = submitted.json()
        with trio.fail_after(30):
            while job["status"] != "completed":
                job = (await client.get(f"/api/v1/job/{job['job_id']}")).json()
    assert job["meta"]["usage"]["consume"] == 80
    assert mock.crashes == []


async def test_it_ends_at_once_with_clients_connected() -> None:
    """Leaving the context doesn't wait for connections that are kept open."""
    mock = MockLegnext()
    async with httpx.AsyncClient(headers=KEY) as client:
        async with mock.serve() as url:
            await client.get(f"{url}/api/account/balance")
            begun = time.monotonic()
        assert time.monotonic() - begun < 2
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/api/account/balance")


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    """An exception passes through the context unchanged, in no group."""
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        async with MockLegnext().serve():
            raise error
    assert caught.value is error


async def test_cancelling_ends_it() -> None:
    """A cancelled body ends the server too."""
    with trio.move_on_after(0.2) as scope:
        async with MockLegnext().serve():
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_port_in_use_is_an_os_error() -> None:
    """Where another listens already, entering fails with a plain OSError."""
    async with MockLegnext().serve() as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with MockLegnext().serve(port=port):
                pass


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_ipv6() -> None:
    """The other loopback address will do, too."""
    async with MockLegnext().serve("::1") as url, httpx.AsyncClient() as client:
        assert url.startswith("http://[::1]:")
        assert (await client.get(f"{url}/api/account/balance")).status_code == 401


async def test_head_and_limits_over_sockets() -> None:
    """The answers are those of the transport in memory."""
    mock = MockLegnext(limit=TokenBucket(0.001))
    async with mock.serve() as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        head = await client.head("/api/account/balance")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 100
        refused = await client.get("/api/account/balance")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1000")
