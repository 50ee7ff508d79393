"""Running a command to its end or a signal."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import trio

from legnext_stream._cli.running import interruptible, run_to_exit


@pytest.fixture
def _ignored() -> Iterator[None]:
    """All signals that end a command are ignored, as under `nohup` and in the background."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


async def test_work_that_ends_gives_the_status() -> None:
    """Without a signal, the status is the command's."""

    async def work() -> int:
        await trio.lowlevel.checkpoint()
        return 1

    assert await run_to_exit(work) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_cancels_the_work(number: signal.Signals) -> None:
    """The command cleans up, and the status says which signal it was."""
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


async def test_a_second_signal_does_not_interrupt_the_clean_up() -> None:
    """A second Ctrl-C doesn't interrupt the clean-up."""
    cleaned_up = []

    async def work() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                signal.raise_signal(signal.SIGINT)
                for _ in range(10):
                    await trio.lowlevel.checkpoint()
            cleaned_up.append(True)
        raise AssertionError

    assert await run_to_exit(work) == 130
    assert cleaned_up


@pytest.mark.usefixtures("_ignored")
async def test_ignored_signals_stay_ignored() -> None:
    """A background process isn't ended by Ctrl-C in the foreground."""

    async def work() -> int:
        signal.raise_signal(signal.SIGINT)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        return 0

    assert await run_to_exit(work) == 0


async def test_signals_that_are_not_noted_stay_as_they_are() -> None:
    """A call is interrupted only by signals that a command takes note of."""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
