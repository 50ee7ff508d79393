"""The API as an ASGI application.

It runs under any ASGI server and any event loop, as nothing here depends on Trio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route

from mockserver._api.account import active_tasks_body, balance_body
from mockserver._api.answers import Answer, JsonAnswer, error_answer
from mockserver._api.bodies import read_params
from mockserver._api.files import results_at
from mockserver._api.openapi import document_of
from mockserver._api.outputs import RESULTS_URL, has_expired
from mockserver._api.references import check_references
from mockserver._api.refusals import Refusal
from mockserver._api.routes import JOB_PREFIX, ROUTE
from mockserver._api.validation import kept_of, prompts_of, validate
from mockserver._api.wire import job_body
from mockserver._serving.applied_faults import reported_job
from mockserver._serving.gate import MADE_JOB, Gate
from mockserver._serving.results import Results
from mockserver._world.routes import ACTIVE_TASKS, BALANCE, FILE, JOB, OPENAPI
from mockserver._world.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mockserver._serving.service import Service
    from mockserver._serving.webhooks import Webhooks
    from mockserver._world.routes import Route as ApiRoute
    from mockserver._world.tasks import TaskType

    Layer: TypeAlias = Callable[[ASGIApp], ASGIApp]


class GetJob:
    """`GET /api/v1/job/{job_id}`: a job as it is now.

    A plain ASGI application for speed, as most requests are for this route.
    """

    def __init__(self, service: Service, webhooks: Webhooks) -> None:
        self._service = service
        self._webhooks = webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        service = self._service
        world, quirks = service.world, service.quirks
        job_id = scope["path"][len(JOB_PREFIX) :]
        now = service.now()
        job = reported_job(service, scope, job_id, now)
        if job is not None and not has_expired(job, now, quirks):
            shown = self._webhooks.as_shown(job, now)
            # Most requests come before a job has results.
            place = results_at(scope) if shown.status == "completed" else RESULTS_URL
            answer = Answer(job_body(shown, service.epoch, quirks, place))
            # After the answer is made: a job that advances with each poll does so for the next.
            world.poll(job_id, now)
            await answer(scope, receive, send)
        else:
            missing = error_answer(404, "Job not found", "no such job", quirks)
            await missing(scope, receive, send)


def by_route(app: ASGIApp, direct: Mapping[ApiRoute | None, ASGIApp]) -> ASGIApp:
    """ASGI middleware that passes requests for some routes directly to their applications.

    In Starlette, the handling of exceptions and the search for a route take a quarter of the time
    that a status request takes in the application (3.5 of 15 µs, measured).
    """

    def handle(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # The gate has determined the route.
        return direct.get(scope.get(ROUTE), app)(scope, receive, send)

    return handle


class Submit:
    """`POST /api/v1/<task>`: a new job of one task type."""

    def __init__(self, service: Service, task: TaskType) -> None:
        self._service = service
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        service = self._service
        quirks = service.quirks
        try:
            params = await read_params(scope, receive, self._task, quirks.max_body_bytes)
            now = service.now()
            self._check(params, now)
        except Refusal as refusal:
            answer = error_answer(refusal.status_code, refusal.message, str(refusal), quirks)
            await answer(scope, receive, send)
            return
        except ClientDisconnect:
            return  # The request is incomplete, so there is no job and nobody to answer.
        callback = params.get("callback")
        job_id = service.world.add_job(
            self._task.name,
            at=now,
            callback=callback if isinstance(callback, str) else "",
            params=kept_of(self._task, params),
        )
        scope[MADE_JOB] = job_id
        job = service.world.job(job_id, now)
        await Answer(job_body(job, service.epoch, quirks))(scope, receive, send)

    def _check(self, params: Mapping[str, object], now: float) -> None:
        """Raise a `Refusal` unless the job can be made."""
        service, world, task = self._service, self._service.world, self._task
        validate(task, params)
        check_references(task, params, world, now, service.quirks)
        if service.moderation is not None:
            prompts = prompts_of(task, params)
            objection = service.moderation.objection(prompts, world.randomness)
            if objection is not None:
                raise Refusal(403, objection)
        if not world.can_afford(task.name, now):
            raise Refusal(402, f"the balance doesn't cover the price of {task.name}")
        if world.is_full(now):
            raise Refusal(429, "the maximum number of concurrent jobs is reached")


def _routes(service: Service, get_job: GetJob) -> Iterator[Route]:
    """The API's routes, in the order of its table."""
    yield Route(JOB.path, get_job, methods=[JOB.method])
    for name, task in TASKS.items():
        yield Route(f"/api/v1/{name}", Submit(service, task), methods=["POST"])

    async def balance(_request: Request) -> JsonAnswer:
        now = service.now()
        return JsonAnswer(balance_body(service.world.balance(now), service.epoch, now))

    async def active_tasks(_request: Request) -> JsonAnswer:
        if not service.quirks.active_tasks:
            raise HTTPException(404)
        return JsonAnswer(
            active_tasks_body(service.world, service.now(), service.epoch, service.quirks)
        )

    async def openapi(_request: Request) -> JsonAnswer:
        return JsonAnswer(msgspec.json.encode(document_of(service.quirks)))

    yield Route(BALANCE.path, balance)
    yield Route(ACTIVE_TASKS.path, active_tasks)
    yield Route(OPENAPI.path, openapi)


def build_app(
    service: Service,
    webhooks: Webhooks,
    *,
    other_routes: Iterable[BaseRoute] = (),
    behind_gate: Layer | None = None,
) -> ASGIApp:
    """Build the ASGI application that serves `service`.

    The middleware `behind_gate` comes between the gate and the routes.
    """
    get_job = GetJob(service, webhooks)

    async def as_api_error(_request: Request, error: Exception) -> JsonAnswer:
        """Write the errors of Starlette (no route, wrong method) as the API does."""
        if isinstance(error, HTTPException):
            answer = error_answer(error.status_code, error.detail, quirks=service.quirks)
            answer.headers.update(error.headers or {})
            return answer
        return error_answer(
            500, "Internal server error", type(error).__name__, quirks=service.quirks
        )

    routes = Starlette(
        routes=[*_routes(service, get_job), *other_routes],
        exception_handlers={HTTPException: as_api_error, Exception: as_api_error},
    )
    # A client that adds a slash to a path gets 404, as from the API.
    routes.router.redirect_slashes = False
    # Around Starlette rather than within it, where each middleware costs more time.
    app: ASGIApp = by_route(routes, {JOB: get_job})
    if behind_gate is not None:
        app = behind_gate(app)
    return Gate(by_route(app, {FILE: Results(service)}), service)
