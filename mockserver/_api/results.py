"""The files of results: images and videos that can be had until their URLs expire.

Over memory, where every host leads to the mock, they lie on a host of their own, as they do in the
world; over sockets under `/files/` on the mock itself. They take no key and know no limits, as a
store of files behind signed URLs; faults meet them under the route `file`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from mockserver._api.outputs import (
    RESULTS_HOST,
    RESULTS_URL,
    names_of,
    results_expire_at,
    signature_of,
)
from mockserver._api.routes import FILE, ROUTE
from mockserver._files import content_of, part_for

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from mockserver._serving.service import Service

FILES: Final = "/files"
"""Below this path files lie on the mock's own host."""

_TEMPORARY: Final = "temp/"
_METHODS: Final = frozenset({"GET", "HEAD"})
# What our own server calls itself in memory; no address of a socket reads so.
_IN_MEMORY: Final = "memory"
# A host, and maybe a port, with nothing in it that JSON would escape.
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


@attrs.frozen
class FilePlace:
    """Where a request looks for a file.

    Attributes:
        job_id: The job whose it should be; None for a path that names none.
        name: Its name.
        is_temporary: Whether it is looked for under `/temp/`.
    """

    job_id: str | None
    name: str
    is_temporary: bool


def file_in(scope: Scope) -> FilePlace | None:
    """The file that a request is for; None for a request for anything else."""
    path: str = scope["path"]
    if scope["method"] not in _METHODS:
        return None
    if path.startswith(f"{FILES}/"):
        path = path.removeprefix(FILES)
    elif Headers(scope=scope).get("host") != RESULTS_HOST:
        return None
    folder, _, name = path.removeprefix("/").rpartition("/")
    is_temporary = folder.startswith(_TEMPORARY)
    job_id = folder.removeprefix(_TEMPORARY)
    return FilePlace(job_id or None, name, is_temporary)


def results_at(scope: Scope) -> str:
    """Where results lie for whoever makes this request: at a URL without a slash at its end."""
    server = scope.get("server")
    if server is None or server[0] == _IN_MEMORY:
        return RESULTS_URL
    # By the name that the client knows the mock by, also where a port is passed on to it.
    host = Headers(scope=scope).get("host", "")
    return f"{scope['scheme']}://{host}{FILES}" if _HOST.fullmatch(host) else RESULTS_URL


class Results:
    """ASGI middleware that answers for files; all else goes on.

    Args:
        app: What is asked for all else.
        service: Where the jobs are.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request."""
        # No coroutine of its own: every status request passes here.
        if scope.get(ROUTE) is not FILE:
            return self._app(scope, receive, send)
        return self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        service = self._service
        now, quirks = service.now(), service.quirks
        place = file_in(scope)
        job_id = None if place is None else place.job_id
        if place is None or job_id is None or job_id not in service.world:
            return PlainTextResponse("No such file", 404)
        job = service.world.job(job_id, now)
        if (
            job.status != "completed"
            or place.name not in names_of(job.task)
            or place.is_temporary != quirks.temporary_urls
            or scope["query_string"].decode("latin-1") != signature_of(job, service.epoch, quirks)
        ):
            return PlainTextResponse("No such file, or not with this signature", 404)
        expires_at = results_expire_at(job, quirks)
        if expires_at is not None and now >= expires_at:
            # A temporary file isn't there any more; from another one is only kept away.
            if quirks.temporary_urls:
                return PlainTextResponse("No such file any more", 404)
            return PlainTextResponse("Request has expired", 403)
        return _file(scope, job_id, place.name)


def _file(scope: Scope, job_id: str, name: str) -> Response:
    """A file, or the part of it that a request is for."""
    content = content_of(job_id, name)
    headers = Headers(scope=scope)
    fields = {"accept-ranges": "bytes", "etag": content.etag}
    size = len(content.body)
    asked = headers.get("range") if scope["method"] == "GET" else None
    try:
        part = part_for(asked, headers.get("if-range"), content.etag, size)
    except ValueError:
        fields["content-range"] = f"bytes */{size}"
        return PlainTextResponse("No such part", 416, fields)
    if part is None:
        return Response(content.body, 200, fields, content.media_type)
    fields["content-range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return Response(content.body[part.start : part.stop], 206, fields, content.media_type)
