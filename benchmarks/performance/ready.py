"""A host without cost: each request is answered at once, in this process."""

from __future__ import annotations

from typing import Final

import httpx
import trio

from legnext_stream import Stats

BASE_URL: Final = "http://legnext.test"
"""Its base URL."""


class ReadyTransport(httpx.AsyncBaseTransport):
    """Answers each poll with the same status.

    Args:
        status: The status.
    """

    def __init__(self, status: str) -> None:
        self._status = status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer."""
        await trio.lowlevel.checkpoint()
        job_id = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json={"job_id": job_id, "status": self._status})


def job_ids(count: int, *, first: int = 0) -> list[str]:
    """Job ids of the same length as the API's."""
    return [f"{number:08x}-0000-4000-8000-000000000000" for number in range(first, first + count)]


def taken_in(stats: Stats) -> int:
    """How many jobs have been added."""
    return stats.unseen + sum(stats.jobs.values())
