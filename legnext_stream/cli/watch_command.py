"""`legnext-stream watch`: follow the jobs whose ids are given, by whatever way."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TextIO

import attrs
import trio

from legnext_stream.cli.displays import choose_outputs, display_for
from legnext_stream.cli.exits import Exit, UsageError, printable
from legnext_stream.cli.ids_file import IdStream, check_item, read_file
from legnext_stream.cli.progress import Progress
from legnext_stream.cli.watching import follow, json_lines
from legnext_stream.client import LegnextClient
from legnext_stream.core.jobs import JobStatus
from legnext_stream.core.pacing import Pacing
from legnext_stream.errors import JournalError
from legnext_stream.journal.standing import Standing, read_standing


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
    """

    source: str | None
    ids: Sequence[str]
    wants_json: bool
    base_url: str | None
    timeout: float | None
    pacing: Pacing
    journal: Path | None = None


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
    stream: IdStream

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
        return _Arriving(given, IdStream(stdin.fileno(), "standard input"))
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


async def watch(settings: WatchSettings) -> Exit:
    """Watch to the end.

    Raises:
        UsageError: The ids, the environment or the streams of this process can't be used.
        LegnextError: What ended the watch as a whole.
        OutputError: The events can't be written.
    """
    if not os.environ.get("LEGNEXT_API_KEY", "").strip():
        raise UsageError("no API key: set the environment variable LEGNEXT_API_KEY")
    if sys.stdout is None:
        raise UsageError("can't write standard output: it is closed")
    known = find_journal(settings.journal)
    jobs = find_ids(settings.source, settings.ids, sys.stdin, known)
    outputs = choose_outputs(wants_json=settings.wants_json, stdout=sys.stdout, stderr=sys.stderr)
    is_typed = isinstance(jobs, _Arriving) and os.isatty(jobs.stream.fd)
    client = LegnextClient(base_url=settings.base_url, pacing=settings.pacing)
    async with client:
        title = f"legnext-stream · {printable(client.base_url)}"
        progress = Progress(title, trio.current_time(), jobs.expected)
        ids = jobs if isinstance(jobs, _Arriving) else jobs.ids
        watched = client.watch(ids, timeout=settings.timeout, journal=settings.journal)
        async with watched as events:
            await follow(
                events,
                progress,
                display_for(outputs.display_on, is_typed_on=is_typed),
                tell=None if outputs.events_to is None else json_lines(outputs.events_to),
            )
    before = set() if known is None else set(known.ended.values())
    is_good = progress.all_completed and before <= {JobStatus.COMPLETED}
    return Exit.COMPLETED if is_good else Exit.INCOMPLETE
