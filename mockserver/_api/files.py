"""Where result files are: their URLs for a client, and the file that a request asks for.

In memory, where every host leads to the mock, files have a host of their own, as they do in
reality. Over sockets they are on the mock itself, under `/files/`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs
from starlette.datastructures import Headers

from mockserver._api.outputs import RESULTS_HOST, RESULTS_URL

if TYPE_CHECKING:
    from starlette.types import Scope

FILES: Final = "/files"
"""The path below which the mock's own host serves result files."""

_TEMPORARY: Final = "temp/"
_METHODS: Final = frozenset({"GET", "HEAD"})
IN_MEMORY: Final = "memory"
"""The host of the mock's server and its clients in memory; no address of a socket has this form."""
# A host with an optional port, and nothing that JSON would escape.
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


@attrs.frozen
class FilePlace:
    """Where a request looks for a file; if `is_temporary`, under `/temp/`."""

    job_id: str | None
    name: str
    is_temporary: bool


def file_in(scope: Scope) -> FilePlace | None:
    """The file that a request asks for; None if it asks for something else."""
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
    """The URL below which the client of a request finds results; without a slash at its end."""
    server = scope.get("server")
    if server is None or server[0] == IN_MEMORY:
        return RESULTS_URL
    # The name by which the client knows the mock, also where a port is forwarded to it.
    host = Headers(scope=scope).get("host", "")
    return f"{scope['scheme']}://{host}{FILES}" if _HOST.fullmatch(host) else RESULTS_URL
