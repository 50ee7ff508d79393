"""The answers of the routes: responses with a body of encoded JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._api.wire import error_body

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class JsonAnswer(Response):
    """An answer whose body is JSON."""

    media_type = "application/json"


class Answer:
    """A faster `JsonAnswer` with status 200, for the route that clients poll."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-length", b"%d" % len(self._body)),
                    (b"content-type", b"application/json"),
                ],
            }
        )
        await send({"type": "http.response.body", "body": self._body})


def error_answer(
    status_code: int, message: str, raw_message: str = "", quirks: Quirks = DEFAULT_QUIRKS
) -> JsonAnswer:
    """An error as an answer, in the variant that `quirks` says."""
    return JsonAnswer(error_body(status_code, message, raw_message, quirks), status_code)
