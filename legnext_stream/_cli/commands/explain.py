"""`legnext-stream explain`: where a job stands, what is usual, and when a watch would ask again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from functools import partial
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit, UsageError, complain
from legnext_stream._cli.explaining import as_data, explained, lines
from legnext_stream._cli.ids_file import check_item
from legnext_stream._cli.options import BaseUrl, Json, PacingOptions
from legnext_stream._cli.running import need_key, need_stdout, run_to_exit
from legnext_stream._client import LegnextClient
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._journal.contents import read_history, read_learned
from legnext_stream.errors import JournalError, NotFoundError


def explain(
    *ids: Annotated[str, Parameter(name="JOB_ID")],
    journal: Path | None = None,
    json: Json = False,
    base_url: BaseUrl = None,
    pacing: PacingOptions = Pacing(),  # noqa: B008 - frozen
) -> int:
    """Say where jobs stand, how that compares, and when a watch would ask about them again, and why.

    Each is asked about once. The exit status is 1 if the API doesn't know one of them.

    Args:
        ids: The jobs.
        journal: The journal of their watch: what it has told of them, and the run times that it has
            learned. The watch may be running meanwhile.
        json: Write one line of JSON for each.
        base_url: Where the API is.
        pacing: When and how fast the watch would ask.
    """
    return run_to_exit(
        partial(run_explain, ids, journal, pacing, wants_json=json, base_url=base_url)
    )


def _durations(journal: Path | None) -> Durations:
    durations = Durations()
    state = None if journal is None else read_learned(journal, "durations")
    if state is not None:
        # Of another version, or by another hand: there is the published range.
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            durations.remember(state)
    return durations


async def run_explain(
    ids: Sequence[str],
    journal: Path | None,
    pacing: Pacing,
    *,
    wants_json: bool,
    base_url: str | None,
) -> Exit:
    """Ask, compare, and print.

    Raises:
        UsageError: The ids, the journal, the environment or the streams can't be used.
        LegnextError: The API refused, or there was no answer.
        OutputError: It can't be written.
    """
    need_key()
    stdout = need_stdout()
    if not ids:
        raise UsageError("nothing to explain: name a job id")
    asked = [check_item(item, "JOB_ID") for item in ids]
    try:
        durations = _durations(journal)
        histories = [[] if journal is None else read_history(journal, item) for item in asked]
    except JournalError as error:
        raise UsageError(str(error)) from None
    status = Exit.COMPLETED
    async with LegnextClient(base_url=base_url, pacing=pacing) as client:
        for job_id, history in zip(asked, histories, strict=True):
            try:
                job = await client.get_job(job_id)
            except NotFoundError as error:
                complain(f"{job_id}: {error}")
                status = Exit.INCOMPLETE
                continue
            what = explained(job, time.time(), durations, pacing, history)
            text = dumps(as_data(what)) if wants_json else "\n".join(lines(what))
            await write_all(stdout.fileno(), f"{text}\n".encode())
    return status
