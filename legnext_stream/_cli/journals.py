"""Which journal a command keeps, and what it says of one that exists."""

from __future__ import annotations

import hashlib
import itertools
import os
from datetime import datetime
from pathlib import Path

from legnext_stream._accounts import DEFAULT_BASE_URL
from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.inputs import from_journal
from legnext_stream._cli.typed import is_read_once
from legnext_stream._cli.words import STATUS_ORDER, counted, status_words
from legnext_stream._http import parse_base_url
from legnext_stream._journal.contents import Standing, has_begun, read_standing

# The most characters of a file's name that are part of its journal's.
_LONGEST_STEM = 50


def find_journal(path: Path | None) -> Standing | None:
    """What a journal says of its batch; None without a journal, or with one yet to be begun."""
    if path is None:
        return None
    if os.path.lexists(path):
        has_content = from_journal(has_begun, path)
        return from_journal(read_standing, path) if has_content else None
    folder = path.absolute().parent
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir() raises if it may not look
        raise UsageError(f"can't begin the journal {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"can't begin the journal {path}: no file can be written there")
    return None


def default_journal(source: str, base_url: str | None) -> Path:
    """The journal of a batch for which none was named. It is in the current folder.

    The same file of prompts at the same API has the same journal, so that the same command line
    resumes. Prompts from standard input, or another pipe, have a new one each time.

    Raises:
        UsageError: Nothing can be written in the current folder.
    """
    if not os.access(Path.cwd(), os.W_OK):
        raise UsageError(
            f"can't keep a journal in {Path.cwd()}: name one elsewhere with --journal, or use"
            " --no-journal"
        )
    path = Path(source)
    if not is_read_once(source):
        url = parse_base_url(base_url or DEFAULT_BASE_URL)
        digest = hashlib.sha256(os.fsencode(path.resolve()) + b"\n" + url.encode()).hexdigest()
        return Path(f"{path.stem[:_LONGEST_STEM]}-{digest[:6]}.journal")
    begun = f"{datetime.now().astimezone():generate-%Y%m%d-%H%M%S}"
    names = (Path(f"{begun}{suffix}.journal") for suffix in _suffixes())
    return next(name for name in names if not name.exists())


def _suffixes() -> itertools.chain[str]:
    return itertools.chain([""], (f"-{number}" for number in itertools.count(2)))


def announcement(path: Path, known: Standing | None) -> str:
    """What is said of the journal of `generate` when a run begins."""
    if known is None:
        return f"Journal: {path}. If this run is interrupted, it can be resumed."
    ended, left = known.ends.total(), len(known.unfinished) + known.to_submit
    if not left:
        return f"Journal: {path}."
    return f"Journal: {path}. Resuming: {ended:,} of {counted(ended + left, 'job')} had ended."


def all_ended(path: Path | None, known: Standing) -> str:
    """What is said of a batch of which nothing is left to do."""
    ends = known.ends
    said = [f"{ends[each]:,} {status_words(each)}" for each in STATUS_ORDER if ends[each]]
    return (
        f"Nothing is left to do: the batch of the journal {path} has ended"
        f" ({', '.join(said) or 'it had no jobs'}). For a new batch, name another --journal."
    )
