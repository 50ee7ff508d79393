"""`legnext-stream status`: the progress of a batch, from its journal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit
from legnext_stream._cli.inputs import from_journal
from legnext_stream._cli.options import Flag
from legnext_stream._cli.running import need_stdout
from legnext_stream._cli.words import (
    STATUS_ORDER,
    ago,
    counted,
    iso_time,
    printable,
    status_words,
)
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.contents import Standing, read_standing


async def status(
    journal: Annotated[Path, Parameter(name="JOURNAL")], /, *, json: Flag = False
) -> Exit:
    """Print how far a batch has come, from its journal.

    The batch may be running meanwhile. The exit status is 0 if every job has completed and every
    prompt has a job, and 1 if not, or not yet.

    Args:
        journal: The file that `watch --journal` or `generate --journal` writes.
        json: Write one line of JSON.
    """
    stdout = need_stdout()
    standing = from_journal(read_standing, journal)
    text = dumps(as_data(standing)) if json else "\n".join(lines(standing, time.time()))
    await write_all(stdout.fileno(), f"{text}\n".encode())
    return Exit.COMPLETED if standing.is_good else Exit.INCOMPLETE


def _counts(standing: Standing) -> Counter[JobStatus | None]:
    jobs = Counter([*standing.ended.values(), *standing.unfinished.values()])
    return jobs + Counter(standing.without_job)


def lines(standing: Standing, now: float) -> Iterator[str]:
    """The batch in words; `now` in seconds since 1970."""
    ended, total = len(standing.ended), len(standing.ended) + len(standing.unfinished)
    counts = _counts(standing)
    yield f"{ended:,} of {counted(total, 'job')} ended, at {printable(standing.base_url)}"
    rows = [(counts[each], status_words(each)) for each in STATUS_ORDER]
    prompts = "prompt" if standing.to_submit == 1 else "prompts"
    rows += [(counts[None], "not seen yet"), (standing.to_submit, f"{prompts} to be submitted")]
    for count, words in rows:
        if count:
            yield f"  {count:>9,}  {words}"
    if standing.owed:
        were, them = ("was", "it") if standing.owed == 1 else ("were", "them")
        yield f"{standing.owed:,} more {were} seen to end; the next run reports {them}."
    begun = f"Begun {ago(standing.begun_at, now)}"
    if standing.acknowledged_at is None:
        yield f"{begun}; no event has been acknowledged yet."
    else:
        last = ago(standing.acknowledged_at, now)
        were = "was" if standing.events == 1 else "were"
        yield f"{begun}; {counted(standing.events, 'event')} {were} acknowledged, the last {last}."


def as_data(standing: Standing) -> dict[str, object]:
    """The batch as data for JSON."""
    last = standing.acknowledged_at
    return {
        "base_url": standing.base_url,
        "jobs": len(standing.ended) + len(standing.unfinished),
        "ended": len(standing.ended),
        "by_status": {
            "not told" if each is None else each.value: count
            for each, count in _counts(standing).items()
        },
        "to_submit": standing.to_submit,
        "owed": standing.owed,
        "events": standing.events,
        "begun_at": iso_time(standing.begun_at),
        "acknowledged_at": None if last is None else iso_time(last),
    }
