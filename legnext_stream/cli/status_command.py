"""`legnext-stream status`: where a batch stands, by its journal."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from legnext_stream.cli.exits import Exit, UsageError, printable
from legnext_stream.cli.wording import STATUS_ORDER, clock_words, status_words
from legnext_stream.core.jobs import JobStatus
from legnext_stream.errors import JournalError
from legnext_stream.journal.standing import Standing, read_standing


def status(path: Path, *, wants_json: bool) -> Exit:
    """Print where a batch stands.

    Raises:
        UsageError: There is no such journal, or it can't be read; or there is nowhere to print to.
    """
    if sys.stdout is None:
        raise UsageError("can't write standard output: it is closed")
    try:
        standing = read_standing(path)
    except JournalError as error:
        raise UsageError(str(error)) from None
    text = as_json(standing) if wants_json else "\n".join(lines(standing, time.time()))
    print(text, flush=True)  # noqa: T201 - a command's own voice
    all_completed = set(standing.ended.values()) <= {JobStatus.COMPLETED}
    return Exit.INCOMPLETE if standing.unfinished or not all_completed else Exit.COMPLETED


def _counts(standing: Standing) -> Counter[JobStatus | None]:
    return Counter([*standing.ended.values(), *standing.unfinished.values()])


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
    return json.dumps(
        {
            "base_url": standing.base_url,
            "jobs": sum(counts.values()),
            "ended": len(standing.ended),
            "by_status": {
                "not told" if each is None else each.value: count for each, count in counts.items()
            },
            "owed": standing.owed,
            "events": standing.events,
            "begun_at": _iso(standing.begun_at),
            "acknowledged_at": None if last is None else _iso(last),
        }
    )


def _iso(seconds: float) -> str:
    time_ = datetime.fromtimestamp(seconds, UTC)
    return time_.isoformat(timespec="milliseconds").replace("+00:00", "Z")
