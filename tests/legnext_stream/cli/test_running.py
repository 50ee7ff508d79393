"""Running a command to its end or a signal."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import trio

from legnext_stream._cli.running import run_to_exit


@pytest.fixture
def _ignored() -> Iterator[None]:
    """All signals that end a command are ignored, as under `nohup` and in the background."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


async def test_work_that_ends_gives_the_status() -> None:
    """Without a signal nothing is added."""

    async def work() -> int:
        await trio.lowlevel.checkpoint()
        return 1

    assert await run_to_exit(work) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_cancels_the_work(number: signal.Signals) -> None:
    """The work is left in order, and the status says which signal it was."""
    left = []

    async def work() -> int:
        try:
            signal.raise_signal(number)
            await trio.sleep_forever()
        finally:
            left.append(True)
        raise AssertionError

    assert await run_to_exit(work) == 128 + number
    assert left


async def test_a_second_signal_disturbs_nothing() -> None:
    """An impatient Ctrl-C doesn't break what is being put in order."""
    put_in_order = []

    async def work() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                signal.raise_signal(signal.SIGINT)
                for _ in range(10):
                    await trio.lowlevel.checkpoint()
            put_in_order.append(True)
        raise AssertionError

    assert await run_to_exit(work) == 130
    assert put_in_order


@pytest.mark.usefixtures("_ignored")
async def test_ignored_signals_stay_ignored() -> None:
    """What runs in the background is not ended by the foreground's Ctrl-C."""

    async def work() -> int:
        signal.raise_signal(signal.SIGINT)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        return 0

    assert await run_to_exit(work) == 0
