"""The routes of the API as an ASGI application, over a world.

It runs under any ASGI server and any event loop: nothing here knows Trio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route

from mockserver.api.answers import Answer, JsonAnswer, error_answer
from mockserver.api.validation import InvalidRequestError, read_params, validate
from mockserver.api.wire import balance_body, job_body
from mockserver.gate import MADE_JOB, Gate
from mockserver.world import TASKS

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from mockserver.service import Service
    from mockserver.world import TaskType


class GetJob:
    """`GET /api/v1/job/{job_id}`: a job as it is now.

    A plain ASGI application, as this is nearly all that a mock server is asked for.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        service = self._service
        job_id = scope["path_params"]["job_id"]
        if job_id in service.world:
            job = service.world.job(job_id, service.now())
            await Answer(job_body(job, service.epoch))(scope, receive, send)
        else:
            await error_answer(404, "Job not found", "no such job")(scope, receive, send)


class Submit:
    """`POST /api/v1/<task>`: a new job of one task type."""

    def __init__(self, service: Service, task: TaskType) -> None:
        self._service = service
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            params = await read_params(Request(scope, receive), self._task.name)
            validate(self._task.name, params)
        except InvalidRequestError as problem:
            await error_answer(400, "Invalid parameters", str(problem))(scope, receive, send)
            return
        except ClientDisconnect:
            return  # It left before it had said what it wants: no job, and nobody to tell.
        service = self._service
        now = service.now()
        callback = params.get("callback")
        job_id = service.world.add_job(
            self._task.name, at=now, callback=callback if isinstance(callback, str) else ""
        )
        scope[MADE_JOB] = job_id
        await Answer(job_body(service.world.job(job_id, now), service.epoch))(scope, receive, send)


async def _as_api_error(_request: Request, error: Exception) -> JsonAnswer:
    """Write what Starlette refuses by itself (no such route, wrong method) as the API does."""
    if isinstance(error, HTTPException):
        answer = error_answer(error.status_code, error.detail)
        answer.headers.update(error.headers or {})
        return answer
    return error_answer(500, "Internal server error", type(error).__name__)


def build_app(service: Service) -> Starlette:
    """The ASGI application that serves `service`."""

    async def balance(_request: Request) -> JsonAnswer:
        return JsonAnswer(balance_body(service.epoch, service.now()))

    async def truth(_request: Request) -> JsonAnswer:
        changes = service.world.truth(service.now())
        return JsonAnswer(msgspec.json.encode(dict(changes)))

    async def requests(_request: Request) -> JsonAnswer:
        return JsonAnswer(msgspec.json.encode(list(service.journal)))

    app = Starlette(
        routes=[
            Route("/api/v1/job/{job_id}", GetJob(service), methods=["GET"]),
            *(
                Route(f"/api/v1/{name}", Submit(service, task), methods=["POST"])
                for name, task in TASKS.items()
            ),
            Route("/api/account/balance", balance),
            Route("/__admin/truth", truth),
            Route("/__admin/requests", requests),
        ],
        middleware=[Middleware(Gate, service=service)],
        exception_handlers={HTTPException: _as_api_error, Exception: _as_api_error},
    )
    # The API knows its paths exactly; a client that adds a slash is to learn of it here.
    app.router.redirect_slashes = False
    return app
