"""How long a watch takes to read a million ids, while it polls and reports events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

import trio

from benchmarks.performance.ready import BASE_URL, ReadyTransport, job_ids, taken_in
from benchmarks.performance.rounds import Row, child, figure_row
from legnext_stream import LegnextClient

_SECONDS_A_MILLION: Final = 5.0
# How often to check whether all have been read, in seconds.
_LOOK_AGAIN: Final = 0.01


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Run rounds in their own processes, which begin with an empty heap."""
    count, rounds = (100_000, 3) if quick else (1_000_000, 5)
    target = _SECONDS_A_MILLION * count / 1_000_000
    return [
        figure_row(
            f"time to add {count:,} ids from {source}",
            [child(_seconds, count, from_async=from_async) for _ in range(rounds)],
            unit="s",
            target=target,
            at_least=False,
            quick_bound=10 * target,
        )
        for source, from_async in (("a list", False), ("an async generator", True))
    ]


def _seconds(count: int, *, from_async: bool) -> float:
    return trio.run(_take_in, job_ids(count), from_async)


async def _take_in(ids: Sequence[str], from_async: bool) -> float:  # noqa: FBT001 - `trio.run` passes no keywords
    async with LegnextClient("benchmark", BASE_URL, ReadyTransport("pending")) as client:
        began = time.perf_counter()
        async with client.watch(_one_by_one(ids) if from_async else ids) as events:
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def read() -> None:
                    async for _ in events:
                        pass

                while taken_in(events.stats) < len(ids):  # noqa: ASYNC110 - there is no notification to wait for
                    await trio.sleep(_LOOK_AGAIN)
                nursery.cancel_scope.cancel()
            return time.perf_counter() - began


async def _one_by_one(ids: Sequence[str]) -> AsyncIterator[str]:
    """An async source that never has to wait."""
    for job_id in ids:
        yield job_id
