"""Every command line on the pages works, and prints what the page shows.

The command lines of a page run in one folder, in order. The folder has the files that the pages take for
granted (`ids.txt`, `prompts.txt`), and a mock server replaces the API. Mock servers that a page starts run
in the background, on a free port and in accelerated time.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final

import attrs
import pytest

from tests.docs.blocks import PAGES, ROOT, Block, blocks_of
from tests.patience import PATIENCE
from tests.servers import mock_server

_LANGUAGES: Final = ("console", "sh", "sql")
# Options that are added to commands that would otherwise take a minute.
_QUICKER: Final = {
    r"legnext-stream demo": "--jobs 12 --time-scale 2000",
    r"legnext-mock(?= --| *$)": "--time-scale 20000",
    # Poll often enough for jobs that end in a tenth of a second.
    r"legnext-stream (generate|watch)": "--min-interval 0.1 --max-interval 0.5",
}
_SHELL: Final = "/bin/bash"
# A scenario with the two mistakes that a page shows the messages for.
_STORM: Final = """
[[faults]]
fault = { kind = "stale", second = 5 }
[[faults]]
fault = { kind = "status", code = 503 }
[[faults]]
fault = { kind = "status", code = 503 }
when = { nth = 0 }
"""
# Stands for omitted output.
_LEFT_OUT: Final = "…"


@attrs.frozen
class Typed:
    """A command line, and the output that the page shows."""

    line: str
    printed: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words of the line, without a comment."""
        return shlex.split(self.line, comments=True)


def typed_in(block: Block) -> Iterator[Typed]:
    """Yield the command lines of a block: those after a `$`, or all lines of a script."""
    text = block.text.replace("\\\n", "")
    if block.language == "sh":
        yield from (Typed(line) for line in text.splitlines() if line.partition("#")[0].strip())
        return
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *printed = part.rstrip("\n").split("\n")
        yield Typed(line, tuple(printed))


def test_command_lines_are_found() -> None:
    """Command lines are found in consoles and scripts, with their output and over several lines."""
    console = Block(page=ROOT, number=1, language="console", text="$ a \\\n  b\nc\n…\n$ d  # e\n")
    assert list(typed_in(console)) == [Typed("a   b", ("c", "…")), Typed("d  # e")]
    script = attrs.evolve(console, language="sh", text="# a\nb  # c\n\nd\n")
    assert [typed.words for typed in typed_in(script)] == [["b"], ["d"]]


def _free_port() -> int:
    """Return a port that is free, and that no system gives to a program that asks for any port."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Terminal:
    """A folder, an environment, and background servers, in which the commands of a page run."""

    def __init__(self, folder: Path, url: str, ids: list[str], stack: ExitStack) -> None:
        self._folder = folder
        self._servers = stack.enter_context(ExitStack())
        self._port = str(_free_port())
        self._env = os.environ | {
            "LEGNEXT_API_KEY": "documents",
            "LEGNEXT_BASE_URL": url,
            "NO_COLOR": "1",
            # As wide as the pages, so that output wraps as shown.
            "COLUMNS": "120",
            # `legnext-stream` and the others, of this environment.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        (folder / "ids.txt").write_text("".join(f"{job_id}\n" for job_id in ids))
        (folder / "prompts.txt").write_text("a lighthouse\nthe same at night\n")
        (folder / "storm.toml").write_text(_STORM)

    def enter(self, typed: Typed) -> None:
        """Run a command line, or check it as far as it can be checked here."""
        match typed.words:
            case ["export", *settings]:
                for setting in settings:
                    name, _, value = setting.partition("=")
                    self._env[name] = self._here(value)
            case ["pip", "install", *_] if "&&" in typed.words:
                # Run the command that the installation is for.
                self.enter(Typed(typed.line.split("&&", 1)[1].strip(), typed.printed))
            case ["pip", "install", *wanted]:
                _check_extras(wanted)
            case ["pytest", *_]:
                pass  # This is what is running.
            case ["unset" | "read", *_]:
                pass  # The page switches to the real API.
            case ["python", "-m", module, *words]:
                _check_options(module, words)
            case ["legnext-mock", *words] if "explain" not in words:
                self._serve(typed)
            case _:
                self._run(typed)

    def query(self, script: str) -> None:
        """Run an SQL script on the journal left by the previous commands, or on a new one."""
        if not (self._folder / "batch.db").exists():
            self.enter(Typed("legnext-stream generate prompts.txt --journal batch.db"))
        with sqlite3.connect(f"file:{self._folder / 'batch.db'}?mode=ro", uri=True) as journal:
            for statement in script.split(";")[:-1]:
                journal.execute(statement).fetchall()
        journal.close()

    def _here(self, text: str) -> str:
        """Replace the port in a command line or a line of output by the free port."""
        return text.replace("8080", self._port)

    def _command(self, typed: Typed) -> str:
        line = self._here(typed.line.partition("  #")[0].rstrip())
        for command, options in _QUICKER.items():
            if re.match(command, line):
                line = f"{re.sub(r'--time-scale [0-9.]+', '', line)} {options}"
        return line

    def _run(self, typed: Typed) -> None:
        run = subprocess.run(
            [_SHELL, "-euo", "pipefail", "-c", self._command(typed)],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        # The status is 1 if jobs failed, which some do on purpose.
        assert run.returncode in {0, 1}, run.stderr
        assert "Traceback" not in run.stderr
        self._compare(typed.printed, run.stdout + run.stderr)

    def _serve(self, typed: Typed) -> None:
        """Start a server and leave it running, or check its error message if the page shows one."""
        self._servers.close()  # One server at a time, because all use the same port.
        command = self._command(typed)
        if "--port" not in command:
            command += f" --port {self._port}"
        process = subprocess.Popen(
            [_SHELL, "-c", f"exec {command}"],
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        self._servers.callback(process.stdout.close)
        self._servers.callback(process.wait, PATIENCE)
        self._servers.callback(process.send_signal, signal.SIGTERM)
        first = process.stdout.readline()
        if first.startswith("http://127.0.0.1:"):
            self._compare(typed.printed, first)
        else:
            assert typed.printed, first
            self._compare(typed.printed, first + process.stdout.read())
            assert process.wait(PATIENCE) == 2

    def _compare(self, promised: tuple[str, ...], printed: str) -> None:
        """Check that each line that a page shows was printed."""
        lines = printed.splitlines()
        for line in promised:
            parts = (re.escape(part) for part in self._here(line.rstrip()).split(_LEFT_OUT))
            pattern = re.compile(".*".join(parts))
            assert any(pattern.fullmatch(one.rstrip()) for one in lines), f"{line!r} not in {lines}"


def _check_extras(wanted: list[str]) -> None:
    """Check that the extras in a `pip install` exist."""
    project = (ROOT / "pyproject.toml").read_text()
    for word in wanted:
        for extra in re.findall(r"\[([\w,]+)\]", word):
            assert all(re.search(rf"(?m)^{name} = \[", project) for name in extra.split(","))


@cache
def _help(*command: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _check_options(module: str, words: list[str]) -> None:
    """Check that the options of a command that takes too long to run are in its help."""
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    assert all(option in _help(module) for option in options), (module, options)


_WITH_COMMANDS: Final = [page for page in PAGES if any(blocks_of(page, *_LANGUAGES))]


@pytest.mark.documented
@pytest.mark.parametrize("page", _WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines_work(page: Path, tmp_path: Path) -> None:
    """The command lines of a page run in order, and print what the page shows."""
    with ExitStack() as stack:
        server = stack.enter_context(mock_server("--jobs", "6", "--time-scale", "500"))
        terminal = Terminal(tmp_path, server.url, list(server.truth()), stack)
        for block in blocks_of(page, *_LANGUAGES):
            if block.language == "sql":
                terminal.query(block.text)
                continue
            for typed in typed_in(block):
                terminal.enter(typed)
