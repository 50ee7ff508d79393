"""Asking again what was asked."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
import trio

from mockserver import Fixed, MockLegnext, run_virtual
from mockserver._replay import Exchange, Transcript, resend
from tests.mockserver.replay.recording import client_to

PATH = "/api/account/balance"


def transcript(*exchanges: Exchange) -> Transcript:
    """A transcript of these."""
    return Transcript(began_at=datetime(2026, 1, 1, tzinfo=UTC), exchanges=exchanges)


def asked_at(at: float, *, error: str = "", ended_at: float | None = None) -> Exchange:
    """A request of that time."""
    end = at if ended_at is None else ended_at
    return Exchange(at=at, ended_at=end, method="GET", path=PATH, error=error)


@pytest.mark.parametrize(
    ("late", "since", "times"), [(0, None, [1, 3]), (9, None, [10, 12]), (9, 5.0, [9, 9])]
)
def test_times(late: float, since: float | None, times: list[float]) -> None:
    """Each request goes out at its time, counted from now or from a given time; at once if that is past."""
    mock = MockLegnext()

    async def run() -> None:
        await trio.sleep(late)
        async with client_to(mock) as client:
            await resend(transcript(asked_at(1), asked_at(3)), client, since=since)

    run_virtual(run)
    assert [record.at for record in mock.requests] == times


def test_what_never_arrived_is_not_sent() -> None:
    """A request that had not reached the server is left out."""
    mock = MockLegnext()

    async def run() -> None:
        async with client_to(mock) as client:
            await resend(transcript(asked_at(1, error="ConnectError"), asked_at(3)), client)

    run_virtual(run)
    assert [record.at for record in mock.requests] == [3]


def test_timeouts_are_those_of_then() -> None:
    """A request that timed out waits as long as it did then; the others wait for their answers."""
    mock = MockLegnext(latency=Fixed(100))

    async def run() -> float:
        async with client_to(mock) as client:
            await resend(transcript(asked_at(0, error="ReadTimeout", ended_at=5)), client)
            patient = trio.current_time()
            await resend(transcript(asked_at(0)), client)
            return patient

    assert run_virtual(run) == 5


async def test_bodies_and_odd_answers() -> None:
    """Parameters are sent again as JSON; redirects are not followed, and odd answers no error."""
    seen = []

    class Odd(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            body = await request.aread()
            seen.append((request.url.path, request.headers.get("content-type"), body))
            # What can't be unpacked would be an error of the client's.
            headers = {"location": "http://elsewhere.example/", "content-encoding": "gzip"}
            return httpx.Response(302, headers=headers, stream=httpx.ByteStream(b"no gzip"))

    post = Exchange(at=0, ended_at=0, method="POST", path="/a", sent=b'{"a":1}')
    async with httpx.AsyncClient(
        transport=Odd(), base_url="http://a.b", follow_redirects=True
    ) as client:
        await resend(transcript(post, asked_at(0)), client)
    assert sorted(seen) == [("/a", "application/json", b'{"a":1}'), (PATH, None, b"")]
