"""What every request to the API passes before its route: faults, delay, key, limits, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio

from mockserver._api.answers import error_answer
from mockserver._api.files import file_in
from mockserver._api.hints import Field, Scale, limit_fields, retry_after, retry_after_in
from mockserver._api.routes import ROUTE, job_id_in, route_of
from mockserver._api.times import date_header
from mockserver._faults import NOTHING, plan_for
from mockserver._serving.applied_faults import (
    CANT_FAIL,
    MISLEADING,
    damaging,
    fail_connection,
    replacement_for,
)
from mockserver._serving.journal import RequestRecord
from mockserver._world.limit_rules import Ticket
from mockserver._world.limits import Refused
from mockserver._world.routes import FILE, JOB, OPENAPI, RequestFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mockserver._serving.service import Service

ADMIN = "/__admin/"
"""Requests below this path are about the mock itself: they pass freely, and aren't journaled."""
_API = "/api/"
MADE_JOB = "legnext_mock.made_job"
"""The key of a request's scope under which a route leaves the id of the job that it made."""


class Gate:
    """ASGI middleware that admits requests to the routes, and writes the journal."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(ADMIN) or path == OPENAPI.path:
            await self._app(scope, receive, send)
        else:
            await _Passage(self._service, scope, send).go(self._app, receive)


class _Passage:
    """One request on its way through the gate.

    Its faults, and whether the limits admit it, are decided when it arrives. The limits count all
    requests with an accepted key.
    """

    __slots__ = (
        "_facts",
        "_is_file",
        "_is_recorded",
        "_plan",
        "_scope",
        "_send",
        "_service",
        "_verdict",
    )

    def __init__(self, service: Service, scope: Scope, send: Send) -> None:
        self._service = service
        self._scope = scope
        self._send = send
        self._facts = facts = _facts_of(scope, service.now())
        scope[ROUTE] = facts.route
        self._plan = plan_for(service.faults, facts) if service.faults else NOTHING
        # The URL of a file is enough to download it, and files are stored elsewhere, so the limits
        # of the API don't apply.
        self._is_file = facts.route is FILE
        is_admitted = not self._is_file and (
            service.accepts(facts.key)
            or (service.quirks.get_without_key and facts.route is JOB and not facts.key)
        )
        self._verdict: Ticket | Refused | None = (
            service.limits.admit(facts) if is_admitted else None
        )
        self._is_recorded = False

    async def go(self, routes: ASGIApp, receive: Receive) -> None:
        """Answer it."""
        plan = self._plan
        send = damaging(plan.damages, self._send_start) if plan.damages else self._send_start
        try:
            if (seconds := self._delay()) > 0:
                await anyio.sleep(seconds)
            await self._answer(routes)(self._scope, receive, send)
        except Exception as error:
            self._service.note_crash(error)
            if not self._is_recorded:
                broken = error_answer(
                    500, "Internal server error", type(error).__name__, self._service.quirks
                )
                # If a cancellation interrupts this, the error isn't lost: it is among the crashes.
                await broken(self._scope, receive, self._send_start)  # noqa: ASYNC120 - see above
            raise
        finally:
            # Also if the client has left in the meantime.
            if isinstance(self._verdict, Ticket) and self._verdict.is_counted:
                self._verdict.finish(self._service.now())

    def _delay(self) -> float:
        """How long the answer is delayed, in the clock's seconds."""
        service, seconds = self._service, self._plan.delay
        if service.latency is not None:
            seconds += service.latency.draw(self._facts.method, self._facts.path)
        if isinstance(self._verdict, Ticket):
            seconds += self._verdict.delay
        return seconds / service.now.time_scale

    def _answer(self, routes: ASGIApp) -> ASGIApp:
        """The application that answers it: the routes, or something in their place."""
        plan, quirks = self._plan, self._service.quirks
        if plan.connection and not fail_connection(plan.connection, self._scope):
            return error_answer(500, "Fault not possible", CANT_FAIL, quirks)
        if plan.replacement is not None:
            return replacement_for(plan.replacement, self._service)
        if self._verdict is None and not self._is_file:
            return error_answer(401, "Invalid API key", "missing or unknown x-api-key", quirks)
        if isinstance(self._verdict, Refused):
            return self._refusal(self._verdict)
        if plan.misleading:
            self._scope[MISLEADING] = plan.misleading
        return routes

    def _refusal(self, verdict: Refused) -> ASGIApp:
        service = self._service
        answer = error_answer(429, "Too many requests", "rate limit exceeded", service.quirks)
        scale = self._scale(service.now())
        value = retry_after(service.hints.retry_after, verdict.retry_after, scale)
        if value is not None:
            answer.headers["retry-after"] = value.decode()
        return answer

    async def _send_start(self, message: Message) -> None:
        """Send a message; write the journal, and complete the head of the answer."""
        if message["type"] == "http.response.start":
            service, headers = self._service, message["headers"]
            now = service.now()
            self._record(message["status"], now, headers)
            if service.hints.fields:
                headers += self._limit_fields(now)
            headers.append((b"date", date_header(service.epoch, now)))
        await self._send(message)

    def _limit_fields(self, now: float) -> list[Field]:
        # A fault that answers in place of the API doesn't report its limits.
        if self._verdict is None or self._plan.replacement is not None:
            return []
        limits = self._service.limits.hints(self._facts, now)
        return limit_fields(self._service.hints.fields, limits, self._scale(now))

    def _scale(self, now: float) -> Scale:
        return Scale(self._service.epoch, now, self._service.now.time_scale)

    def _record(self, status_code: int, now: float, headers: Sequence[Field] = ()) -> None:
        self._is_recorded = True
        service, facts = self._service, self._facts
        # Most answers are a success, and these have no `Retry-After`.
        wait = None if status_code < 300 else retry_after_in(headers, self._scale(now))
        service.journal.add(
            RequestRecord(
                facts.at,
                now,
                facts.method,
                facts.path,
                facts.job_id or self._scope.get(MADE_JOB),
                status_code,
                wait,
                None if facts.route is None else facts.route.template,
                self._plan.names,
            )
        )


def _facts_of(scope: Scope, at: float) -> RequestFacts:
    method, path = scope["method"], scope["path"]
    if not path.startswith(_API) and (file := file_in(scope)) is not None:
        return RequestFacts(at, method, _sent_path(scope), FILE, file.job_id)
    sent_path, key, job_id = _sent_path(scope), _api_key(scope), job_id_in(path)
    return RequestFacts(at, method, sent_path, route_of(method, path, job_id), job_id, key)


def _sent_path(scope: Scope) -> str:
    """The path as it was sent, percent-encoded. `raw_path` is optional in ASGI."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("ascii", "replace").partition("?")[0]


def _api_key(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            key: bytes = value
            return key.decode("latin-1")
    return ""
