"""`legnext-stream status`: where a batch stands, by its journal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from legnext_stream._cli.exits import Exit, UsageError, complain, printable
from legnext_stream._cli.options import Json
from legnext_stream._cli.running import need_stdout
from legnext_stream._cli.wording import STATUS_ORDER, clock_words, status_words
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.standing import Standing, read_standing
from legnext_stream.errors import JournalError


def status(
    journal: Annotated[Path, Parameter(name="JOURNAL")],
    /,
    *,
    json: Json = False,
) -> int:
    """Say where a batch stands, by the journal of its watch.

    The watch may be running meanwhile. The exit status is 0 if every job has completed and
    every prompt has a job, and 1 if some has not, or not yet.

    Args:
        journal: The file that `watch --journal` or `generate --journal` keeps.
        json: Write one line of JSON.
    """
    try:
        return print_status(journal, wants_json=json)
    except UsageError as error:
        complain(str(error))
        return Exit.USAGE


def print_status(path: Path, *, wants_json: bool) -> Exit:
    """Print where a batch stands.

    Raises:
        UsageError: There is no such journal, or it can't be read; or there is nowhere to print to.
    """
    need_stdout()
    try:
        standing = read_standing(path)
    except JournalError as error:
        raise UsageError(str(error)) from None
    text = as_json(standing) if wants_json else "\n".join(lines(standing, time.time()))
    print(text, flush=True)  # noqa: T201 - a command's own voice
    return Exit.COMPLETED if standing.is_good else Exit.INCOMPLETE


def _counts(standing: Standing) -> Counter[JobStatus | None]:
    jobs = Counter([*standing.ended.values(), *standing.unfinished.values()])
    return jobs + Counter(standing.without_job)


def lines(standing: Standing, now: float) -> Iterator[str]:
    """The standing in words; `now` in seconds since 1970."""
    ended, total = len(standing.ended), len(standing.ended) + len(standing.unfinished)
    counts = _counts(standing)
    yield f"{ended:,} of {total:,} jobs ended, at {printable(standing.base_url)}"
    for each in STATUS_ORDER:
        if counts[each]:
            yield f"  {counts[each]:>9,}  {status_words(each)}"
    if counts[None]:
        yield f"  {counts[None]:>9,}  nothing told yet"
    if standing.to_submit:
        yield f"  {standing.to_submit:>9,}  prompts to be submitted"
    if standing.owed:
        yield f"{standing.owed:,} more ends were seen, and will be told by the next watch."
    if standing.acknowledged_at is None:
        yield f"Begun {_ago(standing.begun_at, now)}; nothing has been acknowledged yet."
    else:
        yield (
            f"Begun {_ago(standing.begun_at, now)}; the last of {standing.events:,} events was"
            f" acknowledged {_ago(standing.acknowledged_at, now)}."
        )


def _ago(at: float, now: float) -> str:
    return f"{clock_words(max(now - at, 0.0))} ago"


def as_json(standing: Standing) -> str:
    """The standing as one line of JSON."""
    counts = _counts(standing)
    last = standing.acknowledged_at
    return dumps(
        {
            "base_url": standing.base_url,
            "jobs": len(standing.ended) + len(standing.unfinished),
            "ended": len(standing.ended),
            "by_status": {
                "not told" if each is None else each.value: count for each, count in counts.items()
            },
            "to_submit": standing.to_submit,
            "owed": standing.owed,
            "events": standing.events,
            "begun_at": _iso(standing.begun_at),
            "acknowledged_at": None if last is None else _iso(last),
        }
    )


def _iso(seconds: float) -> str:
    time_ = datetime.fromtimestamp(seconds, UTC)
    return time_.isoformat(timespec="milliseconds").replace("+00:00", "Z")
