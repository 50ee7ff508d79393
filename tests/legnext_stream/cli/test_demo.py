"""`legnext-stream demo`."""

from __future__ import annotations

import pytest

from legnext_stream import Pacing
from legnext_stream._cli import simulation
from legnext_stream._cli.app import run
from legnext_stream._cli.commands.demo import pacing_for
from tests.legnext_stream.cli.support import environment, run_command


def test_the_demo_without_a_terminal() -> None:
    """Without a key, it prints progress and a summary, and returns 0."""
    env = environment(LEGNEXT_API_KEY="")
    result = run_command("demo", "--jobs=8", "--time-scale=200", env=env)
    assert result.status == 0, result.err
    assert result.out.startswith("[0:00] 0 of 8 ended")
    assert result.err.startswith("8 of 8 jobs ended in ")


def test_the_mock_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message says how to install it."""
    monkeypatch.setattr(simulation, "entry_points", lambda *, group: [])  # noqa: ARG005
    assert run(["demo"]) == 2
    assert "pip install 'legnext-stream[demo]'" in capfd.readouterr().err


def test_the_pacing_is_scaled_with_time() -> None:
    """Intervals are divided by the time scale; rates grow, up to a bound."""
    assert pacing_for(1.0) == Pacing()
    fast = pacing_for(1000.0)
    assert fast.min_interval == pytest.approx(0.001)
    assert fast.max_rate == fast.initial_rate == 100.0
