"""Real signals, forks and ends of the interpreter, in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.processes import rest_of


def run(program: str, *, interrupted: bool) -> tuple[list[str], str, int]:
    """Run a program, with Ctrl-C when it waits; its lines, what it complained of, and its end."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.legnext_stream.bridges.programs",
        program,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        if interrupted:
            for line in process.stdout:
                if line.strip() == "waiting":
                    process.send_signal(signal.SIGINT)
                    break
                lines.append(line.strip())
        try:
            out, complaints = rest_of(process)
        finally:
            process.kill()
    return lines + out.split("\n")[:-1], complaints, process.returncode


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        ("plain", ["pending", "interrupted NoneType", "left: []"]),
        ("plain_goes_on", ["pending", "interrupted", "2", "left: []"]),
        ("plain_call", ["interrupted 0", "left: []"]),
        ("under_asyncio", ["pending", "cancelled", "interrupted", "left: []"]),
    ],
)
def test_ctrl_c(program: str, lines: list[str]) -> None:
    """It comes out as itself where one waits, and leaves nothing behind."""
    said, complaints, code = run(program, interrupted=True)
    assert (said, complaints, code) == (lines, "", 0)


def test_ctrl_c_that_nobody_catches() -> None:
    """The program dies of it as any other does, and quickly."""
    said, complaints, code = run("plain_uncaught", interrupted=True)
    assert said == ["pending"]
    assert complaints.rstrip().endswith("KeyboardInterrupt")
    assert complaints.count("Traceback") == 1
    assert code == -signal.SIGINT


@pytest.mark.parametrize("program", ["open_at_the_end", "a_source_that_blocks"])
def test_the_end_of_the_interpreter(program: str) -> None:
    """It is clean and takes no time, whatever is still open."""
    assert run(program, interrupted=False) == (["pending"], "", 0)


@pytest.mark.skipif(not hasattr(sys.modules["os"], "fork"), reason="there is no fork here")
def test_a_fork() -> None:
    """A child is told that what it has was its parent's, and can open its own; the parent goes on."""
    said, complaints, code = run("forked", interrupted=False)
    told = (
        "this was opened before the process was forked, and belongs to the parent: open a new one"
    )
    assert said == ["pending", told, told, "child pending", "parent pending"]
    assert (complaints, code) == ("", 0)
