"""`legnext-stream watch`: follow the jobs whose ids are given, by whatever way."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import attrs
import trio
from cyclopts import Parameter

from legnext_stream._cli.displays import choose_outputs, display_for
from legnext_stream._cli.exits import Exit, UsageError, printable
from legnext_stream._cli.ids_file import check_item, id_stream, read_file
from legnext_stream._cli.lines_in import LineStream
from legnext_stream._cli.options import BaseUrl, Json, PacingOptions, Report, Source, Timeout
from legnext_stream._cli.progress import Progress
from legnext_stream._cli.report_file import report_file
from legnext_stream._cli.running import need_key, need_stdout, run_to_exit
from legnext_stream._cli.watching import follow, json_lines
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pacing import Pacing
from legnext_stream._journal.standing import Standing, read_standing
from legnext_stream.errors import JournalError


@attrs.frozen(kw_only=True)
class WatchSettings:
    """What was asked for on the command line.

    Attributes:
        source: A file of ids, `-` for standard input, or None.
        ids: Ids given directly.
        wants_json: Whether events are to be told in JSON on a terminal too.
        base_url: Where the API is, or None for the default.
        timeout: See `legnext_stream.watch`.
        pacing: When and how fast to ask.
        journal: The file of the journal, or None.
        report: The file of the report, or None.
    """

    source: str | None
    ids: Sequence[str]
    wants_json: bool
    base_url: str | None
    timeout: float | None
    pacing: Pacing
    journal: Path | None = None
    report: Path | None = None


@attrs.frozen
class _Listed:
    """Ids that are all known before the first request."""

    ids: Sequence[str]

    def expected(self) -> int | None:
        """How many jobs there are in all."""
        return len(self.ids)


@attrs.frozen
class _Arriving:
    """Ids that go on arriving on a stream, after those that are known already."""

    ids: Sequence[str]
    stream: LineStream[str]

    def expected(self) -> int | None:
        """How many jobs there are in all: not known as long as more may come, nor needed after."""
        return 0 if self.stream.is_at_end else None

    async def __aiter__(self) -> AsyncIterator[str]:
        for job_id in self.ids:
            yield job_id
        async for job_id in self.stream:
            yield job_id


def find_ids(
    source: str | None, ids: Sequence[str], stdin: TextIO | None, known: Standing | None
) -> _Listed | _Arriving:
    """The ids to watch; those of a file and of options are checked here, all of them.

    Args:
        source: A file of ids, `-` for standard input, or None.
        ids: Ids given directly.
        stdin: Standard input.
        known: The jobs of the journal, if there is one.

    Raises:
        UsageError: There are none to be had, or one can't be an id.
    """
    given = [check_item(item, "--id") for item in ids]
    if known is not None:
        given = [*known.unfinished, *given]
    elif source is None and not given:
        raise UsageError("nothing to watch: name a file of job ids, or - for standard input")
    if source == "-":
        if stdin is None:
            raise UsageError("can't read standard input: it is closed")
        return _Arriving(given, id_stream(stdin.fileno(), "standard input"))
    listed = given if source is None else [*given, *read_file(source)]
    # Each job is watched once; the total should say so.
    ended = () if known is None else known.ended
    return _Listed([job_id for job_id in dict.fromkeys(listed) if job_id not in ended])


def find_journal(path: Path | None) -> Standing | None:
    """Where the batch of a journal stands; None if none was asked for, or it is yet to be begun.

    Raises:
        UsageError: It can't be read.
    """
    if path is None or not path.exists():
        return None
    try:
        return read_standing(path)
    except JournalError as error:
        raise UsageError(str(error)) from None


def watch(
    source: Source = None,
    /,
    *,
    ids: Annotated[tuple[str, ...], Parameter(name="--id", negative="", show_default=False)] = (),
    json: Json = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 600.0,
    journal: Path | None = None,
    report: Report = None,
    pacing: PacingOptions = Pacing(),  # noqa: B008 - frozen
) -> int:
    """Follow jobs until all of them have ended.

    On a terminal it shows a live display; in a pipe it writes one JSON object a line for each
    change. At the end it sums up on standard error.

    Args:
        source: A file of job ids, one a line; - for standard input, which is read as it arrives.
            Blank lines and what follows a # are let pass. A file is checked whole before the first
            request.
        ids: A job id. May be given several times, also beside a file.
        json: Write JSON lines on a terminal too.
        base_url: Where the API is.
        timeout: How long a job may run, and how long no job at all may change, in seconds. 0 or
            none for never.
        journal: A file in which to keep what was told. Started again with the same file, the watch
            goes on where it was ended, in whatever way; FILE may be left out then.
        report: A file for a page about the batch, written at the end, also by Ctrl-C or an error.
        pacing: When and how fast to ask.
    """
    settings = WatchSettings(
        source=source,
        ids=ids,
        wants_json=json,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
        journal=journal,
        report=report,
    )
    return run_to_exit(partial(run_watch, settings))


async def run_watch(settings: WatchSettings) -> Exit:
    """Watch to the end.

    Raises:
        UsageError: The ids, the environment or the streams of this process can't be used.
        LegnextError: What ended the watch as a whole.
        OutputError: The events can't be written.
    """
    need_key()
    stdout = need_stdout()
    known = find_journal(settings.journal)
    jobs = find_ids(settings.source, settings.ids, sys.stdin, known)
    outputs = choose_outputs(wants_json=settings.wants_json, stdout=stdout, stderr=sys.stderr)
    is_typed = isinstance(jobs, _Arriving) and os.isatty(jobs.stream.fd)
    client = LegnextClient(base_url=settings.base_url, pacing=settings.pacing)
    async with client:
        title = f"legnext-stream · {printable(client.base_url)}"
        report = report_file(settings.report, title)
        progress = Progress(title, trio.current_time(), jobs.expected)
        ids = jobs if isinstance(jobs, _Arriving) else jobs.ids
        watched = client.watch(ids, timeout=settings.timeout, journal=settings.journal)
        async with watched as events:
            await follow(
                events,
                progress,
                display_for(outputs.display_on, is_typed_on=is_typed),
                tell=None if outputs.events_to is None else json_lines(outputs.events_to),
                report=report,
            )
    before = set() if known is None else set(known.ended.values())
    is_good = progress.all_completed and before <= {JobStatus.COMPLETED}
    return Exit.COMPLETED if is_good else Exit.INCOMPLETE
