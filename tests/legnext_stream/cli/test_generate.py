"""`legnext-stream generate` against a real server."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from legnext_stream._cli.app import run
from tests.legnext_stream.cli.support import (
    KEY,
    Ran,
    ended,
    host_answering,
    run_command,
    started,
)
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


def _generate(mock: MockServer, *arguments: str, given: str = "") -> Ran:
    return run_command("generate", *arguments, *_QUICKLY, f"--base-url={mock.url}", given=given)


def test_from_prompts_to_files(empty_mock: MockServer, tmp_path: Path) -> None:
    """Each prompt becomes a job with files and events, and all of it is in the report."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("# two\na fox\n\nan orchard\n")
    out, report = tmp_path / "out", tmp_path / "report.html"
    result = _generate(
        empty_mock,
        str(prompts),
        f"--save-to={out}",
        f"--report={report}",
        "--name={position}-{prompt}-{number}{suffix}",
    )
    assert result.status == 0, result.err
    ends = [event for event in result.events if event["status"] == "completed"]
    assert {(event["position"], event["prompt"]) for event in ends} == {
        (1, "a fox"),
        (2, "an orchard"),
    }
    told = {Path(name) for event in ends for name in event["files"]}
    assert told == set(out.iterdir())
    assert len(told) == 8
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in told)
    assert "2 of 2 jobs ended" in result.err
    assert "submits   2, of which 2 made a job" in result.err
    assert "files     8 saved" in result.err
    text = report.read_text(encoding="utf-8")
    assert "files saved" in text
    assert "an orchard" in text


def test_prompts_of_standard_input_in_json(empty_mock: MockServer) -> None:
    """Events have the tag, and a refused prompt ends with an event."""
    lines = [
        {"text": "a fox", "tag": {"page": 3}},
        {"task_type": "upscale", "params": {"image_no": 0}, "tag": "wrong"},
    ]
    given = "\n".join(map(json.dumps, lines))
    result = _generate(empty_mock, "-", "--jsonl", given=given)
    last = {json.dumps(event["tag"]): event for event in result.events}
    assert last['{"page": 3}']["status"] == "completed"
    assert last['"wrong"']["status"] == "not_submitted"
    assert not last['"wrong"']["job_id"]
    assert result.status == 1
    assert "prompt 2  wrong  not submitted: " in result.err
    error = last['"wrong"']["error"]
    assert error["raw_message"]
    assert error["raw_message"] in result.err
    assert result.err.endswith(f": {error['message']}: {error['raw_message']} (code 400)\n")


def test_a_restart_submits_nothing_twice(empty_mock: MockServer, tmp_path: Path) -> None:
    """If the file has one more prompt, only that one is submitted."""
    prompts, journal = tmp_path / "prompts.txt", tmp_path / "batch.db"
    prompts.write_text("a fox\nan orchard\n")
    first = _generate(empty_mock, str(prompts), f"--journal={journal}")
    assert "submits   2" in first.err
    prompts.write_text("a fox\nan orchard\na glacier\n")
    second = _generate(empty_mock, str(prompts), f"--journal={journal}")
    assert {event["prompt"] for event in second.events} == {"a glacier"}
    assert "submits   1" in second.err
    assert first.status == second.status == 0
    assert "1 of 1 job ended in" in second.err
    assert "2 had ended before." in second.err
    third = _generate(empty_mock, f"--journal={journal}")
    assert third.status == 0
    assert not third.out
    assert "Nothing is left to do" in third.err


def test_a_journal_is_kept_by_default(empty_mock: MockServer, tmp_path: Path) -> None:
    """It is named at the beginning, and the same line resumes it."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a fox\n")
    first = _generate(empty_mock, "prompts.txt")
    (journal,) = tmp_path.glob("prompts-*.journal")
    assert first.err.startswith(f"Journal: {journal.name}. ")
    second = _generate(empty_mock, "prompts.txt")
    assert second.status == 0
    assert not second.out
    assert f"the batch of the journal {journal.name} has ended" in second.err


def test_no_journal(empty_mock: MockServer, tmp_path: Path) -> None:
    """Without one, each run submits the prompts."""
    (tmp_path / "prompts.txt").write_text("a fox\n")
    for _ in range(2):
        assert "submits   1" in _generate(empty_mock, "prompts.txt", "--no-journal").err
    assert not list(tmp_path.glob("*.journal"))


def test_a_dry_run_submits_nothing(empty_slow_mock: MockServer, tmp_path: Path) -> None:
    """It says what the prompts would cost, and leaves no folder and no journal."""
    out, journal, report = tmp_path / "out", tmp_path / "batch.db", tmp_path / "report.html"
    options = (f"--save-to={out}", f"--journal={journal}", f"--report={report}", "--dry-run")
    result = _generate(empty_slow_mock, "-", *options, given="a fox\nan orchard\n")
    assert result.status == 0, result.err
    assert result.out.startswith(
        "2 prompts, none submitted\n          2  diffusion, 80 points each"
    )
    assert "balance  72,048: 1,048 points and 71,000 credits; enough" in result.out
    result = _generate(empty_slow_mock, "-", "--dry-run", "--json", given="a fox\n")
    (plan,) = result.events
    assert plan["estimated_points"] == 80
    assert not empty_slow_mock.truth()
    assert not list(tmp_path.iterdir())


def test_a_dry_run_without_a_balance(tmp_path: Path) -> None:
    """The rest of the plan is shown, and the error says why; a poor account gives status 1."""
    with host_answering(500, {"code": 500, "message": "down"}) as url:
        result = run_command("generate", "-", "--dry-run", f"--base-url={url}", given="a fox\n")
    assert result.status == 1
    assert result.out.startswith("1 prompt, none submitted")
    assert "down" in result.err
    poor = {"balance_usd": 0.001, "available_credits": 0, "available_points": 1}
    with host_answering(200, {"code": 200, "data": poor}) as url:
        result = run_command("generate", "-", "--dry-run", f"--base-url={url}", given="a fox\n")
        assert result.status == 1
        assert "balance  1: 1 points and 0 credits; not enough" in result.out
        result = run_command(
            *("generate", "-", "--dry-run", "--max-cost=79", f"--base-url={url}"), given="a fox\n"
        )
    assert result.status == 2
    assert "more than --max-cost=79" in result.err
    assert not list(tmp_path.iterdir())


def test_max_cost(empty_mock: MockServer, tmp_path: Path) -> None:
    """A file that would cost more is refused; with a journal, only what is left to submit counts."""
    prompts, journal = tmp_path / "prompts.txt", tmp_path / "batch.db"
    prompts.write_text("a fox\nan orchard\n")
    options = (str(prompts), f"--journal={journal}", "--max-cost=160")
    assert _generate(empty_mock, *options).status == 0
    prompts.write_text("a fox\nan orchard\na fox\na glacier\n")
    result = _generate(empty_mock, *options, "--dry-run")
    assert result.out.startswith("2 prompts, none submitted")
    result = _generate(empty_mock, *options[:2], "--max-cost=159")
    assert result.status == 2
    assert "the prompts would cost about 160 points, more than --max-cost=159" in result.err
    assert not result.out
    result = _generate(empty_mock, "-", "--max-cost=100", given="a\nb\n")
    assert result.status == 1
    assert "80 of max_cost=100 points are spent" in result.err
    assert "submits   1, of which 1 made a job" in result.err


def test_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to do, which is no mistake, and no journal is begun."""
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").touch()
    result = run_command("generate", "prompts.txt", "--base-url=http://127.0.0.1:9")
    assert (result.status, result.out) == (0, "")
    assert result.err == "prompts.txt has no prompts, so nothing was done.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["prompts.txt"]


def test_ctrl_c_ends_it(empty_slow_mock: MockServer, tmp_path: Path) -> None:
    """The summary and the report have what was submitted."""
    report = tmp_path / "report.html"
    where = (f"--base-url={empty_slow_mock.url}", f"--report={report}")
    with started("generate", "-", *_QUICKLY, *where) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("a fox\n")
        process.stdin.flush()
        assert "a fox" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.status == 130
    assert "submits   1" in result.err
    (journal,) = tmp_path.glob("generate-*.journal")
    assert "1 job still runs:\n" in result.err
    assert "  a fox\n" in result.err
    last = result.err.splitlines()[-1]
    assert last.startswith("To go on: legnext-stream generate --min-interval=0.05")
    assert last.endswith(f" --journal {journal.name}")
    assert re.search(r"stopped before its end", report.read_text(encoding="utf-8"))


def test_ctrl_c_without_a_journal(empty_slow_mock: MockServer) -> None:
    """The line to go on with has the ids, which are nowhere else."""
    url = f"--base-url={empty_slow_mock.url}"
    with started("generate", "-", "--no-journal", *_QUICKLY, url) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("a fox\n")
        process.stdin.flush()
        job_id = json.loads(process.stdout.readline())["job_id"]
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.err.endswith(f"To go on: legnext-stream watch --id {job_id} {url}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prompts.txt", "--journal", "a.db", "--no-journal"], "exclude each other"),
        ([], "nothing to submit: name a file of prompts"),
        (["--journal", "none.db"], "nothing to submit: name a file of prompts"),
        (["missing.txt"], "can't read missing.txt"),
        (["prompts.jsonl"], "prompts.jsonl:1: "),
        (["prompts.txt", "--task-type", "paint"], "--task-type"),
        (["prompts.txt", "--task-type", "upscale"], "prompts.txt:1: upscale takes no text"),
        (["prompts.txt", "--name", "same"], "--name: 'same' has no {number}"),
        (["prompts.txt", "--save-to", "prompts.txt"], "prompts.txt is not a folder"),
        (["prompts.txt", "--save-to", "prompts.txt/out"], "prompts.txt is not a folder"),
        (
            ["prompts.txt", "--journal", "gone/batch.db"],
            "can't begin the journal gone/batch.db: there",
        ),
        (["prompts.txt", "--journal", "."], ". is a folder, not a journal"),
        (["prompts.txt", "--journal", "prompts.txt"], "can't read the journal prompts.txt"),
        (["list.json"], "list.json:1: "),
        (["latin.txt"], "latin.txt:1: byte 4 of the line (0xe9) is not UTF-8"),
        (["prompts.txt", "--at-once", "0"], "--at-once"),
        (["prompts.txt", "--callback", "http://\udcff"], "--callback can't be sent: "),
        (["prompts.txt", "--callback", "me"], "--callback must be an http or https URL"),
        (["prompts.txt", "--max-cost", "-1"], "--max-cost"),
        (["prompts.txt", "--max-cost", "nan"], "--max-cost"),
        (["prompts.txt", "--max-cost", "79"], "about 80 points, more than --max-cost=79; nothing"),
        (["prompts.txt", "--if-unknown", "guess"], "--if-unknown"),
    ],
)
def test_wrong_usage_is_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One message says what to change, the status is 2, and no request is sent."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("a fox\n")
    Path("prompts.jsonl").write_text("a fox\n")
    Path("list.json").write_text("a fox\n")
    Path("latin.txt").write_text("café\n", encoding="latin-1")
    assert run(["generate", *arguments]) == 2
    out, err = capfd.readouterr()
    assert not out
    assert message in err
    assert err.count("\n") == 1


def test_a_closed_input_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A closed standard input is an error."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setattr(sys, "stdin", None)
    assert run(["generate", "-"]) == 2
    assert "it is closed" in capfd.readouterr().err
