"""Following a stream to its end: writing events, showing the display, gathering a report."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import attrs
import trio
from rich.console import Console

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.displays import Display, choose_outputs, display_for
from legnext_stream._cli.earlier import Earlier
from legnext_stream._cli.events_json import event_line
from legnext_stream._cli.exits import EXPECTED, Exit, OutputError, complain, say
from legnext_stream._cli.inputs import LineStream, expected_of
from legnext_stream._cli.journals import all_ended
from legnext_stream._cli.notices import client_for
from legnext_stream._cli.options import FollowOptions
from legnext_stream._cli.progress import Progress, View, summary
from legnext_stream._cli.results import Results
from legnext_stream._cli.running import need_key, need_stdout
from legnext_stream._cli.typed import by_id, line, same_place
from legnext_stream._cli.unfinished import Unfinished
from legnext_stream._cli.words import printable
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Stats
from legnext_stream._engine.stream import EventStream
from legnext_stream._journal.contents import CompletedJob, Standing
from legnext_stream._report import Collector, ReportError, check_report, write_report

T = TypeVar("T")

Write = Callable[[JobEvent], Awaitable[None]]
"""Writes an event."""


@attrs.frozen(kw_only=True)
class Batch(Generic[T]):
    """What a command follows, and what there is to say about it.

    Attributes:
        open_stream: Opens the stream.
        items: The ids or prompts, or the stream on which they arrive.
        title: The title of the display and the report; the base URL is added.
        unfinished: Follows what has not ended.
        expected: How many jobs there are in all, or None while more may come; by default as many as
            there are `items`.
        known: What the journal says of earlier runs; None if there were none.
        announcement: What is said once it is sure that the command can run.
        earlier: What earlier runs made, and perhaps didn't save.
        jobs: The arguments that tell `download` of the jobs; empty if none do.
        save_to: The folder where results are saved, or None.
    """

    open_stream: Callable[[LegnextClient], EventStream]
    items: Sequence[T] | LineStream[T]
    title: str
    unfinished: Unfinished
    expected: Callable[[], int | None] | None = None
    known: Standing | None = None
    announcement: str | None = None
    earlier: Earlier | None = None
    jobs: Sequence[str] = ()
    save_to: Path | None = None

    def say_what_is_left(self, *, is_stopped: bool) -> None:
        """Say at an early end what still runs, and how to go on.

        If an error came before anything was known of any job, it says enough by itself.
        """
        if is_stopped or self.unfinished.is_anything_known or self.known is not None:
            for line in self.unfinished.lines():
                say(line)

    def say_how_to_look_again(self) -> None:
        """Say which line watches the jobs that timed out: they may still end."""
        timed_out = self.unfinished.timed_out
        if timed_out:
            again = line("watch", *by_id(timed_out), *same_place())
            say(f"What timed out may still run. To look again: {again}")

    def say_how_to_save(self, *, are_unsaved: bool) -> None:
        """Say which line saves the results that are in no file; `are_unsaved` if some are in none."""
        unsaved = self.unfinished.unsaved
        if self.save_to is None:
            if are_unsaved and self.jobs:
                say(
                    f"To save them: {line('download', *self.jobs, '--save-to', 'FOLDER', *same_place())}"
                )
        elif unsaved:
            again = line("download", *by_id(unsaved), "--save-to", self.save_to, *same_place())
            say(f"To fetch what was not saved: {self.unfinished.resume_line() or again}")


async def follow_jobs(batch: Batch[T], options: FollowOptions) -> Exit:
    """Open a client and a stream, and follow the stream to its end.

    At an early end this says what is left, and the line that goes on with it.
    """
    need_key()
    stdout = need_stdout()
    fd, screen = choose_outputs(wants_json=options.json, stdout=stdout, stderr=sys.stderr)
    is_typed = isinstance(batch.items, LineStream) and os.isatty(batch.items.fd)
    async with client_for(options, pacing=options.pacing) as client:
        title = f"{batch.title} · {printable(client.base_url)}"
        expected = batch.expected or expected_of(batch.items)
        known = batch.known
        progress = Progress(
            title,
            trio.current_time(),
            expected,
            ended_before=0 if known is None else known.ends.total(),
            if_nothing=None if known is None else all_ended(options.journal, known),
        )
        report = None if options.report is None else ReportFile(options.report, title)
        results = Results()
        write = None if fd is None else json_lines(fd)
        follower = Follower(
            progress,
            display_for(screen, is_typed_on=is_typed),
            write=write,
            report=report,
            also_note=(results.note, batch.unfinished.note),
            # Where JSON lines are read, they have it all.
            show_results=None if screen is None else partial(results.show, Console(file=screen)),
        )
        # Looked for before the stream opens: what this run fails to save isn't tried again at once.
        missing: list[CompletedJob] = []
        if batch.earlier is not None and (screen is not None or batch.save_to is not None):
            made, missing = await batch.earlier.look()
            for event in made:
                results.note(event)
        is_all_saved = True
        stream = batch.open_stream(client)
        if batch.announcement is not None:
            say(batch.announcement)
        try:
            async with stream as events:
                await follower.follow(events)
            if missing and batch.earlier is not None:
                is_all_saved = await batch.earlier.fetch(missing, client, follower.note)
        except BaseException as error:
            # The stream is closed by now, so its journal has everything.
            batch.say_what_is_left(is_stopped=isinstance(error, trio.Cancelled))
            raise
    batch.say_how_to_look_again()
    batch.say_how_to_save(are_unsaved=screen is not None and results.are_unsaved)
    ended_before = set() if batch.known is None else set(batch.known.ends)
    is_good = progress.all_completed and is_all_saved and ended_before <= {JobStatus.COMPLETED}
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


@attrs.define
class Follower:
    """Takes all events of a stream, and shows how it goes.

    Attributes:
        progress: Gathers what the display shows.
        display: Shows it.
        write: Writes each event, before the next is taken.
        report: Written at the end.
        also_note: What else is told of each event.
        show_results: Shows what was made, at the end.
    """

    progress: Progress
    display: Display
    write: Write | None = attrs.field(default=None, kw_only=True)
    report: ReportFile | None = attrs.field(default=None, kw_only=True)
    also_note: Sequence[Callable[[JobEvent], None]] = attrs.field(default=(), kw_only=True)
    show_results: Callable[[], None] | None = attrs.field(default=None, kw_only=True)

    async def follow(self, events: EventStream) -> None:
        """Take all events; sum up at the end, even after an error or a cancellation."""
        report = self.report
        try:
            with self.display:
                await self._take(events)
        except trio.Cancelled:
            self._sum_up(self._view(events), is_stopped=True)
            if report is not None:
                report.write_anyway(events.stats, "stopped before its end")
            raise
        except EXPECTED as error:
            view = self._view(events)
            # Without any results the error alone is worth showing.
            if view.ended and not isinstance(error, OutputError):
                self._sum_up(view, is_stopped=True)
            if report is not None:
                report.write_anyway(events.stats, f"stopped by an error: {error}")
            raise
        view = self._view(events)
        self._sum_up(view)
        if report is not None:
            if view.total:
                report.write(events.stats, "all jobs ended")
            else:
                # It may have been written by the run that did the work.
                say("No report was written: there is nothing to report.")

    async def note(self, event: JobEvent) -> None:
        """Take in an event."""
        self.progress.note(event)
        for note in self.also_note:
            note(event)
        if self.report is not None:
            self.report.collector.note(event)
        if self.write is not None:
            await self.write(event)

    def _view(self, events: EventStream) -> View:
        return self.progress.view(trio.current_time(), events.stats)

    def _sum_up(self, view: View, *, is_stopped: bool = False) -> None:
        if self.show_results is not None:
            self.show_results()
        say(summary(view, is_stopped=is_stopped))

    async def _take(self, events: EventStream) -> None:
        show_at = trio.current_time()
        report, display = self.report, self.display
        sample_at = math.inf if report is None else show_at
        while True:
            now = trio.current_time()
            if now >= show_at:
                view = self._view(events)
                # Of a batch that has ended before, there is nothing to show.
                if view.total or not view.ended_before:
                    await display.show(view)
                show_at = now + display.interval
            if report is not None and now >= sample_at:
                report.collector.sample(now, events.stats)
                sample_at = now + report.collector.interval
            event: JobEvent | None = None
            # A cancelled `__anext__` loses no event, so one task can take events and draw.
            with trio.move_on_at(min(show_at, sample_at)) as pause:
                event = await anext(events, None)
            if event is not None:
                await self.note(event)
            elif not pause.cancelled_caught:
                return
