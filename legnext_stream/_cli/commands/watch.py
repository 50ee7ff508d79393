"""`legnext-stream watch`: follow jobs by their ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from legnext_stream._cli.earlier import Earlier
from legnext_stream._cli.exits import PROGRAM, Exit, UsageError, nothing_in
from legnext_stream._cli.following import Batch, follow_jobs
from legnext_stream._cli.inputs import LineStream, check_id, parse_id, read
from legnext_stream._cli.journals import find_journal
from legnext_stream._cli.options import FollowOptions, Ids, Source
from legnext_stream._cli.typed import (
    by_id,
    is_read_once,
    line,
    same_line,
    same_line_without,
    same_place,
)
from legnext_stream._cli.unfinished import Unfinished
from legnext_stream._journal.contents import Standing


async def watch(
    source: Source = None,
    /,
    *,
    ids: Ids = (),
    options: FollowOptions = FollowOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Follow jobs until all of them have ended.

    On a terminal it shows a live display, and at the end the URLs of what was made; in a pipe it
    writes one JSON object a line for each change. Standard error gets a summary; at an early end
    also what still runs, and the line to go on with.

    Args:
        source: A file of job ids, one a line; - for standard input, which is read as it arrives.
            Blank lines are ignored, and so is what follows a #. A file is checked as a whole before
            the first request.
        ids: A job id. May be given several times, also beside a file.
        options: What the commands that follow jobs have in common.
    """
    known = find_journal(options.journal)
    listed, arriving = _find_ids(source, ids, known)
    if not listed and arriving is None and source is not None and known is None:
        return nothing_in(source, "job ids")
    unfinished = Unfinished(journal=options.journal, resume=_resuming(source, options.journal))
    for job_id in listed:
        unfinished.take(job_id)
    jobs = listed if arriving is None else _chained(listed, arriving, unfinished.take)
    return await follow_jobs(
        Batch(
            open_stream=lambda client: client.watch(jobs, **options.of_stream),
            items=listed if arriving is None else arriving,
            title=PROGRAM,
            unfinished=unfinished,
            known=known,
            earlier=None if known is None or options.journal is None else Earlier(options.journal),
            jobs=_for_download(source, ids, options.journal),
        ),
        options,
    )


def _resuming(source: str | None, journal: Path | None) -> Callable[[Sequence[str]], str]:
    """How the line is made that goes on with the jobs that are left."""
    if source is None or not is_read_once(source):
        return lambda _: same_line()
    if journal is not None:
        return lambda _: same_line_without(source)
    return lambda ids: line("watch", *by_id(ids), *same_place())


def _for_download(source: str | None, ids: Sequence[str], journal: Path | None) -> list[str]:
    """The arguments that tell `download` of the same jobs; empty if that can't be said."""
    if journal is not None:
        return ["--journal", str(journal)]
    if source is not None and is_read_once(source):
        return []
    return [*([] if source is None else [source]), *by_id(ids)]


def _find_ids(
    source: str | None, ids: Sequence[str], known: Standing | None
) -> tuple[Sequence[str], LineStream[str] | None]:
    """The ids known from the start, and the stream on which more arrive, if there is one."""
    given = [check_id(item, "--id") for item in ids]
    if known is not None:
        given = [*known.unfinished, *given]
    elif source is None and not given:
        raise UsageError("nothing to watch: name a file of job ids, or - for standard input")
    more = [] if source is None else read(source, parse_id)
    if isinstance(more, LineStream):
        return given, more
    # Each job is watched once, and the display's total should count it once.
    ended = () if known is None else known.ended
    return [job_id for job_id in dict.fromkeys([*given, *more]) if job_id not in ended], None


async def _chained(
    ids: Sequence[str], stream: LineStream[str], take: Callable[[str], None]
) -> AsyncIterator[str]:
    for job_id in ids:
        yield job_id
    async for job_id in stream:
        take(job_id)
        yield job_id
