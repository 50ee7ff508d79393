"""The mock server as a process, for tests of programs that use it over sockets."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from tests.patience import PATIENCE


@attrs.frozen
class MockServer:
    """A mock server that is running in a process of its own.

    Attributes:
        url: Where it listens.
    """

    url: str

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return the answer of a route below `/__admin/`."""
        with urllib.request.urlopen(f"{self.url}/__admin/{path}") as answer:  # noqa: S310 - our own
            return json.load(answer)

    def truth(self) -> dict[str, list[tuple[float, str]]]:
        """Return the true changes of each job."""
        truth: dict[str, list[tuple[float, str]]] = self.get("truth")
        return truth


@contextmanager
def mock_server(*options: str) -> Iterator[MockServer]:
    """Run `legnext-mock` with these options while the context is open, and check that it exits cleanly."""
    command = [sys.executable, "-m", "mockserver", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the mock server has not started"
            yield MockServer(url)
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
