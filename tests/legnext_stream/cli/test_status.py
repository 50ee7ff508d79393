"""`legnext-stream watch --journal` and `status` against a real server."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from legnext_stream import JobStatus
from legnext_stream._cli.app import run
from legnext_stream._cli.commands.status import lines
from legnext_stream._journal.contents import Standing
from tests.legnext_stream.cli.support import Ran, run_command, started
from tests.processes import rest_of
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the journal."""
    return tmp_path / "batch.db"


def _watch(mock: MockServer, path: Path, *arguments: str) -> Ran:
    where = (f"--base-url={mock.url}", f"--journal={path}")
    return run_command("watch", *arguments, *_QUICKLY, *where)


def test_an_interrupted_batch_resumes(fast_mock: MockServer, path: Path) -> None:
    """Together the two runs report each end once, and `status` shows the progress."""
    ids = list(fast_mock.truth())
    where = (f"--base-url={fast_mock.url}", f"--journal={path}")
    given = [f"--id={job_id}" for job_id in ids]
    with started("watch", *given, *_QUICKLY, *where) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGKILL)
        rest, _ = rest_of(process)
    first += [json.loads(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    between = run_command("status", str(path))
    assert between.status == 1
    assert f"of {len(ids)} jobs ended, at {fast_mock.url}" in between.out
    second = _watch(fast_mock, path)
    assert second.status == 1, "some of its jobs fail"
    # Only the event that was being written when it was killed may come twice.
    told = {(event["job_id"], event["status"]) for event in first[:-1]}
    assert not told & {(event["job_id"], event["status"]) for event in second.events}
    ends = {event["job_id"] for event in [*first, *second.events] if event["status"] in TERMINAL}
    assert ends == set(ids)
    after = json.loads(run_command("status", str(path), "--json").out)
    assert (after["jobs"], after["ended"], after["owed"]) == (len(ids), len(ids), 0)
    assert sum(after["by_status"].values()) == len(ids)
    third = _watch(fast_mock, path, *given)
    assert (third.status, third.events) == (1, []), "what failed before still counts"


TERMINAL = {"completed", "failed"}


def test_all_completed(good_mock: MockServer, path: Path) -> None:
    """The status is 0 if every job completed."""
    assert _watch(good_mock, path, *(f"--id={job_id}" for job_id in good_mock.truth())).status == 0
    result = run_command("status", str(path))
    assert (result.status, result.err) == (0, "")
    assert "completed" in result.out


@pytest.mark.parametrize("content", [None, b"", b"no journal at all, but some text " * 100])
def test_a_file_that_is_not_a_journal(path: Path, content: bytes | None) -> None:
    """One message, and the file is unchanged."""
    if content is not None:
        path.write_bytes(content)
    for command in (("status", str(path)), ("watch", f"--journal={path}")):
        result = run_command(*command)
        assert (result.status, result.out) == (2, "")
        assert len(result.err.splitlines()) == 1
        assert (path.read_bytes() if path.exists() else None) == content


def test_a_closed_output_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A closed standard output is an error, and the message is on standard error."""
    monkeypatch.setattr(sys, "stdout", None)
    assert run(["status", str(path)]) == 2
    assert "standard output: it is closed" in capfd.readouterr().err


def test_the_status_in_words() -> None:
    """It lists ended jobs, unfinished jobs, unreported ends, and times."""
    standing = Standing(
        base_url="https://api.example",
        begun_at=1000.0,
        acknowledged_at=None,
        unfinished={"a": JobStatus.PROCESSING, "b": None},
        ended={"c": JobStatus.COMPLETED},
        owed=1,
        events=0,
        to_submit=2,
        without_job={JobStatus.SUBMIT_UNKNOWN: 1},
    )
    assert list(lines(standing, 1061.0)) == [
        "1 of 3 jobs ended, at https://api.example",
        "          1  completed",
        "          1  submit unknown",
        "          1  processing",
        "          1  not seen yet",
        "          2  prompts to be submitted",
        "1 more was seen to end; the next run reports it.",
        "Begun a minute ago; no event has been acknowledged yet.",
    ]
