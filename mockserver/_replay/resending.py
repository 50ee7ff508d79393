"""Asking again what was asked in a recording, at the same times."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import httpx
import trio

if TYPE_CHECKING:
    from mockserver._replay.transcript import Exchange, Transcript

NEVER_ARRIVED: Final = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "LocalProtocolError",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
    }
)
"""What ends a request before the server learns of it."""


async def resend(
    transcript: Transcript, client: httpx.AsyncClient, *, since: float | None = None
) -> None:
    """Send the requests of a transcript again, each at its time.

    What comes of them is for the server's journal, or a recorder, to tell; that some fail is to be
    expected. Requests that never reached the server are left out. A request that failed in a
    timeout is given as long as it had then, and the others as long as they take.

    Args:
        transcript: The recording.
        client: What sends them: its base URL, key and headers are used.
        since: The time on Trio's clock at which the recording is to begin; by default now.
    """
    begin = trio.current_time() if since is None else since
    async with trio.open_nursery() as nursery:
        for exchange in transcript.exchanges:
            if exchange.error in NEVER_ARRIVED:
                continue
            await trio.sleep_until(begin + exchange.at)
            nursery.start_soon(_send, client, exchange)


async def _send(client: httpx.AsyncClient, exchange: Exchange) -> None:
    timed_out = exchange.error.endswith("Timeout")
    request = client.build_request(
        exchange.method,
        exchange.path,
        content=exchange.sent or None,
        headers={"content-type": "application/json"} if exchange.sent else None,
        timeout=exchange.ended_at - exchange.at if timed_out else None,
    )
    try:
        answer = await client.send(request, stream=True, follow_redirects=False)
        async with aclosing(answer):
            async for _ in answer.aiter_raw():
                pass  # It is read to its end, as it was then; nobody keeps it.
    except httpx.TransportError:
        return  # It failed then, or fails now: the journal knows of it.
