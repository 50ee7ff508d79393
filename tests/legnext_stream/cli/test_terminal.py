"""`legnext-stream` on a real terminal."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from tests.legnext_stream.cli.support import KEY, environment, run_command, started
from tests.patience import PATIENCE
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"


@attrs.define
class _Terminal:
    """A terminal of 100 columns and 30 rows, and everything written to it."""

    ours: int
    theirs: int
    written: str = ""
    # A read may end in the middle of a character.
    _decoder: codecs.IncrementalDecoder = attrs.field(
        factory=codecs.getincrementaldecoder("utf-8"), init=False
    )

    def read_until(self, pattern: str) -> None:
        """Wait until what was written matches."""
        while not re.search(pattern, self.written):
            # If the command has died, show what it wrote.
            assert select.select([self.ours], [], [], PATIENCE)[0], self.written
            self._read()

    def status_of(self, process: subprocess.Popen[str]) -> int:
        """Read all that a command writes until it ends; return its exit status."""
        # A command that draws a lot would block on a full terminal if nothing read from it.
        while process.poll() is None:
            if select.select([self.ours], [], [], 0.05)[0]:
                self._read()
        while select.select([self.ours], [], [], 0)[0]:
            self._read()
        return process.returncode

    def _read(self) -> None:
        self.written += self._decoder.decode(os.read(self.ours, 65536))

    @property
    def settings(self) -> Sequence[object]:
        """The terminal's settings: echo, line editing and so on."""
        return termios.tcgetattr(self.theirs)


@pytest.fixture
def terminal() -> Iterator[_Terminal]:
    """A terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    yield _Terminal(ours, theirs)
    os.close(ours)
    os.close(theirs)


@contextmanager
def _on(terminal: _Terminal, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command with the terminal as all its streams."""
    fd = terminal.theirs
    env = environment(TERM="xterm-256color", LANG="C.UTF-8", PYTHONUTF8="1")
    with started(*arguments, stdin=fd, stdout=fd, stderr=fd, env=env) as process:
        yield process


def _plain(written: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written).replace("\r\n", "\n")


def test_the_display_is_drawn_and_removed(terminal: _Terminal, good_mock: MockServer) -> None:
    """At the end the terminal is as before, with the summary on it."""
    before = terminal.settings
    ids = [f"--id={job_id}" for job_id in good_mock.truth()]
    with _on(terminal, "watch", *ids, *_QUICKLY, f"--base-url={good_mock.url}") as process:
        terminal.read_until("of 3 ended")
        assert terminal.status_of(process) == 0
    assert terminal.settings == before
    assert terminal.written.rindex(_SHOW) > terminal.written.rindex(_HIDE)
    text = _plain(terminal.written)
    assert f"legnext-stream · {good_mock.url}" in text
    assert "● completed" in text
    assert "3 of 3 jobs ended in" in text[text.rindex("requests a second") :]
    assert "job_id" not in text
    assert KEY not in text


def test_what_was_made_is_listed(
    terminal: _Terminal, good_mock: MockServer, tmp_path: Path
) -> None:
    """At the end the URLs are listed, and the line that saves them."""
    ids = list(good_mock.truth())
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    with _on(terminal, "watch", "ids.txt", *_QUICKLY, f"--base-url={good_mock.url}") as process:
        assert terminal.status_of(process) == 0
    text = _plain(terminal.written)
    made, _, rest = text[text.rindex("Made:\n") :].partition("3 of 3 jobs ended")
    assert all(f"  {job_id}\n    {good_mock.url}/files/{job_id}/0.png\n" in made for job_id in ids)
    line = f"legnext-stream download ids.txt --save-to FOLDER --base-url={good_mock.url}"
    assert rest.endswith(f"To save them: {line}\n")


def test_what_earlier_runs_made_is_listed(
    terminal: _Terminal, empty_mock: MockServer, tmp_path: Path
) -> None:
    """A run whose batch has ended lists it all: as URLs, or as files if they are there."""
    (tmp_path / "prompts.txt").write_text("a fox\n")
    line = ("generate", "prompts.txt", *_QUICKLY, f"--base-url={empty_mock.url}")
    job_id = run_command(*line, "--save-to=out").events[-1]["job_id"]
    for options in ([], ["--save-to=out"]):
        with _on(terminal, *line, *options) as process:
            assert terminal.status_of(process) == 0
    urls, files = re.findall(r"(?s)Made:\n(.*?)Nothing is left", _plain(terminal.written))
    assert urls.startswith(f"  {job_id}  a fox\n    {empty_mock.url}/files/")
    assert files == f"  out/{job_id}-1.png + 3 more  a fox\n"


def test_what_is_said_meanwhile_does_not_tear_the_display(terminal: _Terminal) -> None:
    """It comes on lines of its own, above the display, which goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with _on(terminal, "watch", "--id=job-1", f"--base-url={url}") as process:
        terminal.read_until(r"(?s)retrying: .*of 1 ended.*of 1 ended")
        process.send_signal(signal.SIGINT)
        assert terminal.status_of(process) == 130
    lines = [line.rstrip() for line in _plain(terminal.written).splitlines()]
    assert lines.count(f"retrying: connection refused ({url})") == 1
    assert sum("retrying" in line for line in lines) == 1


def test_ctrl_c_restores_the_terminal(terminal: _Terminal, slow_mock: MockServer) -> None:
    """The cursor is shown again, and the summary follows the display."""
    before = terminal.settings
    ids = [f"--id={job_id}" for job_id in slow_mock.truth()]
    with _on(terminal, "watch", *ids, *_QUICKLY, f"--base-url={slow_mock.url}") as process:
        terminal.read_until("of 3 ended")
        process.send_signal(signal.SIGINT)
        assert terminal.status_of(process) == 130
    assert terminal.settings == before
    assert terminal.written.rindex(_SHOW) > terminal.written.rindex(_HIDE)
    assert "Stopped after" in terminal.written
    assert "Traceback" not in terminal.written


def test_json_on_a_terminal(terminal: _Terminal, good_mock: MockServer) -> None:
    """With --json a terminal gets what a pipe would, and no display."""
    job_id, *_ = good_mock.truth()
    url = f"--base-url={good_mock.url}"
    with _on(terminal, "watch", "--json", f"--id={job_id}", *_QUICKLY, url) as process:
        assert terminal.status_of(process) == 0
    assert '"status": "completed"' in terminal.written
    assert _HIDE not in terminal.written


def test_ids_typed_on_the_terminal(terminal: _Terminal, good_mock: MockServer) -> None:
    """No display disturbs the typing; Ctrl-D ends the input."""
    job_id, *_ = good_mock.truth()
    with _on(terminal, "watch", "-", *_QUICKLY, f"--base-url={good_mock.url}") as process:
        terminal.read_until(r"0 of 0\+ ended")
        os.write(terminal.ours, f"{job_id}\n\x04".encode())
        assert terminal.status_of(process) == 0
    assert _HIDE not in terminal.written
    assert "1 of 1 job ended" in terminal.written


def test_events_in_a_file_and_the_display_beside(
    terminal: _Terminal, good_mock: MockServer, tmp_path: Path
) -> None:
    """`> events.jsonl` leaves the terminal free to show how it goes."""
    job_id, *_ = good_mock.truth()
    path = tmp_path / "events.jsonl"
    env = environment(TERM="xterm-256color", PYTHONUTF8="1")
    arguments = ("watch", f"--id={job_id}", *_QUICKLY, f"--base-url={good_mock.url}")
    with (
        path.open("w") as file,
        started(*arguments, stdout=file, stderr=terminal.theirs, env=env) as process,
    ):
        terminal.read_until("of 1 ended")
        assert terminal.status_of(process) == 0
    assert '"status": "completed"' in path.read_text()


def test_ctrl_c_in_the_demo(terminal: _Terminal) -> None:
    """The status is 130, and the summary follows the display."""
    with _on(terminal, "demo", "--time-scale=1") as process:
        terminal.read_until("of 200 ended")
        process.send_signal(signal.SIGINT)
        assert terminal.status_of(process) == 130
    assert "Stopped after" in terminal.written
    assert "Traceback" not in terminal.written
