"""`legnext-stream download` against a real server."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from legnext_stream._cli.app import run
from tests.legnext_stream.cli.support import (
    KEY,
    Ran,
    host_answering,
    host_of,
    run_command,
    started,
)
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


def _download(mock: MockServer, *arguments: str, given: str = "") -> Ran:
    return run_command("download", *arguments, f"--base-url={mock.url}", given=given)


@pytest.fixture
def completed(good_mock: MockServer) -> list[str]:
    """The ids of jobs that have completed."""
    ids = list(good_mock.truth())
    given = [f"--id={job_id}" for job_id in ids]
    assert run_command("watch", *given, *_QUICKLY, f"--base-url={good_mock.url}").status == 0
    return ids


def test_ids_to_files(good_mock: MockServer, completed: list[str], tmp_path: Path) -> None:
    """Ids come from options and standard input; a second run downloads nothing again."""
    first, *others = completed
    out = tmp_path / "out"
    arguments = ("-", f"--id={first}", f"--save-to={out}")
    result = _download(good_mock, *arguments, given="\n".join(others))
    assert result.status == 0, result.err
    assert result.err == "3 jobs: 12 files saved.\n"
    assert {line["job_id"] for line in result.events} == set(completed)
    told = {file["path"] for line in result.events for file in line["files"]}
    assert told == {str(path) for path in out.iterdir()}
    again = _download(good_mock, *arguments, given="\n".join(others))
    assert again.err == "3 jobs: 0 files saved, 12 were there already.\n"


def test_unknown_jobs_are_listed(
    good_mock: MockServer, completed: list[str], tmp_path: Path
) -> None:
    """Jobs that the API doesn't know are listed, and the others are saved."""
    path = tmp_path / "ids.txt"
    path.write_text("\n".join([*(f"nothing-{n}" for n in range(12)), completed[0], completed[0]]))
    result = _download(good_mock, str(path), f"--save-to={tmp_path}")
    assert result.status == 1
    assert "13 jobs: 4 files saved." in result.err
    assert "Not saved:\n  nothing-" in result.err
    assert "and 2 more" in result.err
    assert sum(line["error"] is not None for line in result.events) == 12


def test_the_completed_jobs_of_a_journal(empty_mock: MockServer, tmp_path: Path) -> None:
    """The files can be named by the prompts in the journal."""
    journal = tmp_path / "batch.db"
    where = f"--base-url={empty_mock.url}"
    given = "a fox\nan orchard\n"
    first = run_command("generate", "-", f"--journal={journal}", *_QUICKLY, where, given=given)
    assert first.status == 0
    out = tmp_path / "out"
    name = "--name={position}-{prompt}-{number}{suffix}"
    result = _download(empty_mock, f"--journal={journal}", f"--save-to={out}", name)
    assert result.status == 0
    assert {path.name for path in out.iterdir()} == {
        f"{prompt}-{number}.png"
        for prompt in ("1-a-fox", "2-an-orchard")
        for number in (1, 2, 3, 4)
    }


def test_a_key_that_is_refused_ends_it(tmp_path: Path) -> None:
    """It concerns all jobs, so it ends the command with one message and status 2."""
    with host_answering(401, {"code": 401, "message": "no"}) as url:
        ids = [f"--id=job-{number}" for number in range(20)]
        result = run_command("download", *ids, f"--save-to={tmp_path}", f"--base-url={url}")
    assert result.status == 2
    assert "LEGNEXT_API_KEY" in result.err
    assert result.err.count("\n") == 1


def _answer(path: str) -> tuple[int, str]:
    """The answer for a job, whose id says what is wrong with it."""
    job_id = path.rsplit("/", 1)[1]
    if job_id == "html":
        return 200, "<html>oops</html>"
    if job_id.isdecimal():
        return int(job_id), json.dumps({"code": int(job_id), "message": "no"})
    told = "someone-else" if job_id == "other" else job_id
    output = {"prompts": ["a fox"]}
    return 200, json.dumps({"job_id": told, "status": "completed", "output": output})


@pytest.mark.parametrize("bad", ["400", "403", "404", "422", "html", "other"])
def test_one_bad_id_ends_nothing(bad: str, tmp_path: Path) -> None:
    """Whatever the API answers for it, it is listed, and the others are saved."""
    path = tmp_path / "ids.txt"
    path.write_text(f"a\nb\nc\n{bad}\nd\ne\nf")
    with host_of(_answer) as url:
        result = run_command("download", str(path), f"--save-to={tmp_path}", f"--base-url={url}")
    assert result.status == 1
    assert {line["job_id"] for line in result.events if line["error"] is None} == set("abcdef")
    assert "7 jobs: 0 files saved.\nNot saved:\n  " + bad in result.err


@pytest.mark.parametrize("bad", ["html", "other"])
def test_a_host_that_is_not_the_api_ends_it(bad: str, tmp_path: Path) -> None:
    """If nothing else is answered for several jobs, the others aren't tried."""
    path = tmp_path / "ids.txt"
    path.write_text("\n".join([f"job-{number}" for number in range(100)]))
    with host_of(lambda _: _answer(f"/{bad}")) as url:
        result = run_command("download", str(path), f"--save-to={tmp_path}", f"--base-url={url}")
    assert result.status == 1
    assert len(result.events) < 10
    assert "legnext-stream: the host answered 200, but with something that is not" in result.err


def test_one_job(tmp_path: Path) -> None:
    """One job is not "1 jobs"."""
    with host_of(_answer) as url:
        result = run_command("download", "--id=a", f"--save-to={tmp_path}", f"--base-url={url}")
    assert result.err == "1 job: 0 files saved.\n"


def test_an_empty_file(tmp_path: Path) -> None:
    """There is nothing to do, which is no mistake."""
    path = tmp_path / "ids.txt"
    path.write_text("# none today\n")
    result = run_command("download", str(path), f"--save-to={tmp_path}/out")
    assert (result.status, result.out) == (0, "")
    assert result.err == f"{path} has no job ids, so nothing was done.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save-to", "out"], "nothing to download"),
        (["--id", "job-1"], "--save-to"),
        (["--journal", "none.db", "--save-to", "out"], "there is no journal"),
        (["--id", "a b", "--save-to", "out"], "'a b' is not a job id"),
        (["--id", "job-1", "--save-to", "out", "--name", "same"], "has no {number}"),
        (["--id", "job-1", "--save-to", "ids.txt"], "ids.txt is not a folder"),
        (
            ["ids.txt", "--save-to", "out", "--name", "{position}-{number}"],
            "only jobs from the journal of generate have a {position}",
        ),
        (
            ["--id", "job-1", "--save-to", "out", "--name", "{position}-{number}"],
            "only jobs from the journal of generate have a {position}",
        ),
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
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    Path("ids.txt").write_text("job-1\n")
    assert run(["download", *arguments]) == 2
    err = capfd.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_closed_input_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A closed standard input is an error."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setattr(sys, "stdin", None)
    assert run(["download", "-", "--save-to", str(tmp_path)]) == 2
    assert "it is closed" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_that_is_not_in_utf_8(
    good_mock: MockServer, completed: list[str], tmp_path: Path
) -> None:
    """A terminal gets the bytes of the name, as `ls` would print them."""
    folder = tmp_path / "caf\udce9"
    ours, theirs = os.openpty()
    where = (f"--save-to={folder}", f"--base-url={good_mock.url}")
    with started("download", f"--id={completed[0]}", *where, stdout=theirs) as process:
        assert process.wait() == 0
    os.close(theirs)
    assert os.read(ours, 65536).startswith(os.fsencode(folder))
    os.close(ours)


def test_what_a_terminal_shows(empty_mock: MockServer, tmp_path: Path) -> None:
    """A terminal gets the file names, or why there are none."""
    (job_id,) = run_command(
        "submit", "diffusion", "--text=a fox", f"--base-url={empty_mock.url}"
    ).out.split()
    where = f"--base-url={empty_mock.url}"
    assert run_command("watch", f"--id={job_id}", *_QUICKLY, where).status == 0
    ours, theirs = os.openpty()
    arguments = ("download", f"--id={job_id}", "--id=nothing", f"--save-to={tmp_path}", where)
    with started(*arguments, stdout=theirs) as process:
        assert process.wait() == 1
    os.close(theirs)
    shown = os.read(ours, 65536).decode().splitlines()
    os.close(ours)
    assert {str(path) for path in tmp_path.iterdir()} <= set(shown)
    assert any(line.startswith("nothing  ") for line in shown)
