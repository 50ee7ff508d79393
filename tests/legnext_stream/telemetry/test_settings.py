"""How telemetry is turned on, and that it is nowhere until then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from legnext_stream import ConfigurationError, LegnextClient, Telemetry
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY, URL


async def test_with_the_global_providers() -> None:
    """Which record nothing as long as no SDK is set up."""
    mock = MockLegnext(seed=1)
    async with LegnextClient(KEY, URL, mock.transport(), telemetry=True) as client:
        events = [event async for event in client.watch(mock.add_jobs(3))]
    assert sum(event.status.is_terminal for event in events) == 3


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    for name in list(sys.modules):
        if name.startswith(("opentelemetry", "legnext_stream._telemetry")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"legnext-stream\[telemetry\]"):
        LegnextClient(KEY, URL, telemetry=True)


def test_nothing_is_imported_until_it_is_wanted() -> None:
    """Neither by the library nor by a client without it."""
    code = (
        "import sys; from legnext_stream import LegnextClient; LegnextClient('key');"
        "print([name for name in sys.modules if 'opentelemetry' in name or 'telemetry' in name])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_negative_number_of_spans() -> None:
    """Is refused."""
    with pytest.raises(ValueError, match="job_spans"):
        Telemetry(job_spans=-1)
