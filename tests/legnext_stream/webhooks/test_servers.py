"""A real ASGI server over loopback: on Trio beside the watch, and on asyncio in a thread of its own."""

from __future__ import annotations

import asyncio  # noqa: TID251 - the server's loop, which is not ours
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
import trio
from hypercorn.asyncio import serve as serve_on_asyncio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_on_trio

from legnext_stream import LegnextClient, Pacing, WebhookReceiver, webhook_app
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY
from tests.legnext_stream.webhooks.support import GUESS, SECRET, body_of, signed

NUMBER = 20
LIFE = Script([("processing", 1000), "completed"])


def config_on(listener: socket.socket) -> Config:
    """A server on a socket that listens already, and says nothing."""
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "CRITICAL"
    config.errorlog = config.accesslog = None
    return config


@asynccontextmanager
async def on_trio(app: Any, config: Config) -> AsyncIterator[None]:  # noqa: ANN401 - Hypercorn's own types
    """The server in this Trio run."""
    async with trio.open_nursery() as nursery:
        stop = trio.Event()
        nursery.start_soon(partial(serve_on_trio, app, config, shutdown_trigger=stop.wait))
        yield
        stop.set()


@asynccontextmanager
async def on_asyncio(app: Any, config: Config) -> AsyncIterator[None]:  # noqa: ANN401 - Hypercorn's own types
    """The server in an asyncio loop in another thread."""
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    began = threading.Event()

    async def main() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        began.set()
        await serve_on_asyncio(app, config, shutdown_trigger=stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    await trio.to_thread.run_sync(began.wait)
    try:
        yield
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        await trio.to_thread.run_sync(thread.join)  # noqa: ASYNC102 - a few milliseconds


@pytest.mark.parametrize("server", [on_trio, on_asyncio])
def test_a_real_server(server: Callable[..., Any]) -> None:
    """Callbacks sent from several threads end a watch in this one; forgeries don't."""

    async def main() -> tuple[set[str], int, WebhookReceiver]:
        receiver = webhook_app(SECRET, path="/hook")
        mock = MockLegnext(seed=1)
        job_ids = [mock.add_job(LIFE) for _ in range(NUMBER)]
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        async with (
            server(receiver, config_on(listener)),
            LegnextClient(KEY, transport=mock.transport()) as client,
            client.watch(job_ids, webhooks=receiver, pacing=Pacing(poll_cost=1)) as events,
        ):
            async with trio.open_nursery() as nursery:
                for job_id in job_ids:
                    nursery.start_soon(trio.to_thread.run_sync, call, url, job_id)
                ends = {event.job_id async for event in events if event.status.is_terminal}
            return ends, events.stats.ended_by_callback, receiver

    ends, told, receiver = trio.run(main)
    assert len(ends) == told == NUMBER
    assert receiver.stats.verified == receiver.stats.forged == NUMBER


def call(url: str, job_id: str) -> None:
    """A forgery and a callback, from a thread."""
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    body = body_of(job_id, meta={"ended_at": end})
    with httpx.Client(trust_env=False) as client:
        assert client.post(url, content=body, headers=signed(body, secret=GUESS)).status_code == 401
        stamp = str(int(time.time()))
        assert client.post(url, content=body, headers=signed(body, stamp)).status_code == 204
