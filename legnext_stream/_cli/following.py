"""Following a stream to its end: writing events, showing the display, gathering a report."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import trio

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.displays import Display, choose_outputs, display_for
from legnext_stream._cli.events_json import event_line
from legnext_stream._cli.exits import EXPECTED, Exit, OutputError, UsageError, complain, say
from legnext_stream._cli.inputs import LineStream, expected_of
from legnext_stream._cli.options import FollowOptions
from legnext_stream._cli.progress import Progress, summary
from legnext_stream._cli.running import need_key, need_stdout
from legnext_stream._cli.words import printable
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Stats
from legnext_stream._engine.stream import EventStream
from legnext_stream._report import Collector, ReportError, check_report, write_report

T = TypeVar("T")

Write = Callable[[JobEvent], Awaitable[None]]
"""Writes an event."""


async def follow_jobs(
    open_stream: Callable[[LegnextClient], EventStream],
    items: Sequence[T] | LineStream[T],
    options: FollowOptions,
    *,
    title: str,
    expected: Callable[[], int | None] | None = None,
    ended_before: Collection[JobStatus] = (),
) -> Exit:
    """Open a client and a stream, and follow the stream to its end.

    Args:
        open_stream: Opens the stream. A ValueError is wrong usage.
        items: The ids or prompts, or the stream on which they arrive.
        options: Where the API is, how to follow the jobs, and what to write.
        title: The title of the display and the report; the base URL is added.
        expected: How many jobs there are in all, or None while more may come; by default as many as
            there are `items`.
        ended_before: How the jobs ended that the journal knows, before this run.
    """
    need_key()
    stdout = need_stdout()
    fd, screen = choose_outputs(wants_json=options.json, stdout=stdout, stderr=sys.stderr)
    is_typed = isinstance(items, LineStream) and os.isatty(items.fd)
    async with LegnextClient(base_url=options.base_url, pacing=options.pacing) as client:
        title = f"{title} · {printable(client.base_url)}"
        report = None if options.report is None else ReportFile(options.report, title)
        progress = Progress(title, trio.current_time(), expected or expected_of(items))
        try:
            stream = open_stream(client)
        except ValueError as error:
            raise UsageError(str(error)) from None
        async with stream as events:
            await follow(
                events,
                progress,
                display_for(screen, is_typed_on=is_typed),
                write=None if fd is None else json_lines(fd),
                report=report,
            )
    is_good = progress.all_completed and set(ended_before) <= {JobStatus.COMPLETED}
    return Exit.COMPLETED if is_good else Exit.INCOMPLETE


def json_lines(fd: int) -> Write:
    """Write each event as a line of JSON."""
    epoch = time.time() - trio.current_time()

    async def write(event: JobEvent) -> None:
        await write_all(fd, event_line(event, epoch))

    return write


class ReportFile:
    """The report of a command: gathered by a `Collector` while it runs, written at its end.

    Raises:
        ConfigurationError: It can't be written there, or its packages aren't installed.
    """

    def __init__(
        self, path: Path, title: str, *, notes: tuple[str, ...] = (), time_scale: float = 1.0
    ) -> None:
        check_report(path)
        self._path = path
        self.collector: Collector = Collector(
            title,
            trio.current_time(),
            began=datetime.now(UTC),
            notes=notes,
            time_scale=time_scale,
        )

    def write(self, stats: Stats, ending: str) -> None:
        """Write it, which takes a second or two; `ending` says how the watch ended."""
        write_report(self._path, self.collector.collected(trio.current_time(), stats, ending))
        say(f"Report: {self._path}")

    def write_anyway(self, stats: Stats, ending: str) -> None:
        """Write it after an error or a signal. If that fails, only print why."""
        try:
            self.write(stats, ending)
        except ReportError as error:
            complain(str(error))


async def follow(
    events: EventStream,
    progress: Progress,
    display: Display,
    *,
    write: Write | None = None,
    report: ReportFile | None = None,
) -> None:
    """Take all events and show how it goes; sum up at the end, even after an error or a cancellation.

    Each event is written before the next is taken.
    """
    try:
        with display:
            await _follow(events, progress, display, write, report)
    except trio.Cancelled:
        say(summary(progress.view(trio.current_time(), events.stats), is_stopped=True))
        if report is not None:
            report.write_anyway(events.stats, "stopped before its end")
        raise
    except EXPECTED as error:
        view = progress.view(trio.current_time(), events.stats)
        # Without any results the error alone is worth showing.
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
    write: Write | None,
    report: ReportFile | None,
) -> None:
    show_at = trio.current_time()
    sample_at = math.inf if report is None else show_at
    while True:
        now = trio.current_time()
        if now >= show_at:
            await display.show(progress.view(now, events.stats))
            show_at = now + display.interval
        if report is not None and now >= sample_at:
            report.collector.sample(now, events.stats)
            sample_at = now + report.collector.interval
        event: JobEvent | None = None
        # A cancelled `__anext__` loses no event, so one task can take events and draw.
        with trio.move_on_at(min(show_at, sample_at)) as pause:
            event = await anext(events, None)
        if event is not None:
            progress.note(event)
            if report is not None:
                report.collector.note(event)
            if write is not None:
                await write(event)
        elif not pause.cancelled_caught:
            return
