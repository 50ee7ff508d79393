"""`legnext-stream simulate`."""

from __future__ import annotations

import io
import json
import signal
import sqlite3
import sys
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from legnext_stream import LegnextClient
from legnext_stream._cli import simulation
from legnext_stream._cli.app import run
from legnext_stream._cli.commands import simulate
from mockserver import MockLegnext
from tests.legnext_stream.cli.support import ended, started


def _simulated(
    capfd: pytest.CaptureFixture[str], *arguments: str, status: int = 0
) -> dict[str, Any]:
    """The result of a simulation as JSON."""
    assert run(["simulate", "--json", *arguments]) == status
    said: dict[str, Any] = json.loads(capfd.readouterr().out)
    return said


def test_what_a_batch_takes_and_costs(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It prints means and spreads and writes a report; the same seeds give the same figures."""
    report = tmp_path / "report.html"
    arguments = ["simulate", "--jobs=8", "--seeds=2", "--preset=fast"]
    assert run([*arguments, f"--report={report}"]) == 0
    out, err = capfd.readouterr()
    assert "8 jobs, 2 times, seeds 0 to 1" in out
    for words in ("mean", "time to the end", "requests a job", "detection delay, mean", "points"):
        assert words in out
    assert "simulation 2 of 2: 8 jobs ended after" in err
    assert "All simulations" in report.read_text(encoding="utf-8")
    assert run(arguments) == 0
    assert capfd.readouterr().out == out


def test_settings_matter(capfd: pytest.CaptureFixture[str]) -> None:
    """Fewer slots take longer, a rate limit refuses requests, a higher price sends fewer."""
    usual = _simulated(capfd, "--jobs=16", "--seeds=1", "--preset=fast")
    slow = _simulated(capfd, "--jobs=16", "--seeds=1", "--preset=fast", "--slots=reject@2")
    assert slow["took"]["mean"] > 2 * usual["took"]["mean"]
    assert slow["refused"]["mean"] > 0
    limited = _simulated(capfd, "--jobs=16", "--seeds=1", "--preset=fast", "--rate=1", "--burst=1")
    assert limited["refused"]["mean"] > 0
    eager = _simulated(capfd, "--jobs=16", "--seeds=1", "--poll-cost=0.05")
    sparing = _simulated(capfd, "--jobs=16", "--seeds=1", "--poll-cost=2")
    assert sparing["requests"]["mean"] < eager["requests"]["mean"]
    assert sparing["delay_mean"]["mean"] > eager["delay_mean"]["mean"]
    assert usual["jobs"] == usual["completed"]["mean"] == 16
    assert usual["spent"]["mean"] == 16 * 80


def test_a_file_of_prompts(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each prompt is a job; with one seed no spread is shown."""
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"text": "a fox"}\n{"text": "a tale", "task_type": "shorten"}\n')
    assert run(["simulate", str(path), "--seeds=1", "--preset=fast"]) == 0
    out = capfd.readouterr().out
    assert f"simulation of {path}: 2 jobs, seed 0" in out
    assert "least" not in out


def _kept(journal: Path, jobs: int) -> None:
    """Write the journal of a batch of slow jobs of two types; some failed, one is unfinished."""
    mock = MockLegnext(seed=2, slots=None, run_times="relax", failure_share=0.2)
    ids = [*mock.add_jobs(jobs - 1, "upscale"), *mock.add_jobs(1)]

    async def watch() -> None:
        async with (
            LegnextClient("key", transport=mock.transport()) as client,
            client.watch(ids, journal=journal, timeout=None) as events,
        ):
            seen = 0
            async for event in events:
                seen += event.status.is_terminal
                if seen == jobs - 1:
                    break

    trio.run(watch, clock=MockClock(autojump_threshold=0))


def test_the_jobs_of_a_journal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The simulation has their task types, learned run times and share of failures."""
    journal = tmp_path / "batch.db"
    _kept(journal, 16)
    said = _simulated(capfd, f"--journal={journal}", "--slots=unlimited", "--seeds=1")
    assert said["jobs"] == 16
    assert 0 < said["account"]["failure_share"] < 0.5
    # In slow mode an upscale takes half as long again as published: 90 to 120 s.
    assert said["took"]["mean"] > 140


@pytest.mark.parametrize("state", ['{"diffusion": {"format": 99}}', '{"diffusion": 7}', "[]", None])
def test_a_journal_that_has_learned_nothing_of_use(
    state: str | None, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The run times of the preset are used then."""
    journal = tmp_path / "batch.db"
    _kept(journal, 2)
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("DELETE FROM learned")
        connection.execute("DELETE FROM events")
        if state is not None:
            connection.execute("INSERT INTO learned VALUES ('durations', ?)", (state,))
    said = _simulated(capfd, f"--journal={journal}", "--preset=fast", "--seeds=1")
    assert said["took"]["mean"] < 20


def test_a_scenario_file(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A scenario file in TOML or JSON overrides the options."""
    toml, plain = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text("failure_share = 1.0\n")
    plain.write_text('{"failure_share": 1.0}')
    for path in (toml, plain):
        said = _simulated(capfd, "--jobs=3", "--seeds=1", "--preset=fast", f"--scenario={path}")
        assert said["completed"]["mean"] == 0


def test_without_ended_jobs_there_is_no_delay(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """If all submits are refused, figures without a value are left out."""
    path = tmp_path / "a.toml"
    path.write_text('api_keys = ["another"]\n')
    assert run(["simulate", "--jobs=3", "--seeds=1", f"--scenario={path}"]) == 2
    path.write_text("[account]\npoints = 0\ncredits = 0\nlimited = true\n")
    capfd.readouterr()
    said = _simulated(capfd, "--jobs=3", "--seeds=1", f"--scenario={path}")
    assert said["delay_mean"] == {"mean": None, "values": []}
    assert said["requests_a_job"]["mean"] == 0
    assert run(["simulate", "--jobs=3", "--seeds=1", f"--scenario={path}"]) == 0
    assert "detection delay" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one thing to simulate"),
        (["prompts.txt", "--jobs=3"], "name one thing to simulate"),
        (["missing.txt"], "can't read missing.txt"),
        (["--journal=none.db"], "there is no journal"),
        (["empty.txt"], "empty.txt has no prompts"),
        (["more.jsonl"], "prompt 1 builds on another job"),
        (["--jobs=3", "--slots=many"], "the simulated account: "),
        (["--jobs=3", "--preset=slow"], "--preset"),
        (["--jobs=3", "--scenario=none.toml"], "can't read none.toml: No such file"),
        (["--jobs=3", "--scenario=prompts.txt"], "can't read prompts.txt: "),
        (["--jobs=3", "--scenario=list.json"], "it must be an object of settings"),
        (["--jobs=3", "--report=none/r.html"], "there is no folder"),
    ],
)
def test_wrong_usage_is_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One message says what to change, and the status is 2."""
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("a fox\n")
    Path("empty.txt").touch()
    Path("more.jsonl").write_text('{"task_type": "reroll", "params": {"jobId": "job-1"}}')
    Path("list.json").write_text("[]")
    assert run(["simulate", *arguments]) == 2
    out, err = capfd.readouterr()
    assert not out
    assert message in err


def test_without_the_mock_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """There are no entry points, or one can't be loaded."""
    for doors in ([], [EntryPoint("mock", "no_such_package:it", "group")]):
        monkeypatch.setattr(simulation, "entry_points", lambda *, group, doors=doors: doors)  # noqa: ARG005
        assert run(["simulate", "--jobs=1"]) == 2
        assert "pip install 'legnext-stream[demo]'" in capfd.readouterr().err


_ERASE, _SHOW_CURSOR = "\x1b[2K", "\x1b[?25h"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is redrawn, and removed at the end."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert run(["simulate", "--jobs=2", "--seeds=1", "--preset=fast"]) == 0
    written = terminal.getvalue()
    assert "simulation 1 of 1" in written
    assert "of 2 jobs ended after" in written
    assert not written.rpartition(_ERASE)[2].replace(_SHOW_CURSOR, "").strip()


def test_ctrl_c_ends_it() -> None:
    """The status is 130, and no partial result is printed."""
    with started("simulate", "--jobs=200", "--seeds=50", "--preset=fast") as process:
        assert process.stderr is not None
        assert "simulation 1 of 50" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.status == 130
    assert not result.out


def test_a_closed_output_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A closed standard output is an error."""
    monkeypatch.setattr(sys, "stdout", None)
    assert run(["simulate", "--jobs=1"]) == 2
    assert "it is closed" in capfd.readouterr().err


def test_a_signal_between_two_simulations(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends the command as well."""
    simulate_batch = simulation.simulate_batch

    def interrupted(*arguments: Any, **options: Any) -> simulation.Outcome | int:  # noqa: ANN401 - its own
        outcome = simulate_batch(*arguments, **options)
        signal.raise_signal(signal.SIGINT)
        return outcome

    monkeypatch.setattr(simulate, "simulate_batch", interrupted)
    assert run(["simulate", "--jobs=2", "--preset=fast"]) == 130
    assert not capfd.readouterr().out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
