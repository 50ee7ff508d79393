"""Every Python block of the README and of the documentation runs unmodified."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from legnext._internal.http_client import BaseHTTPClient
from trio.testing import MockClock

from legnext_stream import _accounts, _client
from legnext_stream._engine.account import Account
from mockserver import MockLegnext
from tests.docs.blocks import Block, all_blocks
from tests.servers import mock_server

# Examples that run in real time and over sockets: other event loops, threads, and other clients.
_IN_REAL_TIME = re.compile(
    r"asyncio|legnext_stream(\.| import )(sync|aio)|^from legnext import", re.MULTILINE
)


def _on(mock: MockLegnext, open_account: Callable[..., Account]) -> Callable[..., Account]:
    """Wrap `open_account` so that it uses the mock unless the example passes a transport."""

    def opened(
        api_key: str | None, base_url: str | None, transport: object = None, **settings: object
    ) -> Account:
        return open_account(api_key, base_url, transport or mock.transport(), **settings)

    return opened


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_example_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example runs without an error, against the mock and in its time."""
    monkeypatch.chdir(tmp_path)  # An example may write a file.
    monkeypatch.setenv("LEGNEXT_API_KEY", "test")
    if "def test_" in block.text:
        _run_by_pytest(block.text, tmp_path)
    elif _IN_REAL_TIME.search(block.text):
        # So fast that the jobs have ended when they are first polled.
        with mock_server("--jobs", "6", "--time-scale", "100000") as server:
            monkeypatch.setenv("LEGNEXT_BASE_URL", server.url)
            monkeypatch.setattr(BaseHTTPClient, "DEFAULT_BASE_URL", f"{server.url}/api")
            _run(block.text, list(server.truth()))
    else:
        mock = MockLegnext(seed=3)
        opened = _on(mock, _accounts.open_account)
        monkeypatch.setattr(_client, "open_account", opened)
        virtual = partial(trio.run, clock=MockClock(autojump_threshold=0))
        monkeypatch.setattr(trio, "run", virtual)
        _run(block.text, mock.add_jobs(6))


def _run(example: str, job_ids: list[str]) -> None:
    # Run the block as a program.
    exec(compile(example, "example", "exec"), {"job_ids": job_ids})  # noqa: S102


def _run_by_pytest(example: str, folder: Path) -> None:
    file = folder / "test_example.py"
    file.write_text(example)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "trio_mode=true", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert run.returncode == 0, run.stdout + run.stderr
