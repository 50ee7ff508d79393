"""Logging: little, under one name, and never the key."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import trio

from legnext_stream import AuthenticationError, LegnextClient, Pacing
from legnext_stream._core.answers import Answer, NoReply
from legnext_stream._core.stats import Tally
from legnext_stream._http import Request
from legnext_stream._log import BELOW_DEBUG, LOGGER, Log, watch_ended
from mockserver import MockLegnext, Script
from mockserver._world.limits import TokenBucket
from tests.legnext_stream.support import KEY, URL, in_turn, no_reply, refusal, reply

QUICK = Script([("pending", 1), ("processing", 10), "completed"])
ASK = Request("GET", "/api/v1/job/some")


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """The messages that were logged at a level."""
    assert {record.name for record in caplog.records} <= {"legnext_stream"}
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_quiet_by_default() -> None:
    """Without logging set up, not even warnings are shown."""
    code = "from legnext_stream._log import LOGGER; LOGGER.warning('said')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


async def test_a_watch_begins_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    """The end is logged with the counts."""
    caplog.set_level(logging.INFO, "legnext_stream")
    mock = MockLegnext()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async for _ in client.watch([mock.add_job(QUICK), mock.add_job(QUICK)]):
            pass
        async for _ in client.watch([mock.add_job(QUICK)]):
            break
    begun, ended, _, left = said(caplog, logging.INFO)
    assert begun == f"watching jobs at {URL}"
    assert ended.startswith(f"stopped watching jobs at {URL}: 2 jobs ended, 0 did not, ")
    assert ended.endswith(" polls")
    assert "0 jobs ended, 1 did not" in left
    assert "StreamClosedError" in left


async def test_what_ended_a_watch(caplog: pytest.LogCaptureFixture) -> None:
    """The error is logged, without the key."""
    caplog.set_level(logging.DEBUG)
    async with LegnextClient(KEY, URL, in_turn(httpx.Response(401))) as client:
        with pytest.raises(AuthenticationError):
            await anext(client.watch(["a"]))
    assert "AuthenticationError" in said(caplog, logging.INFO)[-1]
    assert KEY not in caplog.text


async def test_each_request_is_logged_in_detail(caplog: pytest.LogCaptureFixture) -> None:
    """Requests are logged if DEBUG was enabled when the client was created."""
    mock = MockLegnext(latency=0.25)
    job_id = mock.add_job(QUICK)
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        caplog.set_level(logging.DEBUG, "legnext_stream")
        await client.wait(job_id)
    assert not said(caplog, logging.DEBUG)
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        asked = len(mock.requests)
        await client.wait(job_id)
        await client.diffusion("a lighthouse")
    told = said(caplog, logging.DEBUG)
    assert len(told) == len(mock.requests) - asked
    assert told[0] == f"GET /api/v1/job/{job_id}: 200 after 0.250 s"
    assert told[-1].startswith("POST /api/v1/diffusion: 200")
    assert KEY not in caplog.text
    assert "lighthouse" not in caplog.text


def test_a_request_without_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Requests without an answer are logged too."""
    caplog.set_level(logging.DEBUG, "legnext_stream")
    Log(URL).request_ended(ASK, no_reply(at=1.0), 10.0)
    assert said(caplog, logging.DEBUG) == [
        f"GET /api/v1/job/some: {URL} gave no answer: ReadTimeout after 0.000 s"
    ]


async def test_refusals_warn_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """There is at most one warning a minute."""
    mock = MockLegnext(seed=2, limit=TokenBucket(1.0, 1))
    pacing = Pacing(initial_rate=20)
    async with LegnextClient(KEY, URL, mock.transport(), pacing=pacing) as client:
        began = trio.current_time()
        async for _ in client.watch(mock.add_jobs(20)):
            pass
        took, refused = trio.current_time() - began, client.stats.rate_limited
    warned = said(caplog, logging.WARNING)
    assert refused > len(warned) >= 1
    assert len(warned) <= 1 + took / 60
    assert warned[0] == (
        f"{URL} answers 429, too many requests (1 so far); slowing down from 20 a second"
    )


def heard(log: Log, *answers: Answer) -> None:
    """Pass answers to a log, one after the other."""
    for answer in answers:
        log.request_ended(ASK, answer, 10.0)


def test_a_silent_host_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged after a while, then once a minute, and when the host answers again."""
    caplog.set_level(logging.INFO, "legnext_stream")
    log = Log(URL)
    heard(log, *(no_reply(at=float(at)) for at in range(9)))
    heard(log, refusal(500, at=9.0), no_reply(at=10.0))
    assert not caplog.records
    heard(log, *(no_reply(at=float(at)) for at in range(11, 100)))
    warned = said(caplog, logging.WARNING)
    assert [line.partition(";")[0] for line in warned] == [
        "no answer for 10 s",
        "no answer for 70 s",
    ]
    assert URL in warned[0]
    heard(log, reply(at=110.0), reply(at=111.0))
    assert said(caplog, logging.INFO) == [f"{URL} answers again after 100 s"]


def test_repeated_requests_are_for_the_command_line(caplog: pytest.LogCaptureFixture) -> None:
    """Each says why; not a single lost request of a host that answers, nor one that isn't repeated."""
    caplog.set_level(BELOW_DEBUG, "legnext_stream")
    log = Log(URL)
    lost = NoReply("…", 0.0, 1.0, was_sent=False, cause="connection refused")
    heard(log, lost)
    assert said(caplog, BELOW_DEBUG) == [f"retrying: connection refused ({URL})"]
    had_answered = log.has_answered
    heard(log, reply(at=2.0), lost)
    assert (had_answered, log.has_answered) == (False, True)
    assert len(said(caplog, BELOW_DEBUG)) == 1
    heard(log, no_reply())
    assert said(caplog, BELOW_DEBUG)[1:] == [f"retrying: timeout ({URL})"]
    log.request_ended(Request("POST", "/api/v1/diffusion"), no_reply(), 10.0)
    assert len(said(caplog, BELOW_DEBUG)) == 2


def test_a_host_that_only_has_trouble(caplog: pytest.LogCaptureFixture) -> None:
    """That is said from the second time in a row on; a limit, a success or a refusal interrupts it."""
    caplog.set_level(BELOW_DEBUG, "legnext_stream")
    log = Log(URL)
    for other in (reply(), refusal(429), refusal(404)):
        heard(log, refusal(503), other)
    assert not said(caplog, BELOW_DEBUG)
    heard(log, refusal(503), refusal(502))
    assert said(caplog, BELOW_DEBUG) == [f"retrying: the host answers 502 ({URL})"]


async def test_a_journal_that_is_resumed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Resuming a journal is a warning; starting a new one isn't."""
    mock, journal = MockLegnext(), tmp_path / "batch.db"
    ids = [
        mock.add_job(QUICK),
        mock.add_job(Script([("pending", 1), ("processing", 90), "failed"])),
    ]
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async for _ in client.watch(ids, journal=journal).terminal():
            break
    assert not said(caplog, logging.WARNING)
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async for _ in client.watch(journal=journal):
            pass
    assert said(caplog, logging.WARNING) == [
        "resumed from a journal: 2 jobs, 1 of them have not ended"
    ]


def test_nothing_is_formatted_without_a_listener(caplog: pytest.LogCaptureFixture) -> None:
    """The message at the end of a watch is formatted only if INFO is enabled."""
    caplog.set_level(logging.WARNING, "legnext_stream")
    watch_ended(URL, Tally(), None)
    assert not caplog.records
    assert any(isinstance(handler, logging.NullHandler) for handler in LOGGER.handlers)
