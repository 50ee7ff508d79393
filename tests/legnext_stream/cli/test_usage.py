"""Wrong usage: status 2, one line that says what to change, and no request."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from legnext_stream import __version__
from legnext_stream._cli.app import run
from tests.legnext_stream.cli.support import JOB_ID, KEY, run_command

# No server listens there; a request would show in the message.
_NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", _NOWHERE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], "bogus"),
        (["watch"], "nothing to watch: name a file"),
        (["watch", "--bogus"], "There is no option --bogus"),
        (["watch", "ids.txt", "--bogus"], "--bogus"),
        (["watch", "ids.txt", "more.txt"], "unexpected argument 'more.txt' (see"),
        (["watch", "ids.txt", "b", "c"], "unexpected arguments 'b', 'c' (see"),
        (
            ["watch", "ids.txt", "--max-rate", "fast"],
            "--max-rate must be a number, not 'fast' (see",
        ),
        (["simulate", "--jobs", "x"], "--jobs must be a whole number, not 'x'"),
        (["generate", "ids.txt", "--jsonl=perhaps"], "--jsonl must be yes or no, not 'perhaps'"),
        (["simulate", "--jobs", "0"], '"0" for --jobs. It must be at least 1 (see'),
        (["simulate", "--jobs", "1", "--rate", "0"], "--rate. It must be more than 0 (see"),
        (["status"], "JOURNAL is missing (see"),
        (["download", "--id", "a"], "--save-to is missing (see"),
        (["download", "--save-to"], "--save-to needs a value (see"),
        (["watch", "missing.txt"], "can't read missing.txt: No such file or directory"),
        (["watch", "--id"], "--id"),
        (["watch", "--id", "a b"], "--id: 'a b' is not a job id"),
        (
            ["watch", "--id", JOB_ID, "--timeout", "soon"],
            "must be a number of seconds, or none, and not 'soon'",
        ),
        (["watch", "--id", JOB_ID, "--timeout", "-1"], "--timeout"),
        (["watch", "--id", JOB_ID, "--timeout", "nan"], "--timeout"),
        (["watch", "--id", JOB_ID, "--poll-cost", "0"], "--poll-cost=… must be above 0"),
        (
            ["watch", "--id", JOB_ID, "--min-interval", "90"],
            "--min-interval=90.0 is above --max-interval=60.0",
        ),
        (["watch", "--id", JOB_ID, "--base-url", "ftp://host"], "base_url must look like"),
        (["watch", "--api-key", "x"], "--api-key"),
        (
            ["watch", "ids.txt", "--journal", "gone/b.db"],
            "can't begin the journal gone/b.db: there is",
        ),
        (["watch", "ids.txt", "--journal", "."], ". is a folder, not a journal"),
        (["demo", "--jobs", "0"], "--jobs"),
        (["demo", "--time-scale", "0"], "--time-scale"),
        (["demo", "--time-scale", "inf"], "--time-scale"),
    ],
)
def test_wrong_usage_is_named(
    arguments: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line on standard error says what is wrong; standard output stays empty."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ids.txt").write_text(JOB_ID)
    assert run(arguments) == 2
    out, err = capfd.readouterr()
    assert not out
    assert message in err
    assert err.startswith("legnext-stream: ")
    assert err.count("\n") == 1
    assert KEY not in err


def test_a_folder_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A shell may be in a folder that was removed since."""

    def gone() -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "cwd", gone)
    assert run(["watch", "--id", JOB_ID]) == 2
    assert capfd.readouterr().err == (
        "legnext-stream: can't use the current folder: No such file or directory\n"
    )


def test_a_folder_that_takes_no_journal(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is named before anything is done."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert run(["watch", "--id", JOB_ID, f"--journal={tmp_path}/b.db"]) == 2
    assert f"can't begin the journal {tmp_path}/b.db: no file can be" in capfd.readouterr().err


@pytest.mark.parametrize("key", ["", "  "])
def test_no_key(
    key: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a key the message says how to set one."""
    monkeypatch.setenv("LEGNEXT_API_KEY", key)
    assert run(["watch", "--id", JOB_ID]) == 2
    assert "set the environment variable LEGNEXT_API_KEY" in capfd.readouterr().err


def test_a_bad_line_of_a_file_is_named_before_any_request(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message has the file, line and item, and no job was polled."""
    path = tmp_path / "ids.txt"
    path.write_text(f"# mine\n{JOB_ID}\n\nsome thing\n")
    assert run(["watch", str(path)]) == 2
    err = capfd.readouterr().err
    assert f"{path}:4: 'some thing' is not a job id" in err
    assert _NOWHERE not in err


@pytest.mark.parametrize(("stream", "arguments"), [("stdin", ["-"]), ("stdout", ["--id", JOB_ID])])
def test_a_closed_stream_is_named(
    stream: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A command without a stream that it needs says so."""
    monkeypatch.setattr(sys, stream, None)
    assert run(["watch", *arguments]) == 2
    assert "it is closed" in capfd.readouterr().err


def test_an_empty_list_is_no_mistake(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An empty batch has completed."""
    path = tmp_path / "ids.txt"
    path.write_text("# none today\n")
    assert run(["watch", str(path), "--timeout", "none"]) == 0
    out, err = capfd.readouterr()
    assert not out
    assert err == f"{path} has no job ids, so nothing was done.\n"


def test_an_empty_stream_is_no_mistake() -> None:
    """Nothing is asked for, and nothing is done."""
    result = run_command("watch", "-", f"--base-url={_NOWHERE}")
    assert (result.status, result.out) == (0, "")
    assert result.err == "Nothing came in, so nothing was done.\n"


def test_help_teaches(capfd: pytest.CaptureFixture[str]) -> None:
    """--help has examples, environment, exit statuses and all pacing options, but none for the key."""
    assert run(["--help"]) == 0
    text = capfd.readouterr().out
    for words in ("legnext-stream demo", "LEGNEXT_API_KEY", "LEGNEXT_BASE_URL", "130", "141"):
        assert words in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert run(["watch", "--help"]) == 0
    text = capfd.readouterr().out
    for words in ("--timeout", "--poll-cost", "--max-rate", "--max-in-flight", "--min-interval"):
        assert words in text
    assert "--api-key" not in text


def test_no_command(capfd: pytest.CaptureFixture[str]) -> None:
    """It prints the help."""
    assert run([]) == 0
    assert "legnext-stream watch ids.txt" in capfd.readouterr().out


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    """It prints the version."""
    assert run(["--version"]) == 0
    assert capfd.readouterr().out == f"{__version__}\n"
