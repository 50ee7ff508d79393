"""Ending a watch early: Ctrl-C, other signals, and closed pipes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.legnext_stream.cli.support import ended, started
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


@contextmanager
def _watching(mock: MockServer, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A watch that has written its first event."""
    ids = [f"--id={job_id}" for job_id in mock.truth()]
    with started("watch", *arguments, *ids, *_QUICKLY, f"--base-url={mock.url}") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_watch(
    slow_mock: MockServer, number: signal.Signals, status: int
) -> None:
    """A summary is printed, and the status says which signal it was."""
    with _watching(slow_mock) as process:
        process.send_signal(number)
        result = ended(process)
    assert result.status == status
    assert result.err.startswith("Stopped after 0:0")
    assert "0 of 3 jobs had ended." in result.err


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "--no-journal"),
        ("watch",),
        ("download", "--save-to=out"),
    ],
)
def test_a_signal_while_a_file_has_nothing_yet(
    tmp_path: Path, arguments: tuple[str, ...], number: signal.Signals, status: int
) -> None:
    """A FIFO whose writer takes its time, as of a shell's `<(…)`, doesn't delay the end."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with started(*arguments, str(path)) as process, path.open("wb", buffering=0) as writer:
        # More than a pipe holds: when it is written, the command is reading.
        writer.write(b"#" * 100_000)
        # One that comes just before a read doesn't interrupt it; a person presses Ctrl-C again.
        for _ in range(50):
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                assert process.wait(0.2) == status
                break
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_ctrl_c_while_waiting_for_input(slow_mock: MockServer) -> None:
    """A silent standard input doesn't delay the end."""
    with _watching(slow_mock, "-") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        # The input is still open; `communicate` would close it.
        err = process.stderr.read()
        assert process.wait() == 130
    assert err.startswith("Stopped after")
    assert "Traceback" not in err


def test_ctrl_c_while_input_is_read_by_a_thread(slow_mock: MockServer) -> None:
    """The same if the input can't be waited for."""
    with (
        open("/dev/null") as nothing,  # noqa: PTH123 - a device
        _interrupted_at_once(slow_mock, nothing.fileno()) as process,
    ):
        result = ended(process)
    assert result.status == 130


@contextmanager
def _interrupted_at_once(mock: MockServer, stdin: int) -> Iterator[subprocess.Popen[str]]:
    job_id, *_ = mock.truth()
    arguments = ("watch", "-", f"--id={job_id}", *_QUICKLY, f"--base-url={mock.url}")
    with started(*arguments, stdin=stdin) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        yield process


def test_a_reader_that_stops(fast_mock: MockServer) -> None:
    """`| head -1` is no error: only what still runs is said, and how to go on."""
    with _watching(fast_mock) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 141
    assert re.match(r"[0-9]+ jobs? still runs?:\n", err)
    assert err.splitlines()[-1].startswith("To go on: legnext-stream watch --id=")


def test_a_closed_standard_error(slow_mock: MockServer) -> None:
    """A closed standard error doesn't change the exit status."""
    with _watching(slow_mock) as process:
        assert process.stderr is not None
        process.stderr.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
