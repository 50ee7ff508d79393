"""Sends the requests of a transcript again, to compare what a replay makes of them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import httpx
import trio

from mockserver._replay.cues import NEVER_ARRIVED

if TYPE_CHECKING:
    from mockserver._replay.transcript import Exchange, Transcript


async def resend(transcript: Transcript, client: httpx.AsyncClient) -> None:
    """Send the requests that reached the server, each at its time after the call.

    A request that timed out in the recording gets as long as it had then.
    """
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for exchange in transcript.exchanges:
            if exchange.error not in NEVER_ARRIVED:
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
        answer = await client.send(request, stream=True)
        async with aclosing(answer):
            async for _ in answer.aiter_raw():
                pass
    except httpx.TransportError:
        return  # The mock's journal has it.
