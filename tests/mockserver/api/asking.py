"""Requests for the tests of the API: one at a time, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver import Script, run_virtual
from tests.mockserver.helpers import client_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from mockserver import MockLegnext

COMPLETED = Script(["completed"])
PNG = b"\x89PNG\r\n\x1a\n0000"


def ask(
    mock: MockLegnext,
    method: str,
    path: str,
    **request: Any,  # noqa: ANN401 - httpx's own
) -> httpx.Response:
    """Make one request in virtual time."""

    async def one() -> httpx.Response:
        async with client_of(mock) as client:
            return await client.request(method, path, **request)

    return run_virtual(one)


def look_up(mock: MockLegnext, job_id: str) -> dict[str, Any]:
    """The job object in the answer about a job."""
    answer = ask(mock, "GET", f"/api/v1/job/{job_id}")
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def submit(mock: MockLegnext, task: str = "diffusion", **params: object) -> httpx.Response:
    """Submit a job."""
    return ask(mock, "POST", f"/api/v1/{task}", json=params or {"text": "a"})


def add_parent(mock: MockLegnext, params: Mapping[str, object]) -> list[str]:
    """Add the completed job that these parameters refer to, if any."""
    if "jobId" not in params:
        return []
    task = "video-diffusion" if "videoNo" in params else "diffusion"
    draft = {"text": "a --draft"}
    return [mock.world.add_job(task, at=mock.now, script=COMPLETED, job_id="j", params=draft)]
