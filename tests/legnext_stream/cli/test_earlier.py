"""A second run fetches the results that are not in the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.legnext_stream.cli.support import Ran, run_command
from tests.servers import MockServer, mock_server

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")

Generate = Callable[..., Ran]


@pytest.fixture
def generate(empty_mock: MockServer) -> Generate:
    """Runs a batch of two prompts, by a journal of its own."""
    Path("prompts.txt").write_text("a fox\nan orchard\n")

    def run(*arguments: str) -> Ran:
        where = ("--save-to=out", f"--base-url={empty_mock.url}")
        return run_command("generate", "prompts.txt", *where, *_QUICKLY, *arguments)

    return run


def test_missing_files_are_fetched(generate: Generate) -> None:
    """The run tells of the jobs concerned, and of nothing else; then nothing is missing."""
    assert generate().status == 0
    whole = {path: path.read_bytes() for path in Path("out").iterdir()}
    lost = min(whole)
    lost.unlink()
    second = generate()
    assert second.status == 0
    assert "Fetching the files of 1 job that are missing." in second.err
    assert "files     1 saved that were missing" in second.err
    (event,) = second.events
    assert event["job_id"] in lost.name
    assert event["previous"] == event["status"] == "completed"
    assert str(lost) in event["files"]
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == whole
    third = generate("--report=report.html")
    assert third.status == 0
    assert not third.out
    assert "has ended (2 completed)" in third.err
    assert "0 of 0" not in third.err
    assert not Path("report.html").exists()


def test_names_without_a_job_are_found(generate: Generate) -> None:
    """A name by position is the job's, as both are in the journal."""
    name = "--name={position}-{number}{suffix}"
    assert generate(name).status == 0
    Path("out/2-3.png").unlink()
    assert "files     1 saved that were missing" in generate(name).err


def test_files_that_cannot_be_saved_are_named(generate: Generate) -> None:
    """The first run and each further one exit with 1, and name the line that tries again."""
    Path("out").mkdir()
    for number in range(1, 14):
        Path(f"out/1-{number}.png").mkdir()
    first = generate("--name={position}-{number}{suffix}")
    assert first.status == 1
    again = "To fetch what was not saved: legnext-stream generate prompts.txt"
    assert again in first.err
    second = generate("--name={position}-{number}{suffix}")
    assert second.status == 1
    assert "Still not saved:" in second.err
    assert second.err.splitlines()[-1].startswith(again)
    (event,) = second.events
    assert "exists already" in event["not_saved"]


def test_many_failures_are_counted() -> None:
    """Ten are shown, and the number of the others."""
    Path("prompts.txt").write_text("".join(f"study {n}\n" for n in range(12)))
    with mock_server("--time-scale=100") as mock:
        arguments = ("generate", "prompts.txt", f"--base-url={mock.url}", *_QUICKLY)
        assert run_command(*arguments).status == 0
        Path("out").mkdir()
        names = [f"{position}-1.png" for position in range(1, 13)]
        for name in names:
            (Path("out") / name).mkdir()
        failed = run_command(*arguments, "--save-to=out", "--name={position}-{number}{suffix}")
    assert failed.status == 1
    assert "  and 2 more" in failed.err
    assert len(failed.events) == 12


def test_without_a_journal_the_jobs_are_named(empty_mock: MockServer) -> None:
    """The line that fetches what wasn't saved is a download of these jobs."""
    Path("out").mkdir()
    Path("out/1-1.png").mkdir()
    where = ("--save-to=out", "--name={position}-{number}{suffix}", "--no-journal")
    given = (f"--base-url={empty_mock.url}", *_QUICKLY)
    result = run_command("generate", "-", *where, *given, given="a fox\n")
    job_id = result.events[-1]["job_id"]
    assert result.status == 1
    line = f"legnext-stream download --id {job_id} --save-to out --base-url={empty_mock.url}"
    assert f"To fetch what was not saved: {line}\n" in result.err
    assert not list(Path().glob("*.journal"))
