"""Putting a report on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from legnext_stream._report import ReportError, check_report, write_report, writing
from tests.legnext_stream.report.support import a_batch


def test_a_report_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    """Whole, as readable as any file, and with nothing left beside it."""
    path = tmp_path / "report.html"
    path.write_text("old")
    check_report(path)
    write_report(path, a_batch(3))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "any").touch()
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_disk_that_fails_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is told, and no half of a report is left."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ReportError, match="No space left on device"):
        write_report(path, a_batch(1))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_where_no_report_can_be_is_found_out_before(tmp_path: Path) -> None:
    """A folder that isn't there, or the report's name is one."""
    with pytest.raises(ReportError, match="there is no folder"):
        check_report(tmp_path / "none" / "report.html")
    with pytest.raises(ReportError, match="no file can be written there"):
        check_report(tmp_path)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the extra that brings it."""
    monkeypatch.setattr(writing, "_NEEDED", ("jinja2", "no_such_package"))
    with pytest.raises(ReportError, match=r"needs no_such_package: .*legnext-stream\[report\]"):
        check_report(tmp_path / "report.html")


def test_gathering_needs_none_of_it() -> None:
    """A watch without a report, or before its end, loads nothing that draws."""
    code = (
        "import sys; from legnext_stream._report import Collector;"
        "print({'matplotlib', 'jinja2'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
