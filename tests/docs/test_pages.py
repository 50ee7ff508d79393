"""Every Python block of the README and of the documentation runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

import legnext_stream.client
import legnext_stream.entry
from legnext_stream.account import Account
from mockserver import MockLegnext

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks() -> Iterator[object]:
    for page in _PAGES:
        for number, match in enumerate(_BLOCK.finditer(page.read_text()), 1):
            yield pytest.param(match[1], id=f"{page.relative_to(_ROOT)}-{number}")


def _on(mock: MockLegnext, open_account: Callable[..., Account]) -> Callable[..., Account]:
    """Open accounts on the mock where the example names no transport of its own."""

    def opened(
        api_key: str | None, base_url: str | None, transport: object = None, **settings: object
    ) -> Account:
        return open_account(api_key, base_url, transport or mock.transport(), **settings)

    return opened


@pytest.mark.parametrize("block", list(_blocks()))
def test_example_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example runs to its end without an error, with the mock for the API and its clock."""
    if "def test_" in block:
        file = tmp_path / "test_example.py"
        file.write_text(block)
        command = [sys.executable, "-m", "pytest", "-q", "-o", "trio_mode=true", str(file)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert run.returncode == 0, run.stdout + run.stderr
        return
    monkeypatch.chdir(tmp_path)  # An example may write a file.
    mock = MockLegnext(seed=3)
    for module in (legnext_stream.client, legnext_stream.entry):
        monkeypatch.setattr(module, "open_account", _on(mock, module.open_account))
    monkeypatch.setenv("LEGNEXT_API_KEY", "test")
    monkeypatch.setattr(trio, "run", partial(trio.run, clock=MockClock(autojump_threshold=0)))
    # Compiled and run as a program is; the page is the source.
    exec(compile(block, "example", "exec"), {"job_ids": mock.add_jobs(6)})  # noqa: S102
