"""Following a stream: events are told as they come, and the display goes on meanwhile."""

from __future__ import annotations

from typing import Any, Self

import trio
import trio.lowlevel
import trio.testing

from legnext_stream import JobEvent
from legnext_stream._cli.progress import Progress, View
from legnext_stream._cli.watching import follow
from tests.legnext_stream.cli.support import an_event, some_stats


class _Shown:
    """A display that notes when it is shown something."""

    interval = 1.0

    def __init__(self) -> None:
        self.at: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def show(self, _view: View) -> None:
        await trio.lowlevel.checkpoint()
        self.at.append(trio.current_time())


class _Stream:
    """A stream whose one event comes late."""

    stats = some_stats()

    def __init__(self) -> None:
        self._event: JobEvent | None = an_event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JobEvent:
        await trio.lowlevel.checkpoint()
        event, self._event = self._event, None
        if event is None:
            raise StopAsyncIteration
        try:
            await trio.sleep(2.5 - trio.current_time())
        except trio.Cancelled:
            self._event = event  # It is left waiting, and loses nothing.
            raise
        return event


def test_the_display_goes_on_while_no_event_comes() -> None:
    """It is shown at its interval, and the event is told when it comes, once."""
    told: list[float] = []
    display = _Shown()

    async def tell(_event: JobEvent) -> None:
        await trio.lowlevel.checkpoint()
        told.append(trio.current_time())

    async def main() -> None:
        stream: Any = _Stream()
        screen: Any = display
        progress = Progress("a watch", 0.0, lambda: 1)
        await follow(stream, progress, screen, tell=tell)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert display.at == [0.0, 1.0, 2.0]
    assert told == [2.5]
