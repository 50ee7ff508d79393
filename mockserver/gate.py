"""What every request to the API passes before its route: delay, key, limit, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio

from mockserver.api.answers import error_answer
from mockserver.api.wire import date_header
from mockserver.journal import RequestRecord
from mockserver.world import Admitted, Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mockserver.service import Service

ADMIN = "/__admin/"
"""Paths below this are about the mock; they pass freely, and aren't journaled."""
JOB = "/api/v1/job/"
"""What the path of a status request begins with."""
MADE_JOB = "legnext_mock.made_job"
"""The key of the request's scope under which a route leaves the id of the job it made."""


class Gate:
    """ASGI middleware that lets requests through to the routes, and writes the journal.

    Args:
        app: The routes.
        service: What they serve.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(ADMIN):
            await self._app(scope, receive, send)
            return
        service = self._service
        arrived_at = service.now()
        method: str = scope["method"]
        path = _sent_path(scope)
        retry_after: int | None = None
        recorded = False

        def record(status_code: int) -> None:
            nonlocal recorded
            recorded = True
            job_id = scope["path"][len(JOB) :] if path.startswith(JOB) else scope.get(MADE_JOB)
            service.journal.add(
                RequestRecord(
                    arrived_at, service.now(), method, path, job_id, status_code, retry_after
                )
            )

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                record(message["status"])
                message["headers"].append((b"date", date_header(service.epoch, service.now())))
            await send(message)

        # The limit is the account's, so it counts requests whose key says whose they are. It
        # decides when they arrive; the route decides when the answer is made.
        accepted = service.accepts(_api_key(scope))
        verdict = service.world.limit.admit(arrived_at) if accepted else None
        try:
            if service.latency is not None:
                await anyio.sleep(service.draw_latency(service.latency, method, path))
            if verdict is None:
                answer = error_answer(401, "Invalid API key", "missing or unknown x-api-key")
                await answer(scope, receive, send_dated)
            elif isinstance(verdict, Refused):
                retry_after = service.client_seconds(verdict.retry_after)
                answer = error_answer(429, "Too many requests", "rate limit exceeded")
                answer.headers["retry-after"] = str(retry_after)
                await answer(scope, receive, send_dated)
            else:
                await self._app(scope, receive, send_dated)
        except Exception as error:
            if not recorded:
                record(500)
            service.note_crash(error)
            raise
        finally:
            # Also of a request whose client has hung up meanwhile.
            if isinstance(verdict, Admitted):
                service.world.limit.finish(service.now())


def _sent_path(scope: Scope) -> str:
    """The path as it stood in the request; ASGI lets servers leave it out."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("ascii", "replace").partition("?")[0]


def _api_key(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            key: bytes = value
            return key.decode("latin-1")
    return ""
