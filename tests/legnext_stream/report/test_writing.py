"""Writing a report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from legnext_stream import ConfigurationError
from legnext_stream._report import ReportError, check_report, write_report, writing
from tests.legnext_stream.report.support import a_batch


def test_a_report_replaces_an_older_one(tmp_path: Path) -> None:
    """The file is complete, has the usual permissions, and nothing else is left."""
    path = tmp_path / "report.html"
    path.write_text("old")
    check_report(path)
    write_report(path, a_batch(3))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "any").touch()
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_path_that_is_not_in_utf_8(tmp_path: Path) -> None:
    """A title with such a path doesn't stop the report."""
    path = tmp_path / "report.html"
    write_report(path, attrs.evolve(a_batch(1), title="caf\udce9 and others"))
    assert "caf? and others" in path.read_text(encoding="utf-8")


def test_a_disk_that_fails_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the reason, and no partial file is left."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ReportError, match="No space left on device"):
        write_report(path, a_batch(1))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_impossible_path_is_refused_before(tmp_path: Path) -> None:
    """A missing folder is an error, and so is a folder or a pipe in the file's place."""
    with pytest.raises(ConfigurationError, match="there is no folder"):
        check_report(tmp_path / "none" / "report.html")
    with pytest.raises(ConfigurationError, match="it is a folder"):
        check_report(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="it is not a file"):
        check_report(tmp_path / "pipe")
    (tmp_path / "pipe").unlink()
    with pytest.raises(ConfigurationError, match="File name too long"):
        check_report(tmp_path / ("x" * 250))
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the extra to install."""
    monkeypatch.setattr(writing, "_NEEDED", ("jinja2", "no_such_package"))
    with pytest.raises(
        ConfigurationError, match=r"needs no_such_package: .*legnext-stream\[report\]"
    ):
        check_report(tmp_path / "report.html")


def test_gathering_needs_none_of_it() -> None:
    """Gathering doesn't import the drawing libraries."""
    code = (
        "import sys; from legnext_stream._report import Collector;"
        "print({'matplotlib', 'jinja2'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
