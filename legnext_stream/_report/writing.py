"""Writing a report to a file: completely, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from legnext_stream._report.collecting import Collected
from legnext_stream._report.tables import Table
from legnext_stream.errors import ConfigurationError, LegnextError

_NEEDED = ("jinja2", "matplotlib")


class ReportError(LegnextError):
    """A report can't be written; the message says why, and what to do about it."""


def check_report(path: Path) -> None:
    """Check that a report can be written to a file, before the batch begins.

    Raises:
        ConfigurationError: A package it needs isn't installed, or the file can't be written.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"a report needs {' and '.join(missing)}: pip install 'legnext-stream[report]'"
        )
    folder = path.absolute().parent
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir() raises if it may not look
        raise ConfigurationError(f"can't write the report {path}: there is no folder {folder}")
    if os.path.isdir(path):  # noqa: PTH112 - as above
        raise ConfigurationError(f"can't write the report {path}: it is a folder")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as above
        # A report replaces what has its name: it must not replace a device.
        raise ConfigurationError(f"can't write the report {path}: it is not a file")
    new = _beside(path)
    try:
        # Only trying it tells: permissions are not all that can forbid it.
        new.touch()
        new.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"can't write the report {path}: {reason}") from None


def _beside(path: Path) -> Path:
    """The file that becomes a report when it is complete."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def write_report(path: Path, collected: Collected, tables: tuple[Table, ...] = ()) -> None:
    """Write a report, with further tables above the charts, replacing the file if it exists.

    Raises:
        ReportError: It can't be written. An old file is kept then.
    """
    # Only those who want a report wait for the import of matplotlib.
    from legnext_stream._report.page import page  # noqa: PLC0415 - see above

    text = page(collected, tables)
    new = _beside(path)
    try:
        # A path in it may not be in UTF-8.
        new.write_text(text, encoding="utf-8", errors="replace")
        # A reader sees the old report or the new one. The standard library has nothing for this, and
        # the package atomicwrites is no longer maintained.
        new.replace(path)
    except OSError as error:
        raise ReportError(f"can't write the report {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
