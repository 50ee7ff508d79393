"""Ctrl-C while the command imports the library."""

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import pytest

from legnext_stream._startup import end_quietly, is_command

_INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "legnext_stream._client":
            os.kill(os.getpid(), signal.SIGINT)

sys.argv[0] = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupting())
import legnext_stream
"""


@pytest.mark.parametrize(
    ("arguments", "original", "expected"),
    [
        (["/usr/bin/legnext-stream", "watch"], ["python", "/usr/bin/legnext-stream"], True),
        (["legnext-stream.exe"], ["python", "legnext-stream.exe"], True),
        (["-m", "watch"], ["python", "-W", "error", "-m", "legnext_stream", "watch"], True),
        (["-m"], ["python", "-m", "pytest"], False),
        (["-m"], ["python", "-mlegnext_stream"], False),
        (["program.py", "legnext-stream"], ["python", "program.py"], False),
        ([], [], False),
    ],
)
def test_the_command_and_programs(
    arguments: list[str],
    original: list[str],
    expected: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Only the command handles Ctrl-C, not a program that uses the library."""
    assert is_command(arguments, original) is expected


def _interrupted(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", _INTERRUPTED, *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_the_command_ends_quietly() -> None:
    """With the status of Ctrl-C, and no traceback."""
    ended = _interrupted("legnext-stream")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_program_gets_its_exception() -> None:
    """A program that uses the library is interrupted as ever."""
    assert "KeyboardInterrupt" in _interrupted("program.py").stderr


def test_there_is_nothing_to_clean_up() -> None:
    """The process ends at once."""
    with mock.patch.object(os, "_exit", side_effect=SystemExit) as leave, pytest.raises(SystemExit):
        end_quietly()
    leave.assert_called_once_with(130)
