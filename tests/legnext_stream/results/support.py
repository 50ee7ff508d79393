"""Shared by the tests of downloads: hosts of files, and the content of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import httpx

from legnext_stream import Job, JobStatus, Output
from legnext_stream._http.files import Files
from legnext_stream._results import Saver
from mockserver._files import content_of
from tests.legnext_stream.support import HandMade

PNG = content_of("a", "0.png").body
ETAG = '"e"'
URL = "https://files.example/0.png"


def job(*urls: str, job_id: str = "j", status: JobStatus = JobStatus.COMPLETED) -> Job:
    """A job with these images."""
    return Job(job_id=job_id, status=status, task_type="upscale", output=Output(image_urls=urls))


def whole(body: bytes = PNG, code: int = 200, **headers: str) -> httpx.Response:
    """An answer with a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(code, content=body, headers={"etag": ETAG, **named})


@attrs.define
class Body(httpx.AsyncByteStream):
    """A body in pieces, which may end with an exception.

    Attributes:
        pieces: The pieces; exceptions among them are raised.
    """

    pieces: Iterable[bytes | Exception]

    async def __aiter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - httpx's
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def in_pieces(*pieces: bytes | Exception, code: int = 200, **headers: str) -> httpx.Response:
    """An answer with a body in pieces."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(code, stream=Body(pieces), headers={"etag": ETAG, **named})


def cut(at: int) -> httpx.Response:
    """The image, cut off after `at` bytes."""
    broken = httpx.ReadError("gone")
    return in_pieces(PNG[:at], broken, content_length=str(len(PNG)))


def rest(start: int, body: bytes = PNG) -> httpx.Response:
    """The image from byte `start` on."""
    said = f"bytes {start}-{len(body) - 1}/{len(body)}"
    return in_pieces(body[start:], code=206, content_range=said)


def host(*answers: httpx.Response | Exception) -> HandMade:
    """A host that gives these answers, one after the other."""
    left = list(answers)

    def handle(_request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return HandMade(handle)


def saver(
    transport: httpx.AsyncBaseTransport,
    folder: Path,
    **settings: Any,  # noqa: ANN401 - those of Saver
) -> Saver:
    """A saver from this host into a folder."""
    files = Files(transport=transport, allow_loopback=False, silence=10)
    return Saver(files, folder, **settings)


def names(folder: Path) -> Sequence[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())
