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


def _is_a_test(block: Block) -> bool:
    return "def test_" in block.text


def _is_in_real_time(block: Block) -> bool:
    return not _is_a_test(block) and bool(_IN_REAL_TIME.search(block.text))


_BLOCKS = all_blocks("python")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which an example may write a file, and a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEGNEXT_API_KEY", "test")


@pytest.mark.parametrize(
    "block",
    [block for block in _BLOCKS if not _is_a_test(block) and not _is_in_real_time(block)],
    ids=str,
)
def test_example_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example runs without an error, against the mock and in its time."""
    mock = MockLegnext(seed=3)
    monkeypatch.setattr(_client, "open_account", _on(mock, _accounts.open_account))
    virtual = partial(trio.run, clock=MockClock(autojump_threshold=0))
    monkeypatch.setattr(trio, "run", virtual)
    _run(block.text, mock.add_jobs(6))


@pytest.mark.documented
@pytest.mark.parametrize("block", [block for block in _BLOCKS if _is_in_real_time(block)], ids=str)
def test_example_runs_in_real_time(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example with an event loop, threads or a client of its own runs against a mock server."""
    # So fast that the jobs have ended when they are first polled.
    with mock_server("--jobs", "6", "--time-scale", "100000") as server:
        monkeypatch.setenv("LEGNEXT_BASE_URL", server.url)
        monkeypatch.setattr(BaseHTTPClient, "DEFAULT_BASE_URL", f"{server.url}/api")
        _run(block.text, list(server.truth()))


@pytest.mark.documented
def test_examples_that_are_tests_pass(tmp_path: Path) -> None:
    """They pass under pytest in a process of its own, with the plugin as it is installed."""
    for block in filter(_is_a_test, _BLOCKS):
        name = re.sub(r"\W", "_", str(block))
        (tmp_path / f"test_{name}.py").write_text(block.text)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "trio_mode=true", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def _run(example: str, job_ids: list[str]) -> None:
    # Run the block as a program.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["example", *job_ids])
        exec(compile(example, "example", "exec"), {"job_ids": job_ids})  # noqa: S102
