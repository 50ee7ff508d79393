"""`--report`: gathering while a command follows its jobs, and the page at the end, however it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import trio

from legnext_stream._cli.exits import UsageError, complain, say
from legnext_stream._core.stats import Stats
from legnext_stream._report import Collector, ReportError, check_report, write_report
from legnext_stream._report.tables import Table


class ReportFile:
    """The report of a command that is running.

    Args:
        path: Where it is to be written.
        title: What is followed, and where.
        notes: What else there is to say of it, a sentence each.
        time_scale: See `Collector`.

    Attributes:
        collector: Gathers what is reported.

    Raises:
        UsageError: It can't be written there, or its packages aren't installed.
    """

    def __init__(
        self, path: Path, title: str, *, notes: tuple[str, ...] = (), time_scale: float = 1.0
    ) -> None:
        try:
            check_report(path)
        except ReportError as error:
            raise UsageError(str(error)) from None
        self._path = path
        self.collector: Collector = Collector(
            title,
            trio.current_time(),
            began=datetime.now(UTC),
            notes=notes,
            time_scale=time_scale,
        )

    def write(self, stats: Stats, ending: str, tables: tuple[Table, ...] = ()) -> None:
        """Write it; it takes a second or two.

        Raises:
            ReportError: It can't be written.
        """
        collected = self.collector.collected(trio.current_time(), stats, ending)
        write_report(self._path, collected, tables)
        say(f"Report: {self._path}")

    def write_anyway(self, stats: Stats, ending: str) -> None:
        """Write it where something else has gone wrong, which is what will be told."""
        try:
            self.write(stats, ending)
        except ReportError as error:
            complain(str(error))


def report_file(
    path: Path | None, title: str, *, notes: tuple[str, ...] = (), time_scale: float = 1.0
) -> ReportFile | None:
    """The report that was asked for, or None; see `ReportFile`."""
    if path is None:
        return None
    return ReportFile(path, title, notes=notes, time_scale=time_scale)
