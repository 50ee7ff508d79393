"""No attack harms a watch with a journal, or a watch that resumes from that journal."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from legnext_stream import (
    JobEvent,
    JobStatus,
    LegnextClient,
    LegnextError,
    UnexpectedAnswerError,
)
from legnext_stream._cli.events_json import event_line
from legnext_stream._core.model.ids import check_job_id
from tests.hostile.attacks import (
    ATTACKS,
    ELSEWHERE,
    IDS,
    JOB_ID,
    MEBIBYTE,
    REDIRECTS,
    WITHOUT_END,
    Attack,
)
from tests.hostile.server import HostileServer, WatchedNetwork
from tests.legnext_stream.support import KEY, URL

# Much longer than any of them should take; this only detects tests that hang.
LONGEST = 1000.0  # seconds of the world
MOST_WORK = 10.0  # seconds of this machine


@pytest.fixture(autouse=True)
def _bounded_work() -> Iterator[None]:
    """Each test takes little processor time."""
    started = time.process_time()
    yield
    assert time.process_time() - started < MOST_WORK


def traced(attack: Attack) -> None:
    """Stop tracing memory, and check the peak since it began."""
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < attack.memory, f"{peak / MEBIBYTE:.0f} MiB"


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_an_attack_on_a_watch(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer counts as an observation or is ignored, and the job ends correctly, once."""
    path = tmp_path / "batch.db"
    server = HostileServer(attack)
    network = WatchedNetwork(server)
    network.install(monkeypatch)
    delivered: list[JobEvent] = []
    tracemalloc.start()
    with trio.fail_after(LONGEST):
        async with LegnextClient(KEY, URL) as client:
            async with client.watch([JOB_ID], journal=path) as events:
                async for event in events:
                    delivered.append(event)
                    break
                stats = events.stats
            asked = len(server.requests)
            # It was not acknowledged, so it is delivered again, without a request.
            async with client.watch(journal=path) as events:
                delivered += [event async for event in events]
            async with client.watch(journal=path) as events:
                delivered += [event async for event in events]
            assert len(server.requests) == asked
    traced(attack)
    first, again = delivered
    assert first.status is JobStatus.COMPLETED
    assert again.job.output == first.job.output
    assert first.job_id == again.job_id == JOB_ID
    assert asked == (1 if attack.means == "seen" else 2)
    assert stats.troubles == (attack.means == "trouble")
    assert stats.rate_limited == (attack.means == "limited")
    assert network.hosts == {"legnext.test"}
    assert network.now_open == 0
    check_written(delivered, path)


def check_written(events: list[JobEvent], path: Path) -> None:
    """The events can be shown and serialised."""
    for event in events:
        assert JOB_ID in repr(event)
        line = event_line(event, 1.9e9)
        assert line.isascii()
        assert json.loads(line)["job_id"] == JOB_ID
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        query = "SELECT status, json_valid(body) FROM events"
        assert connection.execute(query).fetchall() == [("completed", 1)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_an_attack_on_a_single_call(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that returns one answer returns it, retries, or raises one of our errors."""
    server = HostileServer(attack)
    network = WatchedNetwork(server)
    network.install(monkeypatch)
    with trio.fail_after(LONGEST):
        async with LegnextClient(KEY, URL, retry_for=60) as client:
            with contextlib.suppress(LegnextError):
                job = await client.get_job(JOB_ID)
                assert job.job_id == JOB_ID
                assert repr(job)
    assert network.hosts == {"legnext.test"}
    assert network.now_open == 0


@pytest.mark.parametrize("attack", IDS, ids=str)
async def test_an_id_that_leads_elsewhere_does_not_come_out_of_a_submit(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that could change the path of a request is refused."""
    WatchedNetwork(HostileServer(attack)).install(monkeypatch)
    async with LegnextClient(KEY, URL) as client:
        try:
            job = await client.diffusion("a lighthouse")
        except UnexpectedAnswerError:
            return
    assert check_job_id(job.job_id)


@pytest.mark.parametrize("attack", WITHOUT_END, ids=str)
async def test_what_has_no_end_is_not_read_to_the_end(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client reads some megabytes of an endless answer, then closes the connection."""
    server = HostileServer(attack)
    network = WatchedNetwork(server)
    network.install(monkeypatch)
    async with LegnextClient(KEY, URL) as client:
        [event async for event in client.watch([JOB_ID])]
    assert server.sent < 8 * MEBIBYTE


@pytest.mark.parametrize("attack", REDIRECTS, ids=str)
async def test_the_key_is_not_led_elsewhere(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests go to the configured host, with the path of the job."""
    server = HostileServer(attack)
    network = WatchedNetwork(server)
    network.install(monkeypatch)
    async with LegnextClient(KEY, URL) as client:
        [event async for event in client.watch([JOB_ID])]
    assert network.hosts == {"legnext.test"}
    for request in server.requests:
        assert request.startswith(f"GET /api/v1/job/{JOB_ID} HTTP/1.1\r\n".encode())
        assert ELSEWHERE.encode() not in request
