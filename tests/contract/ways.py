"""The same worlds, watched by `sync` and `aio`, in virtual time."""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from unittest import mock

from legnext_stream import JobEvent, aio, sync
from legnext_stream._bridges import trio_thread
from legnext_stream.sync import _streams as sync_streams
from tests.contract.worlds import KEY, URL, Outcome, Stage, World, stage
from tests.legnext_stream.bridges.virtual import (
    Interrupt,
    Outside,
    first_of,
    virtual_time,
    within,
)

# ---------------------------------------------------------------- synchronous code


def watch_world_synchronously(world: World) -> Outcome:
    """Watch a world in synchronous code; an impatient consumer is interrupted, as by Ctrl-C."""
    on = stage(world)
    events: list[JobEvent] = []
    with virtual_time() as outside:
        client = sync.LegnextClient(KEY, URL, on.transport, pacing=on.pacing)
        ids = _napping(on, outside) if world.late else on.ids()
        with client, client.watch(ids) as stream:
            while True:
                with suppress(Interrupt):
                    try:
                        events.append(_next(stream, outside, world.impatience))
                    except StopIteration:
                        break
                if world.pause:
                    outside.sleep(world.pause)
            stats = stream.stats
    return on.outcome(events, stats)


def _next(stream: sync.EventStream, outside: Outside, patience: float | None) -> JobEvent:
    if patience is None:
        return next(stream)
    with outside.alarm(patience) as alarm:

        def settle(call: trio_thread.Call[JobEvent], lease: trio_thread.Lease) -> None:
            if not first_of(call, alarm):
                lease.call_off(call)
                raise Interrupt

        with mock.patch.object(sync_streams, "settle", settle):
            return next(stream)


def _napping(on: Stage, outside: Outside) -> Iterator[str]:
    for job_id in on.ids():
        yield job_id
        outside.nap(on.world.late).outcome.exception()
    outside.no_more_naps()


# ---------------------------------------------------------------- asyncio


def watch_world_under_asyncio(world: World) -> Outcome:
    """Watch a world under asyncio; an impatient consumer cancels its task."""
    return asyncio.run(_watch_world(world))


async def _watch_world(world: World) -> Outcome:
    on = stage(world)
    events: list[JobEvent] = []
    with virtual_time() as outside:
        ids = _anapping(on, outside) if world.late else on.ids()
        async with (
            aio.LegnextClient(KEY, URL, on.transport, pacing=on.pacing) as client,
            client.watch(ids) as stream,
        ):
            while True:
                with suppress(TimeoutError):
                    try:
                        events.append(await _anext(stream, outside, world.impatience))
                    except StopAsyncIteration:
                        break
                if world.pause:
                    await outside.asleep(world.pause)
            stats = stream.stats
    return on.outcome(events, stats)


async def _anext(stream: aio.EventStream, outside: Outside, patience: float | None) -> JobEvent:
    if patience is None:
        return await anext(stream)
    with outside.alarm(patience) as alarm:
        return await within(alarm, anext(stream))


async def _anapping(on: Stage, outside: Outside) -> AsyncIterator[str]:
    for job_id in on.ids():
        yield job_id
        await asyncio.wrap_future(outside.nap(on.world.late).outcome)
    outside.no_more_naps()
