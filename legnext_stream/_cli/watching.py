"""Following a stream to its end, and telling of it."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

import trio

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.displays import Display
from legnext_stream._cli.events_json import WallClock, event_line
from legnext_stream._cli.exits import OutputError, UsageError, say
from legnext_stream._cli.progress import Progress
from legnext_stream._cli.report_file import ReportFile
from legnext_stream._cli.wording import summary
from legnext_stream._core.model.events import JobEvent
from legnext_stream._engine.stream import EventStream
from legnext_stream.errors import LegnextError

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
    report: ReportFile | None = None,
) -> None:
    """Take in all events, and show how it goes; at the end, also by cancellation, sum it up.

    Args:
        events: The stream.
        progress: Gathers what is shown.
        display: Shows it.
        tell: Called with each event, and waited for.
        check: Called at each view that is shown; what it raises ends the following.
        report: Written at the end, also where that is an error or a cancellation.

    Raises:
        ReportError: The report can't be written.
    """
    try:
        with display:
            await _follow(events, progress, display, tell, check, report)
    except trio.Cancelled:
        say(summary(progress.view(trio.current_time(), events.stats), is_stopped=True))
        if report is not None:
            report.write_anyway(events.stats, "stopped before its end")
        raise
    except (LegnextError, UsageError, OutputError) as error:
        # What was achieved until then is worth telling; what was not goes without saying.
        view = progress.view(trio.current_time(), events.stats)
        if view.ended and not isinstance(error, OutputError):
            say(summary(view, is_stopped=True))
        if report is not None:
            report.write_anyway(events.stats, f"stopped by an error: {error}")
        raise
    say(summary(progress.view(trio.current_time(), events.stats)))
    if report is not None:
        report.write(events.stats, "all jobs ended")


async def _follow(
    events: EventStream,
    progress: Progress,
    display: Display,
    tell: Tell | None,
    check: Callable[[], None],
    report: ReportFile | None,
) -> None:
    show_at = trio.current_time()
    sample_at = math.inf if report is None else show_at
    while True:
        now = trio.current_time()
        if now >= show_at:
            check()
            await display.show(progress.view(now, events.stats))
            show_at = now + display.interval
        if report is not None and now >= sample_at:
            report.collector.sample(now, events.stats)
            sample_at = now + report.collector.interval
        event: JobEvent | None = None
        # A stream loses nothing when it is left waiting, so that one task can do both.
        with trio.move_on_at(min(show_at, sample_at)) as pause:
            event = await anext(events, None)
        if event is not None:
            progress.note(event)
            if report is not None:
                report.collector.note(event)
            if tell is not None:
                await tell(event)
        elif not pause.cancelled_caught:
            return
