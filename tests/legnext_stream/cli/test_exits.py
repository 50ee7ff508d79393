"""Exit statuses and their messages."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from legnext_stream import (
    AuthenticationError,
    ConfigurationError,
    HostUnreachableError,
    InsufficientCreditsError,
    JournalInUseError,
    LegnextError,
)
from legnext_stream._cli import main
from legnext_stream._cli.app import run
from legnext_stream._cli.exits import Exit, complain, fail
from legnext_stream._startup import end_quietly


@pytest.fixture(autouse=True)
def _kept_handler() -> Iterator[None]:
    """Ctrl-C ends the tests as it did before."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def _status_of_main() -> object:
    with pytest.raises(SystemExit) as raised:
        main()
    return raised.value.code


@contextlib.contextmanager
def _gone() -> Iterator[IO[str]]:
    """A pipe whose reader has gone away."""
    reading, writing = os.pipe()
    os.close(reading)
    file = os.fdopen(writing, "w", encoding="utf-8")
    try:
        yield file
    finally:
        with contextlib.suppress(BrokenPipeError):
            file.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuthenticationError("no"), Exit.USAGE),
        (ConfigurationError("no"), Exit.USAGE),
        (JournalInUseError("no"), Exit.USAGE),
        (InsufficientCreditsError("no"), Exit.INCOMPLETE),
        (HostUnreachableError("no"), Exit.INCOMPLETE),
    ],
)
def test_an_error_has_a_status(error: LegnextError, status: Exit) -> None:
    """Wrong usage has another status than trouble with the API or the network."""
    assert fail(error) is status


def test_a_wrong_key_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """The message says which setting to look at."""
    fail(AuthenticationError("401"))
    assert "401 – is LEGNEXT_API_KEY the right key?\n" in capsys.readouterr().err
    fail(HostUnreachableError("no answer"))
    assert capsys.readouterr().err == "legnext-stream: no answer\n"


def test_a_message_is_one_line_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A message can't move the cursor or span two lines."""
    complain("a\nb\x1b[2J")
    assert capsys.readouterr().err == "legnext-stream: a b [2J\n"


def test_a_closed_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed standard error is ignored."""
    monkeypatch.setattr(sys, "stderr", None)
    complain("nothing happens")


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])]
)
def test_ctrl_c_while_loading(monkeypatch: pytest.MonkeyPatch, interruption: BaseException) -> None:
    """Ctrl-C during the imports, or while Trio starts, gives status 130 without a traceback."""

    def interrupted(_: object) -> int:
        raise interruption

    monkeypatch.setattr("legnext_stream._cli.app.run", interrupted)
    assert _status_of_main() == 130


def test_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group with any other exception is raised."""

    def fails(_: object) -> int:
        raise BaseExceptionGroup("", [KeyboardInterrupt(), ValueError()])

    monkeypatch.setattr("legnext_stream._cli.app.run", fails)
    with pytest.RaisesGroup(KeyboardInterrupt, ValueError):
        main()


@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.SIG_DFL])
def test_ctrl_c_that_is_ignored_stays_ignored(
    monkeypatch: pytest.MonkeyPatch, before: signal.Handlers
) -> None:
    """As `nohup` and a shell's `&` want it; otherwise what follows the command is quiet, too."""
    monkeypatch.setattr("legnext_stream._cli.app.run", lambda _: 0)
    signal.signal(signal.SIGINT, before)
    assert _status_of_main() == 0
    expected = end_quietly if before is signal.SIG_DFL else before
    assert signal.getsignal(signal.SIGINT) is expected


@pytest.mark.parametrize(
    ("output", "status", "expected"), [("stdout", 0, 141), ("stdout", 2, 2), ("stderr", 0, 0)]
)
def test_output_whose_reader_has_gone_away(
    monkeypatch: pytest.MonkeyPatch, output: str, status: int, expected: int
) -> None:
    """Output left at the end gives 141, unless it is of errors or something else was wrong."""
    monkeypatch.setattr("legnext_stream._cli.app.run", lambda _: status)
    with _gone() as file:
        monkeypatch.setattr(sys, output, file)
        file.write("the end")
        assert _status_of_main() == expected


def test_output_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to write."""
    monkeypatch.setattr("legnext_stream._cli.app.run", lambda _: 0)
    monkeypatch.setattr(sys, "stdout", None)
    assert _status_of_main() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["watch", "--help"],
        ["--version"],
        ["completion", "bash"],
        ["simulate", "--jobs=1"],
    ],
    ids=" ".join,
)
def test_a_reader_that_has_gone_away(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each command ends with 141, without a message."""
    with _gone() as file:
        monkeypatch.setattr(sys, "stdout", file)
        assert run(arguments) == 141
    assert "can't" not in capfd.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize("arguments", [["--help"], ["completion", "zsh"]], ids=" ".join)
def test_an_output_that_is_full(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message says so."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run(arguments) == 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert "can't write the output: No space left on device" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", b"caf\xe9 \xe2\x80\xa6"), ("ascii", b"caf\\udce9 \\u2026")]
)
def test_what_the_output_can_not_encode(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, encoding: str, written: bytes
) -> None:
    """A path that is not in UTF-8 comes out as it is, and what is missing as an escape."""
    path = tmp_path / "out"
    with path.open("w", encoding=encoding) as file:
        monkeypatch.setattr(sys, name, file)
        assert run(["--version"]) == 0
        file.write("caf\udce9 …")
    assert path.read_bytes().endswith(written)
