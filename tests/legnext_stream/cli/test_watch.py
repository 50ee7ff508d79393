"""`legnext-stream watch` against a real server."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from legnext_stream import __version__
from tests.legnext_stream.cli.support import (
    KEY,
    Ran,
    environment,
    host_answering,
    run_command,
    started,
)
from tests.processes import rest_of
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


def _watch(mock: MockServer, *arguments: str, given: str = "") -> Ran:
    return run_command("watch", *arguments, *_QUICKLY, f"--base-url={mock.url}", given=given)


def test_a_batch_to_its_end(fast_mock: MockServer, tmp_path: Path) -> None:
    """Each job's events are true, in order, and end with one terminal event."""
    ids = list(fast_mock.truth())
    path = tmp_path / "ids.txt"
    path.write_text("# twice each\n" + "\n".join(ids + ids))
    result = _watch(fast_mock, str(path))
    truth = fast_mock.truth()
    by_job = {job_id: [e for e in result.events if e["job_id"] == job_id] for job_id in ids}
    for job_id, events in by_job.items():
        true = [status for _, status in truth[job_id]]
        places = [true.index(event["status"]) for event in events]
        assert places == sorted(set(places))
        assert events[-1]["status"] == true[-1]
        for event, following in itertools.pairwise(events):
            assert following["previous"] == event["status"]
    assert [event["sequence"] for event in result.events] == [
        number for number, _ in enumerate(result.events, 1)
    ]
    failed = sum(events[-1]["status"] == "failed" for events in by_job.values())
    assert 0 < failed < len(ids)
    assert all(
        bool(events[-1]["error"]) == (not events[-1]["image_urls"]) for events in by_job.values()
    )
    assert result.status == 1
    assert f"{len(ids)} of {len(ids)} jobs ended in" in result.err
    assert f"{failed} failed" in result.err


def test_all_completed(good_mock: MockServer) -> None:
    """The status is 0 if all jobs completed."""
    ids = list(good_mock.truth())
    result = _watch(good_mock, *(f"--id={job_id}" for job_id in ids))
    assert result.status == 0
    assert {event["job_id"] for event in result.events} == set(ids)


def test_standard_input_in_a_pipe(good_mock: MockServer) -> None:
    """Ids come from a pipe and from options."""
    first, *others = good_mock.truth()
    result = _watch(good_mock, "-", f"--id={first}", given="\n".join(others))
    assert result.status == 0
    assert "3 of 3 jobs ended" in result.err


def test_events_come_while_ids_arrive(good_mock: MockServer) -> None:
    """Events are written as soon as they are seen, before the input has ended."""
    first, second, *_ = good_mock.truth()
    with started("watch", "-", *_QUICKLY, f"--base-url={good_mock.url}") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for job_id in (first, second):
            process.stdin.write(f"{job_id}\n")
            process.stdin.flush()
            assert job_id in process.stdout.readline()
        process.stdin.close()
        assert process.wait() == 0


def test_a_bad_line_of_standard_input(slow_mock: MockServer) -> None:
    """It ends the watch with a message that names the line."""
    job_id, *_ = slow_mock.truth()
    result = _watch(slow_mock, "-", given=f"{job_id}\nno id\n")
    assert result.status == 2
    assert "standard input:2: 'no id' is not a job id" in result.err


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [(401, 2, "is LEGNEXT_API_KEY the right key?"), (402, 1, "the API answered 402")],
)
def test_a_refusal_that_concerns_all_jobs(code: int, status: int, words: str) -> None:
    """One message has what the API said, and there is no summary."""
    with host_answering(code, {"code": code, "message": "no \x1b[2J"}) as url:
        result = run_command("watch", "--id=job-1", f"--base-url={url}")
    assert result.status == status
    assert not result.out
    assert words in result.err
    assert "\x1b" not in result.err
    assert result.err.count("\n") == 1


def test_a_host_that_is_not_there() -> None:
    """After the timeout the message names the host."""
    url = "http://127.0.0.1:9"
    result = run_command("watch", "--id=job-1", f"--base-url={url}", "--timeout=0.1")
    assert result.status == 1
    assert url in result.err


def test_a_summary_precedes_an_error(good_mock: MockServer) -> None:
    """After some jobs have ended, a summary precedes the error."""
    job_id, *_ = good_mock.truth()
    with started("watch", "-", *_QUICKLY, f"--base-url={good_mock.url}") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{job_id}\n")
        process.stdin.flush()
        while '"completed"' not in process.stdout.readline():
            pass
        _, err = rest_of(process, "no id\n")
    assert process.returncode == 2
    summary, *_, complaint = err.splitlines()
    assert summary.startswith("Stopped after")
    assert complaint.startswith("legnext-stream: standard input:2:")


def test_what_is_left_of_ids_from_a_pipe(slow_mock: MockServer, tmp_path: Path) -> None:
    """With a journal the line leaves out what can't be read again; without one it has the ids."""
    job_id, *_ = slow_mock.truth()
    url = f"--base-url={slow_mock.url}"
    for journal in ([], [f"--journal={tmp_path / 'batch.db'}"]):
        with started("watch", "-", *_QUICKLY, url, *journal) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{job_id}\n")
            process.stdin.flush()
            assert process.stdout.readline()
            _, err = rest_of(process, "no id\n")
        *_, line, complaint = err.splitlines()
        assert "standard input:2" in complaint
        words = ["watch", *_QUICKLY, url, *journal] if journal else ["watch", "--id", job_id, url]
        assert line == f"To go on: legnext-stream {' '.join(words)}"


def test_what_timed_out_may_still_run(slow_mock: MockServer) -> None:
    """The line that looks again has the ids."""
    job_id, *_ = slow_mock.truth()
    result = _watch(slow_mock, f"--id={job_id}", "--timeout=0.5")
    assert result.status == 1
    line = f"legnext-stream watch --id {job_id} --base-url={slow_mock.url}"
    assert result.err.endswith(f"What timed out may still run. To look again: {line}\n")


def test_a_journal_whose_batch_has_ended(good_mock: MockServer, tmp_path: Path) -> None:
    """It says so, with the status that the batch deserves."""
    ids = list(good_mock.truth())
    journal = f"--journal={tmp_path / 'batch.db'}"
    assert _watch(good_mock, journal, *(f"--id={job_id}" for job_id in ids)).status == 0
    again = _watch(good_mock, journal)
    assert again.status == 0
    assert f"the batch of the journal {tmp_path / 'batch.db'} has ended (3 completed)" in again.err


def test_a_disk_that_is_full(good_mock: MockServer) -> None:
    """Events that can't be written end the watch with a message."""
    job_id, *_ = good_mock.truth()
    arguments = ("watch", f"--id={job_id}", *_QUICKLY, f"--base-url={good_mock.url}")
    with open("/dev/full", "w") as full, started(*arguments, stdout=full) as process:  # noqa: PTH123 - a device
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 1
    assert err.endswith("legnext-stream: can't write the output: No space left on device\n")


def test_the_key_is_in_no_option(good_mock: MockServer) -> None:
    """The command line, which other users can see, doesn't contain the key."""
    with started("watch", "-", f"--base-url={good_mock.url}") as process:
        command_line = Path(f"/proc/{process.pid}/cmdline")
        if command_line.exists():
            assert KEY not in command_line.read_text()


def test_importing_the_library_imports_no_command_line() -> None:
    """Importing the library doesn't load the argument parser."""
    code = "import sys, legnext_stream as it; print({'cyclopts', f'{it.__name__}.cli'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout.strip() == "set()"


def test_the_console_script() -> None:
    """The script `legnext-stream` is installed."""
    script = Path(sys.executable).with_name("legnext-stream")
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout == f"{__version__}\n"
