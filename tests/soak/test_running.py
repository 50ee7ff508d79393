"""Tests of the long run itself: how growth is measured, what counts as a failure, and a short run."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mockserver import run_virtual
from tests.soak import __main__ as command
from tests.soak.running import ENOUGH_JOBS, MOST_A_JOB, MOST_WHEN_LEVEL, Plan, Report

ROOT = Path(__file__).parents[2]


def report(jobs: int, memory: Callable[[int], float], **changes: int) -> Report:
    """Return a report with forty samples of memory, as a function of the ended jobs."""
    samples = [(ended, int(memory(ended))) for ended in range(jobs // 40, jobs + 1, jobs // 40)]
    made = Report(jobs, samples=samples)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_the_slope_is_that_of_the_line() -> None:
    """Growth is measured in bytes per job, whatever the memory at the start."""
    assert report(8000, lambda ended: 5e7 + 30 * ended).slope == 30


def test_the_warm_up_does_not_count() -> None:
    """Memory that fills up in the first quarter of a run is not growth."""
    assert report(8000, lambda ended: 5e7 + 5000 * min(ended, 2000)).slope == 0


def test_one_sample_out_of_line_does_not_count() -> None:
    """One or two samples with a full cache hardly change the median."""
    outlying = {4000, 7800}
    slope = report(8000, lambda ended: 20 * ended + (9e6 if ended in outlying else 0)).slope
    assert slope == pytest.approx(20, abs=1)


def test_steps_count_as_what_they_come_to() -> None:
    """Memory grows in pages; the steps count like a line through them."""
    slope = report(40_000, lambda ended: 30 * ended // 65536 * 65536).slope
    assert slope == pytest.approx(30, rel=0.15)


def test_a_slope_needs_samples() -> None:
    """One sample is not enough to measure growth."""
    with pytest.raises(ValueError, match="too few samples"):
        _ = Report(4000, samples=[(4000, 1)]).slope


def test_nothing_left_over_and_no_growth_is_well() -> None:
    """Growth that remembering ended jobs explains is no failure."""
    assert report(8000, lambda ended: MOST_A_JOB * ended).faults == []


@pytest.mark.parametrize("what", ["tasks", "descriptors", "connections", "records"])
def test_what_is_left_over_is_wrong(what: str) -> None:
    """Everything left over is reported, with its kind and number."""
    (fault,) = report(8000, lambda _: 5e7, **{what: 3}).faults
    assert fault.startswith(f"3 {what}")


def test_growth_is_wrong() -> None:
    """Growth beyond what remembered jobs explain is a failure; once ids are forgotten, almost any growth is."""
    (fault,) = report(8000, lambda ended: (MOST_A_JOB + 1) * ended).faults
    assert "memory grows by 81 bytes per job" in fault
    (fault,) = report(8000, lambda ended: (MOST_WHEN_LEVEL + 1) * ended, remembered=1000).faults
    assert "memory grows by 6 bytes per job" in fault


def test_growth_until_ids_are_forgotten_is_well() -> None:
    """Growth is measured only after twice as many jobs as are remembered."""
    made = report(8000, lambda ended: 40 * min(ended, 4000), remembered=2000)
    assert made.is_level
    assert made.slope == 0
    assert "once the oldest of 4,000 ids were forgotten" in str(made)


def test_too_few_jobs_are_not_judged_by_memory() -> None:
    """With some hundred jobs, the report says that growth can't be measured."""
    made = report(ENOUGH_JOBS // 40, lambda ended: 1e6 * ended)
    assert made.faults == []
    assert "too few jobs to measure growth" in str(made)


def test_the_text_has_all_figures() -> None:
    """Figures have units for readers, and figures that are zero are left out."""
    made = report(
        8000,
        lambda ended: 2**26 + 30 * (ended - 8000),
        seconds=7 * 86400,
        work=500,
        polls=21_000,
        troubles=190,
        most_active=46,
    )
    assert str(made) == (
        "- 8,000 jobs over 7.00 simulated days, in 500 s of real time: 21,000 requests,"
        " 190 of them with errors; at most 46 unfinished jobs at once\n"
        "- memory: 64.0 MiB at the end, +30.0 bytes per job\n"
        "- left over: 0 tasks, 0 descriptors, 0 connections, 0 records of jobs"
    )
    made.written, made.seconds = 3 << 20, 65.0
    assert "8,000 jobs over 65 s" in str(made)
    assert str(made).endswith("\n- the journal's file: 3.0 MiB")


def test_a_run_looks_at_memory_as_jobs_end() -> None:
    """Memory is sampled as often as planned, at equal distances, and all jobs end."""
    readings = itertools.count(5_000_000, 100)
    plan = Plan(40, 600.0, memory=lambda: next(readings), samples=10)
    made = run_virtual(partial(command.in_virtual_time, plan, direct=True))
    assert made.samples == [(4 * (n + 1), 5_000_000 + 100 * n) for n in range(10)]
    assert made.slope == 25
    assert made.polls >= 40
    assert made.seconds >= 500
    assert (made.tasks, made.connections) == (0, 0)


@pytest.mark.campaign
def test_a_share_of_the_long_run(tmp_path: Path) -> None:
    """A short run over HTTP, with a journal and in its own process, leaves nothing over and updates the page.

    There are too few jobs to measure growth; use the command for that.
    """
    page = tmp_path / "page.md"
    page.write_text("<!-- week, journal: by hand -->\n<!-- week, journal end -->\n")
    # The memory for measuring coverage must not be part of the measurement.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    options = ["--jobs", "150", "--days", "0.05", "--journal", "--page", str(page)]
    run = subprocess.run(
        [sys.executable, "-m", "tests.soak", *options],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "- 150 jobs over" in run.stdout
    left = "- left over: 0 tasks, 0 descriptors, 0 connections, 0 records of jobs\n"
    assert left in run.stdout
    assert left in page.read_text()


def test_what_is_wrong_is_said_and_not_put_on_a_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure gives exit status 1, and leaves the page alone."""
    page = tmp_path / "page.md"
    page.write_text("as it was")
    leaking = report(8000, lambda _: 5e7, tasks=2)
    monkeypatch.setattr(command, "run_virtual", lambda _: leaking)
    assert command.main(["--direct", "--page", str(page)]) == 1
    assert "wrong: 2 tasks are left over" in capsys.readouterr().err
    assert page.read_text() == "as it was"
