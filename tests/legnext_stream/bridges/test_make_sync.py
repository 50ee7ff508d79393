"""`legnext_stream.sync` is generated from `legnext_stream.aio`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]


def _check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, _ROOT / ".ci" / "make_sync.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of both packages."""
    for name in ("aio", "sync"):
        shutil.copytree(_ROOT / "legnext_stream" / name, tmp_path / name)
    return tmp_path


def test_sync_is_what_aio_says() -> None:
    """What is checked in is what the script writes."""
    check = _check("--check")
    assert (check.returncode, check.stderr) == (0, "")


def test_stale_modules_are_found_and_written(package: Path) -> None:
    """A change of one module, or its deletion, fails the check until the script has run."""
    source = package / "aio" / "_functions.py"
    source.write_text(f"{source.read_text()}\n\nasync def added() -> None:\n    await wait('a')\n")
    (package / "sync" / "_old.py").touch()
    check = _check("--check", package)
    assert check.returncode == 1
    assert "_functions.py, _old.py;" in check.stderr
    assert _check(package).returncode == 0
    text = (package / "sync" / "_functions.py").read_text()
    assert text.endswith('\n\ndef added() -> None:\n    wait("a")\n')
    assert not (package / "sync" / "_old.py").exists()


def test_words_that_are_not_used_are_found(package: Path) -> None:
    """The tables list only words that are there."""
    source = package / "aio" / "_streams.py"
    source.write_text(source.read_text().replace("Another task", "Some task"))
    assert "Another" in _check(package).stderr
