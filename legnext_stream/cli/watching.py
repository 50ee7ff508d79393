"""Following a stream to its end, and telling of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import trio

from legnext_stream.cli.descriptors import write_all
from legnext_stream.cli.displays import Display
from legnext_stream.cli.events_json import WallClock, event_line
from legnext_stream.cli.exits import (
    Exit,
    OutputError,
    UsageError,
    complain,
    explain,
    say,
    status_of,
)
from legnext_stream.cli.progress import Progress
from legnext_stream.cli.wording import summary
from legnext_stream.core.events import JobEvent
from legnext_stream.errors import LegnextError
from legnext_stream.stream import EventStream

Tell = Callable[[JobEvent], Awaitable[None]]


def json_lines(fd: int) -> Tell:
    """Tells of each event in a line of JSON, written before the next event is taken."""
    clock = WallClock(time.time() - trio.current_time())

    async def tell(event: JobEvent) -> None:
        await write_all(fd, event_line(event, clock))

    return tell


async def follow(
    events: EventStream,
    progress: Progress,
    display: Display,
    *,
    tell: Tell | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Take in all events, and show how it goes; at the end, also by cancellation, sum it up.

    Args:
        events: The stream.
        progress: Gathers what is shown.
        display: Shows it.
        tell: Called with each event, and waited for.
        check: Called at each view that is shown; what it raises ends the following.
    """
    try:
        with display:
            await _follow(events, progress, display, tell, check)
    except trio.Cancelled:
        say(summary(progress.view(trio.current_time(), events.stats), is_stopped=True))
        raise
    except (LegnextError, UsageError):
        # What was achieved until then is worth telling; what was not goes without saying.
        view = progress.view(trio.current_time(), events.stats)
        if view.ended:
            say(summary(view, is_stopped=True))
        raise
    say(summary(progress.view(trio.current_time(), events.stats)))


async def _follow(
    events: EventStream,
    progress: Progress,
    display: Display,
    tell: Tell | None,
    check: Callable[[], None],
) -> None:
    show_at = trio.current_time()
    while True:
        now = trio.current_time()
        if now >= show_at:
            check()
            await display.show(progress.view(now, events.stats))
            show_at = now + display.interval
        event: JobEvent | None = None
        # A stream loses nothing when it is left waiting, so that one task can do both.
        with trio.move_on_at(show_at) as pause:
            event = await anext(events, None)
        if event is not None:
            progress.note(event)
            if tell is not None:
                await tell(event)
        elif not pause.cancelled_caught:
            return


async def reporting(work: Callable[[], Awaitable[Exit]]) -> int:
    """Run `work`; what may go wrong in a watch is told in one line, and becomes an exit status."""
    try:
        return await work()
    except UsageError as error:
        complain(str(error))
        return Exit.USAGE
    except LegnextError as error:
        complain(explain(error))
        return status_of(error)
    except OutputError as error:
        if error.is_closed:
            return Exit.CLOSED_PIPE
        complain(str(error))
        return Exit.INCOMPLETE
