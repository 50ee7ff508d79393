"""`legnext-stream explain`: a job, from the API and a journal."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from legnext_stream import Job, JobError, JobStatus, Output, Pacing
from legnext_stream._cli.app import run
from legnext_stream._cli.commands.explain import as_data, lines, next_poll, usual_times
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._journal.contents import Change
from tests.legnext_stream.cli.support import KEY, run_command
from tests.servers import MockServer

_NOW = 1_800_000_000.0
_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(_NOW + seconds, UTC)


def _job(**fields: Any) -> Job:  # noqa: ANN401 - the job's
    described: dict[str, Any] = {"job_id": "job-1", "task_type": "diffusion"}
    return Job(**(described | fields))


def _explained(job: Job, *history: Change) -> str:
    """The explanation of a job in words. It can also be written as JSON."""
    usual, following = (
        usual_times(job, Durations()),
        next_poll(job, _NOW, Durations(), Pacing()),
    )
    json.dumps(as_data(job, usual, following, history))
    return "\n".join(lines(job, _NOW, usual, following, history))


def test_a_running_job_is_compared_with_others() -> None:
    """It says how long such jobs run, how long this one will, and when and why it is polled again."""
    job = _job(status=JobStatus.PROCESSING, started_at=_at(-40))
    following = next_poll(job, _NOW, Durations(), Pacing())
    assert following is not None
    assert following.running_for == 40.0
    assert 0.3 < following.longer < 0.9
    assert 1.0 <= following.asks_in < 10.0
    text = _explained(job)
    for words in (
        "job-1 (diffusion)",
        "status     processing, started 40 seconds ago",
        "published: 30 to 90 s",
        "from the published range alone",
        "next poll  in ",
        "The job has run for 0:40;",
    ):
        assert words in text


def test_bounds_of_the_pacing_hold() -> None:
    """The time until the next poll is within the bounds of the pacing."""
    young = Job(
        job_id="a", status=JobStatus.PROCESSING, task_type="video-upscale", started_at=_at(5)
    )
    next_ = next_poll(young, _NOW, Durations(), Pacing(max_interval=20.0))
    assert next_ is not None
    assert (next_.running_for, next_.asks_in) == (0.0, 20.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": JobStatus.PENDING, "created_at": _at(-65)}, "pending, submitted a minute ago"),
        ({"status": JobStatus.PENDING}, "in the order of their submission"),
        (
            {"status": JobStatus.COMPLETED, "started_at": _at(-90), "ended_at": _at(-30)},
            "completed, 30 seconds ago, after it ran for 1:00",
        ),
        ({"status": JobStatus.COMPLETED}, "never: the job has ended"),
        ({"status": JobStatus.UNKNOWN, "raw_status": "a\x1bb"}, "(the API says 'a b')"),
        (
            {"status": JobStatus.FAILED, "error": JobError(code=500, message="x\ny")},
            "x y (code 500)",
        ),
        ({"task_type": "", "status": JobStatus.STAGED}, "from the published range alone)"),
        (
            {"status": JobStatus.COMPLETED, "output": Output(image_urls=("a", "b"))},
            "results    2: legnext-stream download --id job-1",
        ),
    ],
)
def test_other_jobs(fields: dict[str, Any], words: str) -> None:
    """Waiting, ended and little-known jobs are described."""
    assert words in _explained(_job(**fields))


def test_the_history_in_a_journal() -> None:
    """Each change has the time when it happened and when it was seen."""
    first = Change(
        status=JobStatus.PENDING, observed_at=_NOW, changed_between=(None, _NOW), reason=""
    )
    second = attrs.evolve(
        first, status=JobStatus.TIMED_OUT, changed_between=(_NOW - 60, _NOW), reason="too\nlong"
    )
    assert _explained(_job(), first, second).splitlines()[-2:] == [
        "  journal    pending, before 2027-01-15 08:00:00; seen 2027-01-15 08:00:00",
        "  journal    timed out: too long, between 2027-01-15 07:59:00 and 2027-01-15 08:00:00; seen 2027-01-15 08:00:00",
    ]


def test_as_a_command(good_mock: MockServer, tmp_path: Path) -> None:
    """A journal adds history and learned run times; an unknown job gives status 1."""
    first, *_ = good_mock.truth()
    journal = tmp_path / "batch.db"
    where = f"--base-url={good_mock.url}"
    ids = [f"--id={job_id}" for job_id in good_mock.truth()]
    assert run_command("watch", *ids, f"--journal={journal}", *_QUICKLY, where).status == 0
    result = run_command("explain", first, "nothing", f"--journal={journal}", "--json", where)
    assert result.status == 1
    assert result.err.startswith("legnext-stream: nothing: ")
    (told,) = result.events
    assert told["status"] == "completed"
    assert told["usual"]["learned_from"] == 3
    assert told["journal"][-1]["status"] == "completed"
    result = run_command("explain", first, where)
    assert result.status == 0
    assert "from the published range alone" in result.out
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("UPDATE learned SET state = '{\"diffusion\": 7}'")
    result = run_command("explain", first, f"--journal={journal}", where)
    assert "from the published range alone" in result.out
    assert "journal    completed" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to explain"),
        (["a b"], "'a b' is not a job id"),
        (["job-1", "--journal", "none.db"], "there is no journal"),
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
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    assert run(["explain", *arguments]) == 2
    assert message in capfd.readouterr().err
