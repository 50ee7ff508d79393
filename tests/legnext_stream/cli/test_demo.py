"""`legnext-stream demo`, and the server process behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
import trio.testing

from legnext_stream import Pacing
from legnext_stream._cli.commands.demo import (
    MockServer,
    MockServerError,
    _first_line,
    mock_server,
    pacing_for,
)
from tests.legnext_stream.cli.support import environment, run_command


def test_the_demo_without_a_terminal() -> None:
    """Without a key, and past a proxy, it prints progress and a summary, and returns 0."""
    env = environment(LEGNEXT_API_KEY="", http_proxy="http://127.0.0.1:9", NO_PROXY="")
    result = run_command("demo", "--jobs=8", "--time-scale=200", env=env)
    assert result.status == 0, result.err
    assert result.out.startswith("[0:00] 0 of 8 ended")
    assert result.err.startswith("8 of 8 jobs ended in ")


def test_the_server_is_not_installed(tmp_path: Path) -> None:
    """The message says how to install it."""
    package = tmp_path / "starlette"
    package.mkdir()
    missing = "raise ModuleNotFoundError(\"No module named 'starlette'\")"
    (package / "__init__.py").write_text(missing)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    result = run_command("demo", env=environment(PYTHONPATH=path))
    assert result.status == 2
    assert "No module named 'starlette'" in result.err
    assert "pip install 'legnext-stream[demo]'" in result.err
    assert result.err.count("\n") == 1


async def test_a_server_that_does_not_start() -> None:
    """The error has the last line of its output."""
    with pytest.raises(MockServerError, match=r"did not start: reject@<number>: none"):
        async with mock_server(["--slots=none"]):
            raise AssertionError


async def test_the_server_ends_with_the_context() -> None:
    """If the body raises, the process ends and the exception is unchanged."""
    kept: list[MockServer] = []

    async def fail() -> None:
        async with mock_server([]) as server:
            server.check()
            kept.append(server)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert kept[0]._process.returncode is not None


async def test_a_server_that_ends_too_early() -> None:
    """It is noticed immediately, not after the timeout of a request."""
    async with mock_server([]) as server:
        server._process.kill()
        await server._process.wait()
        with pytest.raises(MockServerError, match="has ended: it printed no reason"):
            server.check()


def test_the_pacing_is_scaled_with_time() -> None:
    """Intervals are divided by the time scale; rates grow, up to a bound."""
    assert pacing_for(1.0) == Pacing()
    fast = pacing_for(1000.0)
    assert fast.min_interval == pytest.approx(0.001)
    assert fast.max_rate == fast.initial_rate == 100.0


async def test_a_first_line_that_arrives_in_parts() -> None:
    """The server's address is complete even if its line arrives in parts."""
    send, receive = trio.testing.memory_stream_one_way_pair()
    lines: list[str] = []

    async def read() -> None:
        lines.append(await _first_line(receive))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for part in (b"http://127.0.0.1:", b"8080\nand more"):
            await send.send_all(part)
            await trio.testing.wait_all_tasks_blocked()
    assert lines == ["http://127.0.0.1:8080"]
