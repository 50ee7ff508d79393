"""The mock server as a process of its own, for as long as the demo lasts."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from subprocess import DEVNULL, PIPE
from typing import IO

import attrs
import trio

from legnext_stream._cli.exits import UsageError
from legnext_stream.errors import LegnextError

# How long the server may take to end when it is told to, seconds.
_LEAVING = 3.0


class MockServerError(LegnextError):
    """The mock server did not start, or ended before its time."""


@attrs.frozen
class MockServer:
    """A mock server that is running.

    Attributes:
        url: Where it listens.
    """

    url: str
    _process: trio.Process
    _said: IO[bytes]

    def check(self) -> None:
        """Check that it still runs.

        Raises:
            MockServerError: It doesn't.
        """
        if self._process.returncode is not None:
            raise MockServerError(f"the mock server has ended: {last_line(self._said)}")


@asynccontextmanager
async def mock_server(options: Sequence[str]) -> AsyncIterator[MockServer]:
    """Run the mock server as long as the context is open; it ends with it, however that is left.

    Args:
        options: Of the command `legnext-mock`, but for the port.

    Raises:
        UsageError: The packages it needs aren't installed.
        MockServerError: It doesn't start.
    """
    # -P: what lies in the folder the demo is started in has no business here.
    command = [sys.executable, "-P", "-m", "mockserver", "--port", "0", *options]
    # Its complaints go to a file: a pipe that nobody empties would stop it one day.
    with tempfile.TemporaryFile() as said:
        process = await trio.lowlevel.open_process(
            command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=said,
            # Out of reach of Ctrl-C, which a terminal sends to all its processes: the demo ends it.
            start_new_session=True,
        )
        output = process.stdout
        assert output is not None  # noqa: S101 - for the type checker: it was asked for
        try:
            url = await _first_line(output)
            if not url:
                await process.wait()
                raise _did_not_start(last_line(said))
            yield MockServer(url, process, said)
        finally:
            with trio.CancelScope(shield=True):
                process.terminate()
                with trio.move_on_after(_LEAVING):
                    await process.wait()
                process.kill()
                await process.wait()
                await output.aclose()


async def _first_line(output: trio.abc.ReceiveStream) -> str:
    """What a process prints first; empty if it ends before it has printed a line."""
    line = b""
    async for part in output:
        line += part
        if b"\n" in line:
            return line.partition(b"\n")[0].decode().strip()
    return ""


def _did_not_start(reason: str) -> Exception:
    if "No module named" in reason:
        return UsageError(
            f"the demo needs the mock server ({reason}): pip install 'legnext-stream[demo]'"
        )
    return MockServerError(f"the mock server did not start: {reason}")


def last_line(said: IO[bytes]) -> str:
    """The last words a process has written; of a traceback that is the error itself."""
    said.seek(0)
    lines = said.read().decode(errors="replace").splitlines()
    while lines and not any(map(str.isalnum, lines[-1])):
        lines.pop()  # A frame around a message has a last line without words.
    framed = list(takewhile(lambda line: line.startswith("│"), reversed(lines)))
    words = framed[::-1] or lines[-1:]
    return " ".join(line.strip(" │") for line in words) or "it said nothing"
