"""`legnext-stream watch`: follow jobs by their ids."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from legnext_stream._cli.exits import PROGRAM, Exit, UsageError
from legnext_stream._cli.following import follow_jobs
from legnext_stream._cli.inputs import LineStream, check_id, from_journal, parse_id, read
from legnext_stream._cli.options import FollowOptions, Ids, Source
from legnext_stream._journal.contents import Standing, read_standing


async def watch(
    source: Source = None,
    /,
    *,
    ids: Ids = (),
    options: FollowOptions = FollowOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Follow jobs until all of them have ended.

    On a terminal it shows a live display; in a pipe it writes one JSON object a line for each
    change. At the end it prints a summary on standard error.

    Args:
        source: A file of job ids, one a line; - for standard input, which is read as it arrives.
            Blank lines are ignored, and so is what follows a #. A file is checked as a whole before
            the first request.
        ids: A job id. May be given several times, also beside a file.
        options: What the commands that follow jobs have in common.
    """
    known = find_journal(options.journal)
    listed, arriving = _find_ids(source, ids, known)
    jobs = listed if arriving is None else _chained(listed, arriving)
    return await follow_jobs(
        lambda client: client.watch(jobs, **options.of_stream),
        arriving or listed,
        options,
        title=PROGRAM,
        ended_before=() if known is None else known.ended.values(),
    )


def find_journal(path: Path | None) -> Standing | None:
    """What a journal says of its batch; None without a journal, or with one yet to be begun."""
    if path is None:
        return None
    if os.path.lexists(path):
        return from_journal(read_standing, path)
    folder = path.absolute().parent
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir() raises if it may not look
        raise UsageError(f"can't begin the journal {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"can't begin the journal {path}: no file can be written there")
    return None


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


async def _chained(ids: Sequence[str], stream: LineStream[str]) -> AsyncIterator[str]:
    for job_id in ids:
        yield job_id
    async for job_id in stream:
        yield job_id
