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
from mockserver._plain import PlainError
from mockserver._serving.control.guard import Guard
from mockserver._serving.control.operations import OPERATIONS, Admin, Operation, UnknownError
from mockserver._serving.control.page import page

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import Receive, Scope, Send

    from mockserver._serving.control.control import Control

MOST_BYTES: Final = 1 << 20
"""The longest body of a request, in bytes."""


class _TooLargeError(Exception):
    """A body is longer than `MOST_BYTES`."""


class _Operations:
    """The operations of one path, by their methods; an ASGI application."""

    def __init__(self, admin: Admin, by_method: dict[str, Operation]) -> None:
        self._admin = admin
        self._by_method = by_method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            body = await _read(receive)
        except ClientDisconnect:
            return  # The request is incomplete, so nothing is done.
        except _TooLargeError:
            answer = error_answer(413, f"the body is longer than {MOST_BYTES} bytes")
        else:
            answer = self._answer(request, body)
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> JsonAnswer:
        # Starlette has GET routes answer HEAD as well.
        operation = self._by_method["GET" if request.method == "HEAD" else request.method]
        try:
            query = dict(request.query_params)
            answer = operation.run(self._admin, request.path_params, query, _decoded(body))
        except UnknownError as error:
            return error_answer(404, str(error))
        except ValueError as error:
            return error_answer(400, str(error))
        return JsonAnswer(msgspec.json.encode(answer))


def _decoded(body: bytes) -> object:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body)
    # The second comes from text that isn't UTF-8, the third from data that is nested too deeply.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlainError([f"the body must be JSON: {error}"]) from None


async def _read(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise _TooLargeError
        more = message.get("more_body", False)
    return body


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
