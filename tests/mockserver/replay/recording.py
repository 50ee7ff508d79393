"""Recordings of a batch against a mock, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import trio

from mockserver import MockLegnext, run_virtual
from mockserver._replay import Recorder, Transcript, read_transcript
from tests.mockserver.helpers import POST, client_of
from tests.mockserver.replay.resending import resend

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = "sk-0123456789-secret"
_MOST_POLLS: Final = 40


def client_to(
    mock: MockLegnext, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """A client with a secret key and a timeout."""
    return client_of(
        mock,
        transport=mock.transport() if transport is None else transport,
        headers={"x-api-key": KEY},
        timeout=20.0,
    )


async def _follow(client: httpx.AsyncClient, number: int, every: float) -> None:
    """Submit a job and poll it until it ends, despite all errors."""
    job_id = ""
    for _ in range(_MOST_POLLS):
        try:
            if job_id:
                answer = await client.get(f"/api/v1/job/{job_id}")
            else:
                answer = await client.post(POST, json={"text": f"prompt {number}"})
            job = answer.json()
        except (httpx.TransportError, ValueError):
            job = {}
        job_id = job_id or job.get("job_id", "")
        if job.get("status") in {"completed", "failed"}:
            return
        await trio.sleep(every)


async def batch(client: httpx.AsyncClient, jobs: int) -> None:
    """Submit and follow some jobs, each at its own pace."""
    async with trio.open_nursery() as nursery:
        for number in range(jobs):
            nursery.start_soon(_follow, client, number, 7.25 + number / 8)


def record(mock: MockLegnext, path: Path, jobs: int = 6) -> Transcript:
    """Run a batch in virtual time against a mock, and record it."""

    async def run() -> None:
        async with client_to(mock, Recorder(path, mock.transport())) as client:
            await batch(client, jobs)

    run_virtual(run)
    assert not mock.crashes
    return read_transcript(path)


def replay(transcript: Transcript, mock: MockLegnext) -> None:
    """Send the requests of a recording to a mock, in virtual time."""

    async def run() -> None:
        async with client_to(mock) as client:
            await resend(transcript, client)

    run_virtual(run)
    assert not mock.crashes
