"""The host where results lie: images and videos that can be had until their URLs expire.

Over a transport in memory every host leads to the mock, so that a program which downloads what its
jobs have made can be tested whole. What is served are the smallest files of their kinds.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from mockserver.api.fields import PNG_SIGNATURE
from mockserver.api.outputs import RESULTS_HOST, output_of, results_expire_at

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from mockserver.service import Service


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _png() -> bytes:
    """One grey pixel."""
    # Width and height, eight bits of grey, and the only methods there are.
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x80")  # The line's filter (none), and its pixel.
    parts = ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(_png_chunk(kind, data) for kind, data in parts)


# A file of MP4 says first of all what it is; this one says nothing else.
_MP4: Final = struct.pack(">I", 24) + b"ftypisom" + struct.pack(">I", 512) + b"isommp42"

_FILES: Final = {"png": ("image/png", _png()), "mp4": ("video/mp4", _MP4)}


class Results:
    """ASGI middleware that answers for the host where results lie; all else goes on.

    It needs no key and knows no limits, as a store of files behind signed URLs.

    Args:
        app: What is asked of other hosts.
        service: Where the jobs are.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request."""
        # No coroutine of its own: every status request passes here.
        if (
            scope["type"] != "http"
            or scope["path"].startswith("/api/")
            or Headers(scope=scope).get("host") != RESULTS_HOST
        ):
            return self._app(scope, receive, send)
        return self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        service = self._service
        now = service.now()
        path: str = scope["path"]
        folder, _, name = path.rpartition("/")
        job_id = folder.removeprefix("/").removeprefix("temp/")
        job = service.world.job(job_id, now) if job_id in service.world else None
        if job is None or job.status != "completed":
            return PlainTextResponse("No such file", 404)
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        folder = "temp/" if path.startswith("/temp/") else ""
        url = f"https://{RESULTS_HOST}/{folder}{quote(job_id, safe='')}/{name}{query}"
        if f'"{url}"' not in output_of(job, service.epoch, service.quirks):
            return PlainTextResponse("No such file, or not with this signature", 404)
        expires_at = results_expire_at(job, service.quirks)
        if expires_at is not None and now >= expires_at:
            return PlainTextResponse("Request has expired", 403)
        media_type, content = _FILES[name.rpartition(".")[2]]
        return Response(content, media_type=media_type)
