"""What a command says while it waits for a host."""

from __future__ import annotations

import logging
import signal
import socket
import time

import pytest
import trio
import trio.testing

from legnext_stream._cli import notices
from legnext_stream._cli.notices import Notices, client_for
from legnext_stream._cli.options import ApiOptions
from legnext_stream._log import BELOW_DEBUG, LOGGER, RETRYING
from tests.legnext_stream.cli.support import KEY, ended, environment, host_answering, started


@pytest.mark.parametrize(
    "command", [["watch", "--id=job-1"], ["balance"], ["submit", "diffusion", "--text=x"]]
)
def test_a_host_that_refuses_connections(command: list[str]) -> None:
    """Every command says at once why it waits, also in a pipe."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with started(*command, f"--base-url={url}", env=environment()) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"retrying: connection refused ({url})\n"
        process.send_signal(signal.SIGINT)
        assert ended(process).status == 130


def test_a_host_that_says_nothing() -> None:
    """A host that takes connections and never answers is named, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with started("watch", "--id=job-1", f"--base-url={url}") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == f"waiting: no answer yet from {url}\n"
            process.send_signal(signal.SIGINT)
            assert ended(process).status == 130


def test_a_host_that_is_not_the_api() -> None:
    """What it answers is no job; that is said, too."""
    with (
        host_answering(200, {"hello": "stranger"}) as url,
        started("watch", "--id=job-1", f"--base-url={url}") as process,
    ):
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line == "retrying: the host gave an answer about something else\n"
        process.send_signal(signal.SIGINT)
        assert ended(process).status == 130


def _emit(handler: Notices, cause: str, message: str = RETRYING) -> None:
    handler.handle(
        LOGGER.makeRecord("legnext_stream", BELOW_DEBUG, "", 0, message, (cause, "http://a"), None)
    )


def test_the_same_is_said_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another cause is said at once; other records, and control characters, not at all."""
    times = iter((0.0, 0.0, 30.0, 61.0, 61.0, 62.0, 62.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    handler = Notices()
    for _ in range(3):
        _emit(handler, "connection refused")
    _emit(handler, "no\x1broute")
    _emit(handler, "x", "%s at %s")
    assert capsys.readouterr().err.splitlines() == [
        "retrying: connection refused (http://a)",
        "retrying: connection refused (http://a)",
        "retrying: no route (http://a)",
    ]


def test_logging_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler is there only while the command runs, and the level only if it has a client."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    level, handlers = LOGGER.level, list(LOGGER.handlers)
    with notices.noticing():
        assert LOGGER.level == level
        client_for(ApiOptions(base_url="http://a"))
        assert LOGGER.isEnabledFor(BELOW_DEBUG)
        assert len(LOGGER.handlers) == len(handlers) + 1
    assert LOGGER.level == level
    assert LOGGER.handlers == handlers
    assert logging.getLogger("legnext_stream") is LOGGER


def test_a_host_that_has_nothing_to_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While no request is under way, nobody waits for an answer."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)

    async def main() -> None:
        with notices.noticing() as noticed:
            async with client_for(ApiOptions(base_url="http://a")):
                with trio.move_on_after(60):
                    await noticed.say_if_silent()
        # Outside of a command, too.
        client_for(ApiOptions(base_url="http://a"))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert not capsys.readouterr().err
