"""The servers that the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import MockServer, mock_server


@pytest.fixture(scope="session")
def fast_mock() -> Iterator[MockServer]:
    """A server whose twelve jobs, some of which fail, all end within a second or two."""
    with mock_server("--jobs=12", "--seed=1", "--time-scale=100", "--failure-share=0.3") as mock:
        yield mock


@pytest.fixture(scope="session")
def good_mock() -> Iterator[MockServer]:
    """A server whose three jobs all complete within a second or two."""
    with mock_server("--jobs=3", "--time-scale=100") as mock:
        yield mock


@pytest.fixture(scope="session")
def slow_mock() -> Iterator[MockServer]:
    """A server whose three jobs don't end while tests run, however long those take."""
    with mock_server("--jobs=3", "--time-scale=0.01") as mock:
        yield mock


@pytest.fixture
def empty_slow_mock() -> Iterator[MockServer]:
    """A server without jobs, on which those that are submitted don't end while the test runs."""
    with mock_server("--time-scale=0.01") as mock:
        yield mock


@pytest.fixture(scope="session")
def empty_mock() -> Iterator[MockServer]:
    """A server without jobs, on which those that are submitted end within a second or two."""
    with mock_server("--time-scale=100") as mock:
        yield mock
