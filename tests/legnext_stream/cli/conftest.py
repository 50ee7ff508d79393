"""The servers that the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import MockServer, mock_server


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in a folder of its own, where `generate` keeps its journals."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def fast_mock() -> Iterator[MockServer]:
    """A server with twelve jobs that all end within a second or two; some fail."""
    with mock_server("--jobs=12", "--seed=1", "--time-scale=100", "--failure-share=0.3") as mock:
        yield mock


@pytest.fixture(scope="session")
def good_mock() -> Iterator[MockServer]:
    """A server with three jobs that all complete within a second or two."""
    with mock_server("--jobs=3", "--time-scale=100") as mock:
        yield mock


@pytest.fixture(scope="session")
def slow_mock() -> Iterator[MockServer]:
    """A server with three jobs that don't end while the tests run."""
    with mock_server("--jobs=3", "--time-scale=0.01") as mock:
        yield mock


@pytest.fixture
def empty_slow_mock() -> Iterator[MockServer]:
    """A server without jobs, on which submitted jobs don't end while the test runs."""
    with mock_server("--time-scale=0.01") as mock:
        yield mock


@pytest.fixture(scope="session")
def empty_mock() -> Iterator[MockServer]:
    """A server without jobs, on which submitted jobs end within a second or two."""
    with mock_server("--time-scale=100") as mock:
        yield mock
