"""Putting a report on disk: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from legnext_stream._report.collecting import Collected
from legnext_stream._report.tables import Table
from legnext_stream.errors import LegnextError

_NEEDED = ("jinja2", "matplotlib")


class ReportError(LegnextError):
    """A report can't be written; the message says why, and what to do about it."""


def check_report(path: Path) -> None:
    """See that a report can be written to a file, before there is anything to report.

    Raises:
        ReportError: A package that it takes isn't installed, or there can't be such a file.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ReportError(
            f"a report needs {' and '.join(missing)}: pip install 'legnext-stream[report]'"
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ReportError(f"can't write the report {path}: there is no folder {folder}")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise ReportError(f"can't write the report {path}: no file can be written there")


def write_report(path: Path, collected: Collected, tables: tuple[Table, ...] = ()) -> None:
    """Write a report, in place of what the file held.

    The file is put in its place at once: who reads it finds the old report or the new one.

    Args:
        path: The file.
        collected: What to report.
        tables: More tables for the page, above the charts.

    Raises:
        ReportError: It can't be written.
    """
    # Only who wants a report waits for the libraries that draw it.
    from legnext_stream._report.page import page  # noqa: PLC0415 - see above

    text = page(collected, tables)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            made.write_text(text, encoding="utf-8")
            made.replace(path)
        except BaseException:
            with suppress(OSError):
                made.unlink()
            raise
    except OSError as error:
        raise ReportError(f"can't write the report {path}: {error.strerror or error}") from error
