"""A service without memory: each id encodes the state of its job at any time.

So everything that grows in a long run belongs to the client, and a week of jobs costs the service
nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs
import httpx
import trio

from mockserver._serving.network import serve_connection

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# How many of 1,000 requests get this status code.
_TROUBLE: Final = ((503, 5), (500, 3), (429, 1))
_PATH: Final = "/api/v1/job/"


def new_job_id(number: int, *, at: float, waits: float, runs: float) -> str:
    """The id of a job that arrives at a time, then waits, then runs; all in seconds."""
    return f"{number:x}-{at * 1000:.0f}-{waits * 1000:.0f}-{runs * 1000:.0f}"


@attrs.frozen
class Conveyor:
    """The service.

    Attributes:
        clock: Returns the time, seconds.
        trouble: Whether some of the requests fail.
    """

    clock: Callable[[], float]
    trouble: bool = True

    def answer(self, job_id: str) -> tuple[int, bytes]:
        """Return the status code and body for a request about a job."""
        now = self.clock()
        chance = zlib.crc32(f"{job_id} {now:.3f}".encode()) % 1000
        for code, share in _TROUBLE if self.trouble else ():
            if chance < share:
                return code, b'{"code":%d,"message":"trouble"}' % code
            chance -= share
        at, waits, runs = (int(part) / 1000 for part in job_id.split("-")[1:])
        starts, ends = at + waits, at + waits + runs
        status = "pending" if now < starts else "processing" if now < ends else "completed"
        body = {"job_id": job_id, "status": status, "task_type": "diffusion", "output": {}}
        return 200, json.dumps(body).encode()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same as an answer to an HTTP path."""
        await receive()
        code, body = self.answer(scope["path"].removeprefix(_PATH))
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until it ends."""
        crashes: list[Exception] = []
        await serve_connection(self.app, stream, crashes.append)
        assert not crashes


class Direct(httpx.AsyncBaseTransport):
    """A transport that calls the service without HTTP: much faster, and without connections that could leak."""

    def __init__(self, conveyor: Conveyor) -> None:
        self._conveyor = conveyor

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await trio.lowlevel.checkpoint()
        code, body = self._conveyor.answer(request.url.path.removeprefix(_PATH))
        return httpx.Response(code, content=body)
