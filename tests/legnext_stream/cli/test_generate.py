"""`legnext-stream generate` against a real server."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from legnext_stream._cli.app import run
from tests.legnext_stream.cli.support import KEY, Ran, ended, run_command, started
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
    assert "prompt 2  not submitted: " in result.err


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
    third = _generate(empty_mock, f"--journal={journal}")
    assert third.status == 0
    assert not third.out


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
    assert re.search(r"stopped before its end", report.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
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
