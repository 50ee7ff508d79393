"""Requests to a mock with faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver import MockLegnext, run_virtual
from tests.mockserver.helpers import POST, client_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx


def ask(mock: MockLegnext, path: str, times: Sequence[float] = (0.0,)) -> list[httpx.Response]:
    """GET a path at these times, one after the other, in virtual time."""

    async def main() -> list[httpx.Response]:
        async with client_of(mock) as client:
            answers = []
            for at in times:
                await wait_until(mock, at)
                answers.append(await client.get(path))
            return answers

    return run_virtual(main)


async def wait_until(mock: MockLegnext, at: float) -> None:
    """Let the world's time pass until `at`."""
    await mock._service.now.wait_until(at)


def submit(mock: MockLegnext) -> httpx.Response:
    """Submit a job."""

    async def main() -> httpx.Response:
        async with client_of(mock) as client:
            return await client.post(POST, json={"text": "a lighthouse"})

    return run_virtual(main)


def reported(mock: MockLegnext, job_id: str, times: Sequence[float] = (0.0,)) -> list[str | int]:
    """The reported statuses of a job at these times, or the status code of an error."""
    return [
        answer.json()["status"] if answer.status_code == 200 else answer.status_code
        for answer in ask(mock, f"/api/v1/job/{job_id}", times)
    ]
