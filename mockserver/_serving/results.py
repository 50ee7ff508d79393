"""The files of results: images and videos that can be downloaded until their URLs expire.

As with files behind signed URLs, requests for them need no key and count towards no limit. Faults
apply to them under the route `file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from mockserver._api.files import file_in
from mockserver._api.outputs import names_of, results_expire_at, signature_of
from mockserver._files import content_of, part_for

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from mockserver._serving.service import Service


class Results:
    """An ASGI application that answers requests for files."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._answer(scope)(scope, receive, send)

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
            # A temporary file has been deleted; any other is only out of reach.
            if quirks.temporary_urls:
                return PlainTextResponse("No such file any more", 404)
            return PlainTextResponse("Request has expired", 403)
        return _file(scope, job_id, place.name)


def _file(scope: Scope, job_id: str, name: str) -> Response:
    """The answer with a file, or with the part of it that a request asks for."""
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
