"""The admin routes as an ASGI application: JSON in, JSON out, and the page."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router

from mockserver._api.answers import JsonAnswer, error_answer
from mockserver._api.bodies import bounded, decoded
from mockserver._api.refusals import Refusal
from mockserver._serving.control.guard import Guard
from mockserver._serving.control.operations import OPERATIONS, Admin, Operation, UnknownError
from mockserver._serving.control.page import page

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import Receive, Scope, Send

    from mockserver._serving.control.control import Control

MOST_BYTES: Final = 1 << 20
"""The longest body of a request, in bytes."""


class _Operations:
    """The operations of one path, by their methods; an ASGI application."""

    def __init__(self, admin: Admin, by_method: dict[str, Operation]) -> None:
        self._admin = admin
        self._by_method = by_method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, bounded(scope, receive, MOST_BYTES))
        # Starlette has GET routes answer HEAD as well.
        operation = self._by_method["GET" if request.method == "HEAD" else request.method]
        query = dict(request.query_params)
        try:
            body = await request.body()
            data = decoded(body) if body else {}
            result = operation.run(self._admin, request.path_params, query, data)
            answer = JsonAnswer(msgspec.json.encode(result))
        except ClientDisconnect:
            return  # The request is incomplete, so nothing is done.
        except Refusal as refusal:
            answer = error_answer(refusal.status_code, str(refusal))
        except UnknownError as error:
            answer = error_answer(404, str(error))
        except ValueError as error:
            answer = error_answer(400, str(error))
        await answer(scope, receive, send)


async def _page(_request: Request) -> Response:
    return page()


def admin_routes(control: Control, hosts: Collection[str]) -> list[BaseRoute]:
    """Make the routes below `/__admin/`; `hosts` as for `Guard`."""
    admin = Admin(control)
    by_path: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in OPERATIONS:
        by_path[operation.path][operation.method] = operation
    routes = [
        Route(path, _Operations(admin, by_method), methods=list(by_method))
        for path, by_method in by_path.items()
    ]
    return [
        Mount(
            "/__admin",
            Router([Route("/", _page), *routes], redirect_slashes=False),
            middleware=[Middleware(Guard, hosts=hosts)],
        )
    ]
